//! Services that hand the key back in every way we could think of. Who judges is the scanner, in Python.

mod service;
mod spelling;

use std::time::Duration;

use charter_harness::scanner::leaks;
use charter_types::Base64Bytes;
use charter_types::keys::{Inject, Method};

use super::{Outgoing, Patience, Redact};
use crate::{HostError, HttpRequest, HttpResponse};
use service::{CHUNKINGS, COMPRESSIONS, Chunking, Compression, Service, Shape};
use spelling::SPELLINGS;

/// With characters that encodings differ about.
const SECRET: &str = "sk-live/+?42key&=Zz9~";
const LIMIT: u32 = 100_000;

/// Takes out nothing, so that the scanner can show that it would have seen the key.
struct RedactionOffForTests;

impl Redact for RedactionOffForTests {
    fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}

fn slots() -> Vec<Inject> {
    let header = |name: &str, prefix: &str| Inject::Header { name: name.to_owned(), prefix: prefix.to_owned() };
    let basic = |user: &str| Inject::Basic { user: user.to_owned() };
    vec![
        header("authorization", "Bearer "),
        header("x-goog-api-key", ""),
        Inject::Query { name: "key".to_owned() },
        basic("api"),
        basic("me@example.com"),
        basic(""),
    ]
}

fn request(url: &str) -> HttpRequest {
    HttpRequest { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: Base64Bytes::default() }
}

fn outgoing<'a>(service: &'a Service, request: &'a HttpRequest, inject: &'a Inject) -> Outgoing<'a> {
    Outgoing {
        request,
        url: request.url.parse().unwrap(),
        addresses: service.addresses(),
        inject,
        response_bytes_max: LIMIT,
        patience: Patience::default(),
    }
}

/// Everything that the agent's side gets.
fn received(answer: &Result<HttpResponse, HostError>) -> Vec<u8> {
    match answer {
        Ok(HttpResponse { status, headers, body, receipt: None }) => {
            let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            [format!("{status}\n{}\n\n", headers.join("\n")).as_bytes(), &body.0].concat()
        }
        Ok(HttpResponse { receipt: Some(receipt), .. }) => panic!("nobody named an edge: {receipt:?}"),
        Err(error) => format!("{} {error} {error:?}", error.code()).into_bytes(),
    }
}

/// Every spelling in every slot, each with one way to compress and to cut it and one place; and every way to compress and to
/// cut with a few spellings.
fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |spelling, inject: &Inject, compression, chunking, in_header| {
        let number = shapes.len();
        shapes.push(Shape { number, spelling, inject: inject.clone(), compression, chunking, in_header });
    };
    let slots = slots();
    for (number, spelling) in SPELLINGS.iter().enumerate() {
        for (slot, inject) in slots.iter().enumerate() {
            let compression = COMPRESSIONS[(number + slot) % COMPRESSIONS.len()];
            add(spelling, inject, compression, CHUNKINGS[(number / 2 + slot) % CHUNKINGS.len()], slot % 3 == 1);
        }
    }
    for compression in COMPRESSIONS {
        for chunking in CHUNKINGS {
            for spelling in SPELLINGS.iter().take(3) {
                add(spelling, &slots[0], compression, chunking, false);
            }
        }
    }
    shapes
}

fn pairs(texts: &[(String, Vec<u8>)]) -> impl Iterator<Item = (&str, &[u8])> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_slice()))
}

#[tokio::test]
async fn no_echo_of_the_key_reaches_the_agent_and_the_scanner_would_see_each() {
    let shapes = shapes();
    assert!(shapes.len() >= 200, "{} shapes", shapes.len());
    let service = Service::start(shapes.clone()).await;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for shape in &shapes {
        let request = request(&service.url(&format!("/echo/{}", shape.number)));
        let answer = outgoing(&service, &request, &shape.inject).exchange(SECRET.as_bytes()).await;
        let text = received(&answer);
        let useful = answer.is_ok_and(|answer| answer.body.0.starts_with(b"begin "));
        assert!(useful, "{shape}: {}", String::from_utf8_lossy(&text));
        with.push((shape.to_string(), text));
        let off = outgoing(&service, &request, &shape.inject)
            .exchange_and(SECRET.as_bytes(), |_, _| RedactionOffForTests)
            .await;
        without.push((shape.to_string(), received(&off)));
    }
    assert_eq!(service.uses(), 2 * shapes.len(), "each request carried the key");
    let names: Vec<String> = shapes.iter().map(ToString::to_string).collect();
    let unseen: Vec<_> = {
        let seen = leaks(SECRET, pairs(&without));
        names.iter().filter(|name| !seen.contains(name)).cloned().collect()
    };
    assert_eq!(unseen, [""; 0], "the scanner does not see these");
    assert_eq!(leaks(SECRET, pairs(&with)), [""; 0], "the key reaches the agent");
}

