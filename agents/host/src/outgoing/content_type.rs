//! What a request says that its body is, in the one spelling that all services read alike.

use crate::{HostError, HttpRequest};

/// `type/subtype; name=value; name="value"` (RFC 9110, 8.3), in lower case but for the values.
pub struct ContentType {
    /// `type/subtype`.
    pub kind: String,
    parameters: Vec<(String, String)>,
}

fn all(text: &str, others: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

/// Words that some services look for anywhere in the text, and not where they belong.
const WORDS: [&str; 5] = ["boundary", "charset", "json", "multipart", "urlencoded"];

/// Whether a parameter holds one of `WORDS` where it means nothing by the RFC. Browsers' boundaries hold "Boundary".
fn misleads(kind: &str, name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    WORDS.into_iter().any(|word| {
        let is_own = word == "boundary" && name == word && !value.contains("boundary=");
        // Of related parts, the type of the first is told.
        let is_told = word == "json" && name == "type" && kind.starts_with("multipart/");
        // What a type says of itself is no secret: boundaries of Ruby's clients hold "Multipart".
        let is_new = !kind.contains(word);
        is_new && ((name.contains(word) && name != word) || (value.contains(word) && !is_own && !is_told))
    })
}

/// A value without its quotes. What would need an escape, what some decode, or what some cut a value at, is in none.
fn value(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('"').map_or(Some(text), |text| text.strip_suffix('"'))?;
    let blank = inside.len() == text.len() && text.contains(' ');
    let fine = |byte: u8| (0x20..0x7f).contains(&byte) && !b"\"\\,".contains(&byte);
    (!inside.is_empty() && !blank && !inside.contains("=?") && inside.bytes().all(fine)).then_some(inside)
}

impl ContentType {
    fn read(text: &str) -> Option<Self> {
        let mut pieces = text.split(';').map(|piece| piece.trim_matches(' '));
        let kind = pieces.next()?.to_ascii_lowercase();
        let (top, sub) = kind.split_once('/')?;
        if !all(top, b"-") || !all(sub, b"!#$&+-.^_") || kind.contains("boundary") || kind.contains("charset") {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let (name, text) = piece.split_once('=')?;
            let name = name.to_ascii_lowercase();
            if !all(&name, b"-_.") || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            let value = value(text)?;
            if misleads(&kind, &name, value) {
                return None;
            }
            parameters.push((name, value.to_owned()));
        }
        Some(Self { kind, parameters })
    }

    /// None if the request says nothing. An empty one says nothing, too.
    pub fn of(request: &HttpRequest) -> Result<Option<Self>, HostError> {
        let mut said = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let Some((_, text)) = said.next() else { return Ok(None) };
        let is_only = said.next().is_none();
        if is_only && text.trim().is_empty() {
            return Ok(None);
        }
        let read = Self::read(text).filter(|_| is_only).ok_or_else(|| {
            HostError::Header(format!(
                "the content-type {text:?} is read in more than one way: one header with type/subtype; name=value is expected, each name once, no backslash, no comma, and no boundary or type hidden in another value"
            ))
        })?;
        let charset = read.parameter("charset").map(str::to_ascii_lowercase);
        if !matches!(charset.as_deref(), None | Some("utf-8" | "us-ascii")) {
            let text = "the charset of a body is utf-8 or us-ascii: in others names look otherwise";
            return Err(HostError::Header(text.to_owned()));
        }
        Ok(Some(read))
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ContentType;

    #[test]
    fn one_spelling_is_read() {
        for (text, kind, boundary) in [
            ("application/json", "application/json", None),
            ("Application/JSON;charset=UTF-8;", "application/json", None),
            (
                "multipart/form-data; boundary=----WebKitFormBoundaryAaB",
                "multipart/form-data",
                Some("----WebKitFormBoundaryAaB"),
            ),
            ("multipart/mixed; Boundary=\"==12==\"", "multipart/mixed", Some("==12==")),
            (
                "multipart/related; type=\"application/json\"; start=\"<a@b>\"; boundary=x",
                "multipart/related",
                Some("x"),
            ),
            ("application/vnd.github.v3.raw+json", "application/vnd.github.v3.raw+json", None),
            ("application/json;odata.metadata=minimal", "application/json", None),
            ("application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic\"", "application/vnd.api+json", None),
            (
                "multipart/form-data; boundary=-----------RubyMultipartPost-1a",
                "multipart/form-data",
                Some("-----------RubyMultipartPost-1a"),
            ),
        ] {
            let read = ContentType::read(text).unwrap();
            assert_eq!((read.kind.as_str(), read.parameter("boundary")), (kind, boundary), "{text}");
        }
        for text in [
            "json",
            "a/",
            "a/b,c/d",
            "a/b c/d",
            "a/b; x",
            "a/b; x=",
            "a/b; x=\"\"",
            "a/b; x =y",
            "a/b; x= y",
            "a/b; x=y z",
            "a/b; x=\"y",
            "a/b; x=\"y;z\"",
            "a/b; x=\"y\\z\"",
            "a/b; x=\"\"y\"",
            "a/b; x=y; X=z",
            "a/b; x*0=y",
            "a/b; x=y, c/d",
            "a/b; x==?utf-8?q?y?=",
            // Looked for anywhere in the text by PHP, Rack, Jetty, Tomcat, Laravel or formidable.
            "multipart/form-data; xboundary=zz; boundary=AaB",
            "multipart/form-data; boundary=AaB; xboundary=zz",
            "multipart/form-data; boundary=AaBboundary=zz",
            "multipart/form-data; x=\"a boundary=zz\"; boundary=AaB",
            "multipart/boundary=zz; boundary=AaB",
            "multipart/form-data; boundary=AaB; x=urlencoded",
            "text/plain; xcharset=ibm037",
            "text/plain; x=\"a charset=ibm037\"",
            "text/plain; x=a/json",
            "text/plain; x=multipart/form-data",
        ] {
            assert!(ContentType::read(text).is_none(), "{text}");
        }
    }
}
