//! Services of tests.

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use charter_types::keys::Inject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::SECRET;
use super::spelling::{Seen, Spelling};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Deflate,
    /// As many servers send what they call deflate.
    RawDeflate,
    Zstd,
    GzipInDeflate,
}

pub const COMPRESSIONS: [Compression; 6] = [
    Compression::None,
    Compression::Gzip,
    Compression::Deflate,
    Compression::RawDeflate,
    Compression::Zstd,
    Compression::GzipInDeflate,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    Whole,
    /// A chunk for each byte.
    Bytes,
    /// Chunks of a few bytes.
    Pieces,
    /// Until the connection ends.
    Close,
}

pub const CHUNKINGS: [Chunking; 4] = [Chunking::Whole, Chunking::Bytes, Chunking::Pieces, Chunking::Close];

impl Compression {
    pub fn pack(self, body: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        macro_rules! packed {
            ($encoder:ident) => {{
                let mut encoder = flate2::write::$encoder::new(Vec::new(), level);
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }};
        }
        match self {
            Self::None => body.to_vec(),
            Self::Gzip => packed!(GzEncoder),
            Self::Deflate => packed!(ZlibEncoder),
            Self::RawDeflate => packed!(DeflateEncoder),
            Self::Zstd => zstd::encode_all(body, 0).unwrap(),
            Self::GzipInDeflate => Self::Deflate.pack(&Self::Gzip.pack(body)),
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "Content-Encoding: gzip\r\n",
            Self::Deflate | Self::RawDeflate => "content-encoding: Deflate\r\n",
            Self::Zstd => "content-encoding: identity, zstd\r\n",
            Self::GzipInDeflate => "content-encoding: x-gzip\r\ncontent-encoding: deflate\r\n",
        }
    }
}

impl Chunking {
    fn write(self, body: &[u8]) -> Vec<u8> {
        let chunked = |size: usize| {
            let mut out = b"transfer-encoding: chunked\r\n\r\n".to_vec();
            for chunk in body.chunks(size) {
                out.extend(format!("{:x}\r\n", chunk.len()).bytes());
                out.extend(chunk);
                out.extend(b"\r\n");
            }
            out.extend(b"0\r\n\r\n");
            out
        };
        match self {
            Self::Whole => [format!("content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat(),
            Self::Bytes => chunked(1),
            Self::Pieces => chunked(7),
            Self::Close => [b"\r\n", body].concat(),
        }
    }
}

/// How a service hands the key back.
#[derive(Clone)]
pub struct Shape {
    pub number: usize,
    pub spelling: &'static Spelling,
    pub inject: Inject,
    pub compression: Compression,
    pub chunking: Chunking,
    /// In a header, too, if the spelling fits into one.
    pub in_header: bool,
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, spelling, inject, compression, chunking, in_header } = self;
        let place = if *in_header { "header" } else { "body" };
        write!(out, "{number}: {} of {inject:?}, {compression:?}, {chunking:?}, {place}", spelling.name)
    }
}

impl Shape {
    /// The answer, in pieces as they are written.
    fn answer(&self, head: &str) -> Vec<u8> {
        let spelled = (self.spelling.spell)(&Seen { secret: SECRET.to_owned(), head: head.to_owned() });
        let printable = spelled.iter().all(|byte| (0x20..0x7f).contains(byte));
        let in_header = self.in_header && printable;
        let header = if in_header { [b"etag: ", spelled.as_slice(), b"\r\n"].concat() } else { Vec::new() };
        let inside = if in_header { &b"nothing"[..] } else { &spelled };
        let body = self.compression.pack(&[b"begin ", inside, b" end"].concat());
        let start = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{}", self.compression.header());
        [start.as_bytes(), &header, &self.chunking.write(&body)].concat()
    }
}

enum Answers {
    Shapes(Vec<Shape>),
    Fixed(Vec<u8>),
    /// Says so much, and then holds the line.
    Silent(Vec<u8>),
}

/// A service on loopback. It stops with the test's runtime.
pub struct Service {
    addresses: [SocketAddr; 1],
    heads: Arc<Mutex<Vec<String>>>,
}

/// The head of a request.
async fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = socket.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

async fn attend(mut socket: TcpStream, answers: Arc<Answers>, heads: Arc<Mutex<Vec<String>>>) {
    let head = read_head(&mut socket).await;
    heads.lock().unwrap().push(head.clone());
    let answer = match &*answers {
        Answers::Fixed(answer) => answer.clone(),
        Answers::Shapes(shapes) => {
            let number = head.split(['/', ' ', '?']).nth(3).unwrap().parse::<usize>().unwrap();
            shapes[number].answer(&head)
        }
        Answers::Silent(start) => {
            let _ = socket.write_all(start).await;
            // Until the other side goes.
            let _ = socket.read_u8().await;
            return;
        }
    };
    // Cut where no chunk ends.
    for piece in answer.chunks(97) {
        let _ = socket.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    let _ = socket.shutdown().await;
}

impl Service {
    async fn with(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [listener.local_addr().unwrap()];
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (answers, log) = (Arc::new(answers), Arc::clone(&heads));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(attend(socket, Arc::clone(&answers), Arc::clone(&log)));
            }
        });
        Self { addresses, heads }
    }

    pub async fn start(shapes: Vec<Shape>) -> Self {
        Self::with(Answers::Shapes(shapes)).await
    }

    pub async fn fixed(answer: Vec<u8>) -> Self {
        Self::with(Answers::Fixed(answer)).await
    }

    pub async fn silent(start: Vec<u8>) -> Self {
        Self::with(Answers::Silent(start)).await
    }

    /// Nobody listens there any more.
    pub async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { addresses: [listener.local_addr().unwrap()], heads: Arc::default() }
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://service.localhost:{}{path}", self.port())
    }

    /// Heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many requests carried the key, in one of the spellings of the slots.
    pub fn uses(&self) -> usize {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;
        let is_use = |head: &String| {
            let basic = head.split("asic ").nth(1).and_then(|rest| STANDARD.decode(rest.split('\r').next()?).ok());
            let pair = String::from_utf8(basic.unwrap_or_default()).unwrap();
            let query = head.split("key=").nth(1).map_or("", |rest| rest.split([' ', '&']).next().unwrap_or(""));
            let query: Vec<u8> = percent_encoding::percent_decode_str(query).collect();
            head.contains(SECRET) || pair.ends_with(SECRET) || query == SECRET.as_bytes()
        };
        self.heads().iter().filter(|head| is_use(head)).count()
    }
}