/// An answer made by hand to one request, and what the service was asked.
async fn answered(raw: &[u8], more: &[(&str, &str)]) -> (Result<HttpResponse, HostError>, String) {
    let service = Service::fixed(raw.to_vec()).await;
    let mut request = request(&service.url("/v1"));
    request.headers = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = outgoing(&service, &request, &slots()[0]).exchange(SECRET.as_bytes()).await;
    // The body as a text of its own, too: behind the head the scanner would not take it for a compressed file.
    let body = answer.as_ref().map_or_else(|_| Vec::new(), |answer| answer.body.0.clone());
    let texts = [("answer", received(&answer)), ("body", body)];
    assert_eq!(leaks(SECRET, texts.iter().map(|(name, text)| (*name, text.as_slice()))), [""; 0], "{answer:?}");
    (answer, service.heads().concat())
}

fn with_encoding(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{encoding}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn what_cannot_be_decoded_is_refused() {
    let body = format!("your key is {SECRET}");
    let packed = Compression::Gzip.pack(body.as_bytes());
    let three = Compression::Gzip.pack(&Compression::Gzip.pack(&packed));
    for (encoding, body) in [
        ("content-encoding: br", body.as_bytes()),
        (&format!("content-encoding: {}", hex::encode(SECRET)), body.as_bytes()),
        ("content-encoding: compress", body.as_bytes()),
        ("content-encoding: aes128gcm", body.as_bytes()),
        ("content-encoding: gzip", body.as_bytes()),
        ("content-encoding: gzip", &packed[..packed.len() - 5]),
        ("content-encoding: gzip, gzip, gzip", &three),
        ("content-encoding: gzip\r\ncontent-encoding: br", &packed),
        ("content-encoding: deflate", &packed),
        ("content-encoding: zstd", &packed),
        // Compressed, and nothing says so.
        ("content-type: text/plain", &packed),
        ("content-type: application/zstd", &Compression::Zstd.pack(body.as_bytes())),
        ("content-type: application/gzip", &[&packed[..], b"\n"].concat()),
        ("content-type: application/gzip", &packed[..packed.len() - 8]),
        ("content-type: application/gzip", &Compression::Gzip.pack(&packed)),
        ("content-type: application/gzip", &three),
        ("content-type: application/zlib", &[zlib(b"harmless"), zlib(body.as_bytes())].concat()),
        ("content-type: application/zlib", &[&zlib(body.as_bytes())[..20], &[0xff; 9]].concat()),
        ("content-type: application/zip", b"PK\x03\x04 and the rest"),
        ("content-type: application/x-xz", b"\xfd7zXZ\0 and the rest"),
        ("content-type: application/zstd", b"\x5a\x2a\x4d\x18 and the rest"),
        ("content-type: application/zip", b"PK\x05\x06 and a prefix"),
        ("content-type: application/x-7z-compressed", b"7z\xbc\xaf\x27\x1c and the rest"),
        ("content-type: application/vnd.rar", b"Rar!\x1a\x07\x01 and the rest"),
        ("content-type: application/x-lz4", b"\x04\x22\x4d\x18 and the rest"),
        ("content-type: application/x-lzma", b"\x5d\x00\x00\x80 and the rest"),
        ("content-type: application/octet-stream", b"\xff\x06\x00\x00sNaPpY and the rest"),
    ] {
        let (answer, _) = answered(&with_encoding(encoding, body), &[]).await;
        let error = answer.unwrap_err();
        assert_eq!(error.code(), "HOST_ENCODING", "{encoding}: {error}");
    }
    // A file without the key in it is the agent's.
    let file = Compression::Gzip.pack(b"nothing but a file");
    let (answer, _) = answered(&with_encoding("content-type: application/gzip", &file), &[]).await;
    assert_eq!(answer.unwrap().body.0, file);
    // So is text that begins as zlib does.
    let (answer, _) = answered(&with_encoding("content-type: text/plain", b"hCpy that"), &[]).await;
    assert_eq!(answer.unwrap().body.0, b"hCpy that");
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_long_one_is_refused() {
    let bomb = Compression::Gzip.pack(&vec![b'a'; 50 << 20]);
    assert!(u32::try_from(bomb.len()).unwrap() < LIMIT);
    let (answer, _) = answered(&with_encoding("content-encoding: gzip", &bomb), &[]).await;
    assert_eq!(answer.unwrap_err().code(), "HOST_RESPONSE_TOO_LARGE");
}

#[tokio::test]
async fn useful_headers_come_in_redacted_and_no_others() {
    let raw = format!(
        "HTTP/1.1 429 {SECRET}\r\nMcp-Session-Id: 7f-{SECRET}\r\nRetry-After: 30\r\nLink: </v1?page=2&key=sk-live%2F%2b?42key%26%3DZz9~>; \
         rel=\"next\"\r\nContent-Type: application/json\r\nX-RateLimit-Remaining: 0\r\nRateLimit-Policy: 10;w=60\r\nSet-Cookie: \
         session={SECRET}\r\nServer: secret-box-1\r\nX-Echo: {SECRET}\r\nX-{0}: 1\r\nX-RateLimit-{0}: 1\r\nVia: 1.1 10.0.0.8\r\ncontent-length: 2\r\nconnection: \
         close\r\n\r\n{{}}",
        hex::encode(SECRET)
    );
    let (answer, _) = answered(raw.as_bytes(), &[]).await;
    let answer = answer.unwrap();
    let lines: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        lines,
        [
            "mcp-session-id: 7f-[redacted]",
            "retry-after: 30",
            "link: </v1?page=2&key=[redacted]>; rel=\"next\"",
            "content-type: application/json",
            "x-ratelimit-remaining: 0",
            "ratelimit-policy: 10;w=60",
        ]
    );
    assert_eq!((answer.status, answer.body.0.as_slice()), (429, &b"{}"[..]));
}

#[tokio::test]
async fn a_redirect_is_the_agents_to_follow_and_holds_no_key() {
    let raw = format!("HTTP/1.1 307 x\r\nlocation: https://evil.example/?k={SECRET}\r\ncontent-length: 0\r\n\r\n");
    let (answer, asked) = answered(raw.as_bytes(), &[]).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, asked.matches("GET ").count()), (307, 1));
    assert_eq!(answer.headers, [("location".to_owned(), "https://evil.example/?k=[redacted]".to_owned())]);
}

