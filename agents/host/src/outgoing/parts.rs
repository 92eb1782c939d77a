//! Bodies with parts, in the one spelling that browsers and programs write (RFC 7578) and all services read alike. What some
//! parsers read and others don't is how a field hides.

use memchr::memmem;
use percent_encoding::percent_decode;

use super::field::{Meaning, is_http_method, meaning};

/// Why a body may be read in more than one way.
pub struct Unclear(pub &'static str);
/// Whether a part makes another request of the whole.
pub struct ChangesMeaning(pub bool);

/// Heads that a part may have, once each.
const HEADS: [&str; 9] = [
    "content-description",
    "content-disposition",
    "content-id",
    "content-language",
    "content-length",
    "content-location",
    "content-transfer-encoding",
    "content-type",
    "mime-version",
];

/// RFC 2046 allows more, which some services take for quotes or escapes.
fn is_boundary(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+".contains(&byte);
    (1..=70).contains(&text.len()) && text.bytes().all(fine)
}

/// A parameter's value and what follows: quoted, or a word. Quotes of one stroke are quotes to PHP.
fn value<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    let others = if name == "filename*=" { "_-.%~!$&+^'" } else { "_-.%~!$&+^" };
    let word = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
    let end = text.find(|letter| !word(letter)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `form-data; name="a"; filename="b"; filename*=utf-8''b`, in this order. Some parsers look for `name=` anywhere in it.
fn disposition(text: &str) -> Result<Meaning, Unclear> {
    let unclear = Unclear("a Content-Disposition is written form-data; name=\"…\"; filename=\"…\", in this order");
    let kind = text.split(';').next().unwrap_or_default();
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(unclear);
    }
    let mut rest = &text[kind.len()..];
    let mut found = Meaning::Same;
    for name in ["name=", "filename=", "filename*="] {
        let Some(after) = rest.strip_prefix(';').and_then(|rest| rest.trim_start_matches(' ').strip_prefix(name))
        else {
            continue;
        };
        let Some((said, after)) = value(after, name) else { return Err(unclear) };
        if said.to_ascii_lowercase().contains("name=") || (name == "name=" && said.contains(';')) {
            return Err(unclear);
        }
        found = found.max(meaning(percent_decode(said.as_bytes())));
        rest = after;
    }
    if rest.is_empty() { Ok(found) } else { Err(unclear) }
}

/// Whether a head leaves a part's text as it looks: in no encoding where ASCII is spelled otherwise.
fn is_plain(name: &str, said: &str) -> bool {
    match name {
        "content-transfer-encoding" => ["7bit", "8bit", "binary"].contains(&said),
        "content-type" => said.split_once("charset").is_none_or(|(_, charset)| {
            let charset = charset.trim_start_matches('=').trim_matches('"');
            ["iso-8859-1", "us-ascii", "utf-8"].contains(&charset)
        }),
        _ => true,
    }
}

/// Reads a part's head. Whether the part makes another request of the whole.
fn head(text: &[u8], value: &[u8], end: &[u8]) -> Result<bool, Unclear> {
    let text = str::from_utf8(text).map_err(|_| Unclear("the head of a part is UTF-8"))?;
    let mut known = Vec::with_capacity(2);
    let (mut found, mut is_all_plain) = (Meaning::Same, true);
    for line in text.split(if end.len() == 2 { "\r\n" } else { "\n" }) {
        let (name, said) = line.split_once(':').ok_or(Unclear("each line of a part's head is Name: value"))?;
        let (name, said) = (name.to_ascii_lowercase(), said.trim_matches(' '));
        if !HEADS.contains(&name.as_str()) || known.contains(&name) {
            return Err(Unclear("a part has only heads of RFC 7578 and 2045, each once, no blank before the colon"));
        }
        let lower = said.to_ascii_lowercase();
        if said.contains(|letter: char| letter.is_control() || letter == '\\') || lower.contains("=?") {
            return Err(Unclear("the head of a part has no backslash, no `=?` and no control character"));
        }
        // Some parsers look for a head anywhere in a line.
        if lower.contains("content-") && lower.contains(':') {
            return Err(Unclear("a part's head is not named in another's value"));
        }
        match name.as_str() {
            "content-disposition" => found = found.max(disposition(said)?),
            "content-id" => found = found.max(meaning(percent_decode(said.as_bytes()))),
            "content-type" if lower.contains("multipart") => return Err(Unclear("parts have no parts")),
            _ => is_all_plain &= is_plain(&name, &lower),
        }
        known.push(name);
    }
    Ok(match found {
        Meaning::Same => false,
        Meaning::ByValue => !is_all_plain || is_http_method(value.iter().copied()),
        Meaning::Another => true,
    })
}

/// Reads all heads. Nothing stands before the first part or after the last. Lines end with CRLF, or with LF where there is no CR
/// at all, as Python writes them.
pub fn read(body: &[u8], boundary: &str) -> Result<ChangesMeaning, Unclear> {
    if !is_boundary(boundary) {
        return Err(Unclear("the content-type names one boundary of letters, digits and -_.=+"));
    }
    let end: &[u8] = if body.contains(&b'\r') { b"\r\n" } else { b"\n" };
    let (between, empty_line) = (format!("--{boundary}"), [end, end].concat());
    let body = body.strip_prefix(end).unwrap_or(body);
    let mut found = false;
    let mut start = None;
    for at in memmem::find_iter(body, &between) {
        let (before, after) = (&body[..at], &body[at + between.len()..]);
        if at != 0 && !before.ends_with(end) {
            return Err(Unclear("a boundary stands at the beginning of a line that ends with CRLF"));
        }
        if let Some(start) = start {
            // The end of the line before a boundary belongs to it, and not to the part.
            let part = body.get(start..at - end.len()).unwrap_or_default();
            let length = memmem::find(part, &empty_line);
            let length = length.ok_or(Unclear("a part has a head, an empty line and a body"))?;
            found |= head(&part[..length], &part[length + empty_line.len()..], end)?;
        } else if at != 0 {
            return Err(Unclear("nothing stands before the first boundary"));
        }
        if let Some(rest) = after.strip_prefix(b"--") {
            let is_end = rest.iter().all(|byte| b"\r\n".contains(byte));
            return if is_end { Ok(ChangesMeaning(found)) } else { Err(Unclear("nothing follows the last boundary")) };
        }
        if !after.starts_with(end) {
            return Err(Unclear("a boundary is followed by CRLF, and the last one by --"));
        }
        start = Some(at + between.len() + end.len());
    }
    Err(Unclear("the body begins with the boundary of its content-type and ends with it and --"))
}
