//! Fields of a body that make another request of it: `_method`, and what hides it. Which fields a service looks for goes by the
//! content type.

use std::fmt;

use percent_encoding::percent_decode;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::content_type::ContentType;
use super::field::changes_meaning;
use super::{field, parts};
use crate::{HostError, HttpRequest};

/// A field's name as bytes: other readers take halves of surrogate pairs, too.
struct Name(bool);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Name, E> {
                Ok(Name(field::is_method(name.iter().copied())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Looks for a field that changes the method in an object, and tells it even if what follows can't be read. What is below the
/// fields is skipped, not kept.
struct Names<'a>(&'a mut bool);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(Name(is_method)) = fields.next_key()? {
            *self.0 |= is_method;
            fields.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads one value after another, as many as `most`. Whether all of the body is that, and whether one says another method.
fn read_json(body: &[u8], most: usize) -> (bool, bool) {
    let mut found = false;
    let mut json = serde_json::Deserializer::from_slice(body);
    for _ in 0..most {
        if json.end().is_ok() {
            return (true, found);
        }
        if Names(&mut found).deserialize(&mut json).is_err() {
            return (false, found);
        }
    }
    (json.end().is_ok(), found)
}

fn refused() -> HostError {
    HostError::Override(
        "leave _method, _charset_ and names like X-HTTP-Method-Override out of the body: they make services take the request for another one than was granted".to_owned(),
    )
}

fn check_json(body: &[u8], most: usize) -> Result<(), HostError> {
    match read_json(body, most) {
        (true, false) => Ok(()),
        (_, true) => Err(refused()),
        // Others may read it, and find what this host doesn't.
        (false, false) => Err(HostError::Override("the body is not the JSON that its content-type says".to_owned())),
    }
}

/// JSON values one after another; the record separators of RFC 7464 count as blanks.
fn check_json_lines(body: &[u8]) -> Result<(), HostError> {
    let blank = |byte: &u8| if *byte == 0x1e { b' ' } else { *byte };
    check_json(&body.iter().map(blank).collect::<Vec<u8>>(), usize::MAX)
}

/// Whatever a body is said to be: a service may read what looks like an object.
fn check_object(body: &[u8]) -> Result<(), HostError> {
    let start = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    let (_, found) = if start.starts_with(b"{") { read_json(start, 1) } else { (true, false) };
    if found { Err(refused()) } else { Ok(()) }
}

/// `;` is a separator to some services. `%u005f` is an escape to some, and nobody writes it: a `%` is written %25.
fn check_form(body: &[u8]) -> Result<(), HostError> {
    let changes = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or(pair);
        let is_escape = |six: &[u8]| six[..2].eq_ignore_ascii_case(b"%u") && six[2..].iter().all(u8::is_ascii_hexdigit);
        changes_meaning(percent_decode(name)) || name.windows(6).any(is_escape)
    };
    if body.split(|byte| b"&;".contains(byte)).any(changes) { Err(refused()) } else { Ok(()) }
}

fn check_parts(body: &[u8], kind: &ContentType) -> Result<(), HostError> {
    match parts::read(body, kind.parameter("boundary").unwrap_or_default()) {
        Ok(parts::ChangesMeaning(false)) => Ok(()),
        Ok(parts::ChangesMeaning(true)) => Err(refused()),
        Err(parts::Unclear(text)) => {
            Err(HostError::Override(format!("the parts of the body are read in more than one way: {text}")))
        }
    }
}

/// Forms and JSON bodies can carry `_method`, and some frameworks then take a POST for a DELETE.
pub fn check_body(request: &HttpRequest) -> Result<(), HostError> {
    let body = request.body.0.as_slice();
    let said = ContentType::of(request)?;
    if body.is_empty() {
        return Ok(());
    }
    let kind = said.as_ref().map_or("", |said| said.kind.as_str());
    let holds = |word: &str| kind.contains(word);
    // One type can be read as several: none excludes another.
    if let Some(said) = said.as_ref().filter(|_| holds("multipart")) {
        check_parts(body, said)?;
    }
    if kind.is_empty() || holds("urlencoded") {
        check_form(body)?;
    }
    if ["ndjson", "jsonl", "json-lines", "json-seq", "json-stream"].into_iter().any(holds) {
        check_json_lines(body)
    } else if holds("json") || holds("csp-report") {
        check_json(body, 1)
    } else {
        check_object(body)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Base64Bytes;
    use charter_types::keys::Method;

    use super::check_body;
    use crate::HttpRequest;

    fn asked(types: &[&str], body: &str) -> String {
        let headers = types.iter().map(|kind| ("Content-Type".to_owned(), (*kind).to_owned())).collect();
        let body = Base64Bytes(body.as_bytes().to_vec());
        let request = HttpRequest { method: Method::Post, url: String::new(), headers, body };
        check_body(&request).map_or_else(|error| error.code(), |()| "OUT".to_owned())
    }

    fn all(types: &[&str], code: &str, bodies: &[&str]) {
        for body in bodies {
            assert_eq!(asked(types, body), code, "{types:?} {body:?}");
        }
    }

    const JSON: &str = "application/json; charset=utf-8";
    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn a_form_names_no_other_method() {
        for types in [&[][..], &[""], &[FORM], &["application/x-www-form-urlencoded; charset=UTF-8"]] {
            all(
                types,
                "OUT",
                &["", "a=b&c=_method", "payment_method=card", "method=auth.test", "plain text _method", "\0\u{1}"],
            );
            all(
                types,
                "HOST_OVERRIDE",
                &[
                    "_method=DELETE",
                    "a=b&_method=PUT",
                    "a=b&%5Fmethod=PUT",
                    "a=b&_METHOD=PUT",
                    "a=b&%u005fmethod=PUT",
                    "a=1&.method=DELETE",
                    "%2Emethod=DELETE",
                    "a=1;_method[]=DELETE",
                    "_method%00x=DELETE",
                    "x=é&_method=DELETE",
                    "X-HTTP-Method-Override=DELETE",
                    "a=1&x%2dhttp%2dmethod%2doverride=DELETE",
                    "[_method]=DELETE",
                    "[_method=DELETE",
                    "a=1&%5B_method%5D=DELETE",
                    "_method%20=DELETE",
                    "%0b_method=DELETE",
                    "+_method=DELETE",
                    "?_method=DELETE",
                    "{&_method=DELETE",
                    "_charset_=utf-7&+AF8-method=DELETE",
                    "a=1&%5Fcharset%5F=ibm037",
                ],
            );
        }
        all(&[FORM], "HOST_OVERRIDE", &[r#"{"a":"&_method=DELETE&"}"#, "[=1&_method=DELETE"]);
    }

    #[test]
    fn json_names_no_other_method() {
        let fine = [
            "",
            "[1]",
            r#"{"a":{"_method":"DELETE"}}"#,
            r#"{"ask":"&_method=DELETE&","x":[null,true,-1,2.5]}"#,
            r#"["_method"]"#,
        ];
        let bad =
            [r#"{"_method":"DELETE"}"#, r#"{"\u005fmethod":"DELETE","x":1}"#, r#"{"x":1e999,"_Method":"DELETE"}"#];
        let surrogate = "{\"\\ud800\":1,\"_method\":\"DELETE\"}";
        for types in [&[][..], &[JSON], &["text/plain"], &["application/csp-report"]] {
            all(types, "HOST_OVERRIDE", &[surrogate]);
        }
        let profile = "application/ld+json; profile=\"http://www.w3.org/ns/json-ld#compacted\"";
        for types in
            [&[JSON][..], &["text/json"], &["application/vnd.a.v1+json"], &[profile], &["application/csp-report"]]
        {
            all(types, "OUT", &fine);
            all(types, "HOST_OVERRIDE", &bad);
            // Others may read it: comments, quotes of another kind, something behind it.
            all(types, "HOST_OVERRIDE", &["{/**/}", "{'_method':'DELETE'}", "{} {}", "{", "\u{feff}{}", "a=b"]);
        }
        all(&[], "HOST_OVERRIDE", &bad);
        for types in [&[][..], &["text/plain"]] {
            all(types, "HOST_OVERRIDE", &["\u{feff} {\"_method\":1}", "{\"_method\":1,\"x\":NaN}"]);
            all(types, "OUT", &["{\"a\":1", "{\"a\":1}"]);
        }
        all(&["application/x-ndjson"], "OUT", &["{\"index\":{}}\n{\"a\":1}\n"]);
        all(
            &["application/x-ndjson"],
            "HOST_OVERRIDE",
            &["{\"index\":{}}\n{\"_method\":1}\n", "{\"\\ud800\":1,\"_method\":1}"],
        );
        all(&["application/json-seq"], "OUT", &["\u{1e}{\"a\":1}\n\u{1e}{\"b\":1}\n"]);
        all(&["application/json-seq"], "HOST_OVERRIDE", &["\u{1e}{\"a\":1}\n\u{1e}{\"_method\":1}\n"]);
        all(&["application/x-www-form-urlencoded+json"], "HOST_OVERRIDE", &[r#"{"a":"&_method=DELETE&"}"#]);
    }

    #[test]
    fn what_no_form_parser_reads_is_let_out() {
        for kind in [
            "text/plain",
            "application/octet-stream",
            "text/markdown; charset=utf-8",
            "message/rfc822",
            "application/graphql",
        ] {
            all(
                &[kind],
                "OUT",
                &["&_method=DELETE&", "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--"],
            );
        }
    }

    #[test]
    fn a_body_is_of_one_type_in_one_encoding() {
        for kind in [
            "application/x-www-form-urlencoded; charset=ibm037",
            "application/x-www-form-urlencoded; charset=utf-8; charset=ibm037",
            "application/x-www-form-urlencoded; charset=ibm037; x=utf-8",
            "application/x-www-form-urlencoded; charset=utf-8x",
            "application/x-www-form-urlencoded; charset=\"utf-7\"",
            "application/x-www-form-urlencoded,x/y+json",
        ] {
            all(&[kind], "HOST_HEADER", &["a=b", "%6D%94%85%A3%88%96%84=%C4"]);
        }
        all(&[JSON, FORM], "HOST_HEADER", &["{}"]);
        all(&[JSON, ""], "HOST_HEADER", &["{}"]);
    }

    const PARTS: &str = "multipart/form-data; boundary=AaB";

    /// As browsers, curl, and libraries of Python, Go, Rust and Java write parts, and text that looks like parts and is none.
    #[test]
    fn an_upload_is_let_out() {
        for head in [
            "Content-Disposition: form-data; name=\"a\"; filename=\"b.c\"; filename*=utf-8''b.c",
            "Content-Disposition: form-data; name=file; filename=a+b~1.c",
            "Content-Disposition: form-data; name=file; filename=\"ü 10:00.c\"\r\nContent-Type: text/plain; charset=utf-8",
            "content-disposition: form-data;name=\"method\"\r\nContent-Length: 3",
            "Content-Type: application/json\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit",
            "Content-Type: image/png\r\nContent-ID: <a@b>\r\nContent-Disposition: attachment; filename=\"b.c\"",
        ] {
            let body = format!("--AaB\r\n{head}\r\n\r\n--\nwhat * =? \\ _method holds\n--\r\n--Aa\r\n--AaB--\r\n");
            all(&["multipart/mixed; boundary=\"AaB\""], "OUT", &[&body, &format!("{body}\r\n")]);
            // Python's email package.
            all(&["multipart/related; boundary=\"AaB\""], "OUT", &[&body.replace("\r\n", "\n")]);
            let two = body.replace("--AaB--", &format!("--AaB\r\n{head}\r\n\r\n\r\n--AaB--"));
            all(&[PARTS], "OUT", &[&two, &format!("\r\n{two}")]);
        }
    }

    #[test]
    fn no_part_names_another_method() {
        for head in [
            "Content-Disposition: form-data; name=\"_method\"",
            "Content-Disposition: form-data; name=_method",
            "Content-Disposition: form-data; name='_method'",
            "Content-Disposition: form-data; name='_method'x",
            "Content-Disposition: form-data; name=\"_method;x\"",
            "Content-Disposition: form-data; name = \"_method\"",
            "Content-Disposition: form-data; name=\"\\_method\"",
            "Content-Disposition: form-data; name=\"_met\r\nhod\"",
            "Content-Disposition: form-data; name=\"_me\"\"thod\"",
            "Content-Disposition: form-data; name=_me thod",
            "Content-Disposition: form-data; name=\"_method \"",
            "Content-Disposition: form-data; name=\"\u{b}_method\"",
            "Content-Disposition: form-data; name=\"%5Fmethod\"",
            "Content-Disposition: form-data; name=\"X-HTTP-Method-Override\"",
            "Content-Disposition: form-data; name=\"_charset_\"",
            "Content-Disposition: form-data; name*=utf-8''_method",
            "Content-Disposition: form-data; name*0=_me; name*1=thod",
            "Content-Disposition: form-data; name==?utf-8?q?=5Fmethod?=",
            "Content-Disposition: form-data; name=\"a\"; name=\"_method\"",
            "Content-Disposition: form-data; name=\"a\"; filename=\"b name=_method\"",
            "Content-Disposition: form-data; filename=\"_method\"",
            "Content-Disposition: form-data;\r\n name=\"_method\"",
            "Content-Disposition: form-data;\n\n name=\"_method\"",
            "Content-Disposition: form-data;\r\r name=\"_method\"",
            "Content-Disposition : form-data; name=\"_method\"",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"_method\"",
            "X-Content-Disposition: form-data; name=\"_method\"",
            "Content-Type: text/plain; x=Content-Disposition: form-data; name=\"_method\"",
            "Content-ID: _method",
            "content-id : <_method>",
            "Content-ID: <_method>",
            "X-Content-ID: _method",
            "Content-Type: multipart/mixed; boundary=B",
            "",
            "\r\nContent-Disposition: form-data; name=\"_method\"",
        ] {
            let body = format!("--AaB\r\n{head}\r\n\r\nDELETE\r\n--AaB--");
            for kind in ["form-data", "mixed", "related", "x"] {
                all(&[&format!("multipart/{kind}; boundary=AaB")], "HOST_OVERRIDE", &[&body]);
            }
        }
    }

    #[test]
    fn where_a_part_begins_is_read_in_one_way() {
        const HEAD: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";
        let hidden = "Content-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n";
        for body in [
            format!("preamble\r\n--AaB\r\n{HEAD}\r\n--AaB--"),
            format!("--AaB \r\n{HEAD}\r\n--AaB--"),
            format!("--AaB\n{HEAD}\r\n--AaB--"),
            format!("--AaB\r\n{HEAD}x--AaB\r\n{hidden}--AaB--"),
            format!("--AaB\r\n{HEAD}\n--AaB\r\n{hidden}--AaB--"),
            format!("--AaB\r\n{HEAD}\r\n--AaBx\r\n{hidden}--AaB--"),
            format!("--AaB\r\n{HEAD}\r\n--AaB--\r\n--AaB\r\n{hidden}--AaB--"),
            format!("--AaB\r\n{HEAD}\r\n--AaB"),
            format!("--AaB\r\n{HEAD}"),
            "--AaB\r\n--AaB--".to_owned(),
            "--AaB\r\nContent-Type: a/b\r\n\r\n--AaB--".to_owned(),
            "a=b".to_owned(),
        ] {
            all(&[PARTS], "HOST_OVERRIDE", &[&body]);
        }
        all(&[PARTS], "OUT", &["--AaB--\r\n"]);
        let body = format!("--AaB\r\n{HEAD}\r\n--AaB--");
        for (kind, code) in [
            ("boundary=AaB", "OUT"),
            ("x=1", "HOST_OVERRIDE"),
            ("xboundary=zz", "HOST_HEADER"),
            ("xboundary=zz; boundary=AaB", "HOST_HEADER"),
            ("boundary='AaB'", "HOST_OVERRIDE"),
            ("boundary=\"=?utf-8?q?AaB?=\"", "HOST_HEADER"),
            ("boundary=aab", "HOST_OVERRIDE"),
            ("boundary=\"AaB \"", "HOST_OVERRIDE"),
            ("boundary=\"Aa B\"", "HOST_OVERRIDE"),
            ("boundary=zz; boundary=AaB", "HOST_HEADER"),
            ("boundary*0=zz", "HOST_HEADER"),
            ("x=\"boundary=zz\"; boundary =AaB", "HOST_HEADER"),
            ("boundary= AaB", "HOST_HEADER"),
            ("boundary=\"\"AaB\"", "HOST_HEADER"),
            ("boundary=A\\aB", "HOST_HEADER"),
        ] {
            all(&[&format!("multipart/form-data; {kind}")], code, &[&body]);
        }
    }
}