#[tokio::test]
async fn a_trailer_stays_outside() {
    let raw = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: etag\r\n\r\n2\r\nok\r\n0\r\netag: {SECRET}\r\n\r\n"
    );
    let (answer, _) = answered(raw.as_bytes(), &[]).await;
    assert_eq!(answer.unwrap().body.0, b"ok");
}

#[tokio::test]
async fn the_service_gets_one_credential_and_is_asked_for_no_encoding_and_no_part() {
    let (answer, asked) = answered(b"HTTP/1.1 204 x\r\n\r\n", &[("Accept", "text/plain"), ("Accept", "*/*")]).await;
    assert_eq!(answer.unwrap().status, 204);
    let lower = asked.to_ascii_lowercase();
    assert_eq!(lower.matches("\r\nauthorization: bearer ").count(), 1, "{asked}");
    assert_eq!(lower.matches("\r\naccept-encoding: identity\r\n").count(), 1, "{asked}");
    assert!(!lower.contains("\r\nrange:"), "{asked}");
    assert!(lower.contains("\r\naccept: text/plain\r\naccept: */*\r\n"), "{asked}");
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up() {
    for raw in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnever the rest"] {
        let service = Service::silent(raw.to_vec()).await;
        let request = request(&service.url("/v1"));
        let patience = Patience { answer: Duration::from_millis(50), ..Patience::default() };
        let answer =
            Outgoing { patience, ..outgoing(&service, &request, &slots()[2]) }.exchange(SECRET.as_bytes()).await;
        assert_eq!(answer.unwrap_err().code(), "HOST_TIMEOUT");
    }
}

#[tokio::test]
async fn an_error_names_no_address_and_no_key() {
    let service = Service::closed().await;
    let request = request(&service.url("/v1"));
    let error = outgoing(&service, &request, &slots()[2]).exchange(SECRET.as_bytes()).await.unwrap_err();
    assert_eq!(error.code(), "HOST_UPSTREAM");
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains("127.0.0.1") && !text.contains(&service.port().to_string()), "{text}");
        assert_eq!(leaks(SECRET, [("error", text.as_bytes())]), [""; 0]);
    }
}

#[tokio::test]
async fn a_secret_too_short_to_be_redacted_is_not_sent() {
    let service = Service::fixed(b"HTTP/1.1 204 x\r\n\r\n".to_vec()).await;
    let request = request(&service.url("/v1"));
    for short in ["a", "1234567", "a-b-c-d-e-f-g"] {
        let answer = outgoing(&service, &request, &slots()[0]).exchange(short.as_bytes()).await;
        assert_eq!(answer.unwrap_err().code(), "HOST_SECRET_SHORT", "{short}");
    }
    assert_eq!(service.heads().len(), 0);
}

#[test]
fn every_way_to_cut_and_to_compress_is_among_the_shapes() {
    let shapes = shapes();
    for compression in COMPRESSIONS {
        assert!(shapes.iter().any(|shape| shape.compression == compression), "{compression:?}");
    }
    for chunking in CHUNKINGS {
        assert!(shapes.iter().any(|shape| shape.chunking == chunking && shape.in_header), "{chunking:?}");
    }
    assert_ne!(Chunking::Whole, Chunking::Bytes);
}
