//! Fields of a body that make another request of it: `_method`, and what hides it.

use super::FORM_METHOD;
use crate::{HostError, HttpRequest};

/// What may stand between a name and what is around it; brackets as Rack strips them.
const BLANKS: &[u8] = b" \t+[]";

/// Fields that change what a service takes the rest for: another method, another encoding of names. Without the `_` in front.
const FIELDS: [&[u8]; 2] = [b"method", b"charset_"];

/// Whether the name of one of `FIELDS` stands in the bytes, in a form's spelling, a multipart head's or between quotes, as
/// lenient parsers read it: PHP takes `.` and a blank for `_`, and ends a name at NUL.
fn names_field(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    FIELDS.iter().any(|word| names(&lower, word))
}

fn names(lower: &[u8], word: &[u8]) -> bool {
    let ends = |rest: &[u8]| rest.first().is_none_or(|next| b"=[]\"'>;\0\r\n".contains(next));
    let starts = |before: &[u8]| {
        let Some((b'_' | b'.' | b' ', before)) = before.split_last() else { return false };
        let before = trimmed(before);
        match before.split_last() {
            None => true,
            Some((b'=', name)) => {
                let name = trimmed(name);
                name.ends_with(b"name") || name.ends_with(b"name*")
            }
            Some((last, _)) => b"&;?\"'\r\n".contains(last),
        }
    };
    let found = lower.windows(word.len()).enumerate().filter(|(_, found)| *found == word);
    found.map(|(at, _)| lower.split_at(at)).any(|(before, rest)| starts(before) && ends(&rest[word.len()..]))
}

/// Whether a form parser may read the body as one with parts: it says so, or says nothing.
fn may_have_parts(types: &[String]) -> bool {
    types.is_empty() || types.iter().any(|kind| kind.contains("multipart") || kind.contains("form"))
}

/// What stands between the parts. Where that can be read in two ways, what every such line begins with.
fn boundary(types: &[String]) -> String {
    let named = match types {
        [kind] if kind.matches("boundary").count() == 1 => kind.split_once("boundary="),
        _ => None,
    };
    let value = named.map(|(_, value)| value.trim_start_matches('"')).unwrap_or_default();
    format!("--{}", value.split(['"', ';', ',']).next().unwrap_or_default().trim())
}

/// Whether a part's head is written in a way that only some read: with escapes, as an encoded word (RFC 2047), in pieces (RFC
/// 2231), with line ends of another kind, or with a name in `Content-ID`, where Rack takes it from. No browser does any of
/// it, and RFC 7578, 4.2 forbids most of it. `filename*` is left alone: it names no field.
fn hides_a_name(body: &[u8], types: &[String]) -> bool {
    let (lower, boundary) = (body.to_ascii_lowercase(), boundary(types));
    let mut in_head = false;
    lower.split_inclusive(|byte| *byte == b'\n').any(|whole| {
        if whole.starts_with(boundary.as_bytes()) {
            in_head = true;
            return false;
        }
        if !in_head {
            return false;
        }
        let line = whole.strip_suffix(b"\r\n").unwrap_or(whole);
        in_head = !line.is_empty();
        let text = String::from_utf8_lossy(line).replace("filename*", "filename");
        let of_id = text.strip_prefix("content-id").and_then(|rest| rest.split_once(':')).map(|(_, id)| id);
        let id = of_id.unwrap_or_default().trim_start_matches([' ', '\t', '<']);
        text.contains(['\r', '\n', '\\', '*']) || text.contains("=?") || names_field(id.as_bytes())
    })
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let Some((_, rest)) = bytes.split_last().filter(|(last, _)| BLANKS.contains(last)) {
        bytes = rest;
    }
    bytes
}

/// What the request says that its body is, in lower case.
fn content_types(request: &HttpRequest) -> Vec<String> {
    let types = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    types.map(|(_, kind)| kind.to_ascii_lowercase()).collect()
}

/// Whether that is JSON, and nothing else in any reading: some cut a type at a comma or a blank.
fn says_json(types: &[String]) -> bool {
    let [kind] = types else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let Some(kind) = kind.strip_prefix("application/") else { return false };
    let is_token = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte));
    is_token && (kind == "json" || kind.ends_with("+json"))
}

/// Forms and JSON bodies can carry `_method`, too, and some frameworks then take a POST for a DELETE. Which of them a service
/// reads goes by the content type.
pub fn check_body(request: &HttpRequest) -> Result<(), HostError> {
    let body = &request.body.0;
    let json: Result<serde_json::Value, _> = serde_json::from_slice(body);
    let types = content_types(request);
    let strange = |kind: &String| {
        let parameters = kind.split([';', ',']).map(|text| text.replace([' ', '\t', '"'], ""));
        let charsets: Vec<String> = parameters.filter(|text| text.contains("charset")).collect();
        charsets.len() > 1 || charsets.iter().any(|text| text != "charset=utf-8" && text != "charset=us-ascii")
    };
    if types.iter().any(strange) {
        return Err(HostError::Header(
            "the charset of a body is utf-8 or us-ascii: in others names look otherwise".to_owned(),
        ));
    }
    let says_json = says_json(&types);
    let may_be_json = types.iter().any(|kind| kind.contains("json")) || (types.is_empty() && body.starts_with(b"{"));
    if may_be_json && json.is_err() && !body.is_empty() {
        // Others may read it, and find what this host doesn't.
        return Err(HostError::Override("the body is not the JSON that its content-type says".to_owned()));
    }
    let fields = json.as_ref().ok().and_then(serde_json::Value::as_object);
    let field = fields.is_some_and(|fields| fields.keys().any(|name| name.eq_ignore_ascii_case(FORM_METHOD)));
    let in_bytes = || names_field(body) || names_field(&percent_encoding::percent_decode(body).collect::<Vec<_>>());
    if field || (!says_json && in_bytes()) {
        let text = format!(
            "leave {FORM_METHOD} and _charset_ out of the body: they make services take the request for another one than was granted"
        );
        return Err(HostError::Override(text));
    }
    if may_have_parts(&types) && hides_a_name(body, &types) {
        let text = "the head of a part is written plainly: lines end with CRLF, and hold no backslash, `=?` or `name*`";
        return Err(HostError::Override(text.to_owned()));
    }
    Ok(())
}
