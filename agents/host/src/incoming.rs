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
        other => Err(HostError::Encoding(format!("is encoded as {other:?}, which this host does not read"))),
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

/// A body that is a compressed file, unpacked as far as the limit, so that it is searched, too. None if it is something else.
pub fn unpacked(body: &[u8], limit: u32) -> Option<Vec<u8>> {
    let encoding = match body {
        [0x1f, 0x8b, 8, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => "deflate",
        _ => return None,
    };
    undo(encoding, body, limit).ok()
}
