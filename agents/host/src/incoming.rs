//! What of an answer comes in: its status, headers of a list, and its body, decoded. All of it is redacted afterwards.

use std::io::Read;

use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, TRANSFER_ENCODING};

use crate::HostError;

/// Headers that an agent gets. They say what the answer is, where it goes on, and when to ask again; none sets a cookie or
/// says where the service runs.
const HEADERS: &str = "accept-post allow cache-control content-disposition content-language content-type date deprecation \
    etag expires last-modified link location mcp-protocol-version mcp-session-id openai-processing-ms openai-version \
    preference-applied request-id retry-after retry-after-ms sunset vary warning www-authenticate x-correlation-id \
    x-github-media-type x-github-request-id x-has-more x-next-page x-page x-pagination x-per-page x-prev-page x-request-id \
    x-should-retry x-total x-total-count x-total-pages";

/// Rates go by many names.
const RATES: [&str; 7] =
    ["ratelimit", "x-ratelimit-", "x-rate-limit-", "anthropic-ratelimit-", "x-rl-", "x-retry-", "x-quota-"];

/// What compressed files of kinds that this host does not read begin with.
const UNREAD: [&[u8]; 14] = [
    // zip and what is made of it: with files in it, with none, in several parts.
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    // lz4, and what it was before.
    b"\x04\x22\x4d\x18",
    b"\x02\x21\x4c\x18",
    b"LZIP",
    b"\x89LZO\x00\r\n\x1a\n",
    // lzma without a frame of xz's, snappy's frames, compress.
    b"\x5d\x00\x00",
    b"\xff\x06\x00\x00sNaPpY",
    b"\x1f\x9d",
];

/// How many encodings may lie over each other.
const LAYERS_MAX: usize = 2;

fn comes_in(name: &HeaderName) -> bool {
    HEADERS.split_whitespace().any(|known| known == name.as_str())
        || RATES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Headers that come in, each in its bytes.
pub fn headers(all: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &[u8])> {
    all.iter().filter(|(name, _)| comes_in(name)).map(|(name, value)| (name, value.as_bytes()))
}

/// Everything that a reader has, up to the limit.
fn read(reader: impl Read, limit: u32) -> Result<Vec<u8>, HostError> {
    let mut bytes = Vec::new();
    let longer = u64::from(limit).saturating_add(1);
    reader.take(longer).read_to_end(&mut bytes).map_err(|_| HostError::Encoding("can't be decoded".to_owned()))?;
    if u32::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(HostError::ResponseTooLarge(limit))
    }
}

/// One encoding undone (RFC 9110, 8.4.1).
fn undo(encoding: &str, body: &[u8], limit: u32) -> Result<Vec<u8>, HostError> {
    match encoding {
        "gzip" | "x-gzip" => read(flate2::read::MultiGzDecoder::new(body), limit),
        // Said to be zlib's format, and often sent without its frame.
        "deflate" => match read(flate2::read::ZlibDecoder::new(body), limit) {
            Err(HostError::Encoding(_)) => read(flate2::read::DeflateDecoder::new(body), limit),
            decoded => decoded,
        },
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(body);
            read(decoder.map_err(|_| HostError::Encoding("can't be decoded".to_owned()))?, limit)
        }
        // Not by its name: the service writes it, and this text is not redacted.
        _ => Err(HostError::Encoding("is encoded in a way that this host does not read".to_owned())),
    }
}

fn list(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values =
        headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    values.flat_map(|value| value.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// The body as the service meant it. Fails if it can't be read: what can't be read can't be searched for the secret.
pub fn decode(headers: &HeaderMap, body: Vec<u8>, limit: u32) -> Result<Vec<u8>, HostError> {
    if list(headers, TRANSFER_ENCODING).iter().any(|coding| !matches!(coding.as_str(), "" | "chunked" | "identity")) {
        return Err(HostError::Encoding("is encoded for its transfer".to_owned()));
    }
    let mut encodings = list(headers, CONTENT_ENCODING);
    encodings.retain(|encoding| !matches!(encoding.as_str(), "" | "identity"));
    if encodings.len() > LAYERS_MAX {
        return Err(HostError::Encoding("is encoded too often".to_owned()));
    }
    // An answer without a body, to HEAD for example, says how it would be encoded.
    if body.is_empty() {
        return Ok(body);
    }
    encodings.iter().rev().try_fold(body, |body, encoding| undo(encoding, &body, limit))
}

/// What is inside a body that is a compressed file, layer by layer, so that it is searched, too. Fails for a file that can't
/// be searched to its end.
pub fn insides(body: &[u8], limit: u32) -> Result<Vec<Vec<u8>>, HostError> {
    let mut insides: Vec<Vec<u8>> = Vec::new();
    while let Some(inside) = unpacked(insides.last().map_or(body, Vec::as_slice), limit)? {
        if insides.len() >= LAYERS_MAX {
            return Err(HostError::Encoding("is compressed too often".to_owned()));
        }
        insides.push(inside);
    }
    Ok(insides)
}

/// One layer less, or none if it is no compressed file.
fn unpacked(body: &[u8], limit: u32) -> Result<Option<Vec<u8>>, HostError> {
    match body {
        [0x1f, 0x8b, ..] => undo("gzip", body, limit).map(Some),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => undo("zstd", body, limit).map(Some),
        _ if UNREAD.iter().any(|start| body.starts_with(start)) => unsearchable(),
        // A frame to skip, of zstd or lz4.
        [first, 0x2a, 0x4d, 0x18, ..] if first >> 4 == 5 => unsearchable(),
        // Text can begin like zlib, too (RFC 1950, 2.2).
        [first, second, ..] if first & 0x8f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31) => {
            let mut decoder = flate2::read::ZlibDecoder::new(body);
            match read(&mut decoder, limit) {
                Ok(inside) if u64::try_from(body.len()) == Ok(decoder.total_in()) => Ok(Some(inside)),
                Err(HostError::Encoding(_)) if is_text(body) => Ok(None),
                Err(error @ HostError::ResponseTooLarge(_)) => Err(error),
                _ => unsearchable(),
            }
        }
        _ => Ok(None),
    }
}

fn is_text(body: &[u8]) -> bool {
    std::str::from_utf8(body)
        .is_ok_and(|text| text.chars().all(|letter| !letter.is_control() || "\t\r\n".contains(letter)))
}

fn unsearchable<T>() -> Result<T, HostError> {
    Err(HostError::Encoding("is a compressed file of a kind that this host does not read".to_owned()))
}
