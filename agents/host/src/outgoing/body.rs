//! Fields of a body that make another request of it: `_method`, and what hides it. Which fields a service looks for goes by the
//! content type.

use percent_encoding::percent_decode;

use super::content_type::ContentType;
use super::field::{changes_meaning, has_escape, holds_method};
use super::{json, parts};
use crate::{HostError, HttpRequest};

fn refused() -> HostError {
    HostError::Override(
        "leave _method, _charset_, names like X-HTTP-Method-Override and a `method` of HTTP out of the body: they make services take the request for another one than was granted".to_owned(),
    )
}

fn check_json(body: &[u8], most: usize) -> Result<(), HostError> {
    match json::read(body) {
        Ok((_, true)) => Err(refused()),
        Ok((count, false)) if count <= most => Ok(()),
        // Others may read it, and find what this host doesn't.
        _ => Err(HostError::Override("the body is not the JSON that its content-type says".to_owned())),
    }
}

/// JSON values one after another; the record separators of RFC 7464 count as blanks.
fn check_json_lines(body: &[u8]) -> Result<(), HostError> {
    let blank = |byte: &u8| if *byte == 0x1e { b' ' } else { *byte };
    check_json(&body.iter().map(blank).collect::<Vec<u8>>(), usize::MAX)
}

/// Whatever a body is said to be: a service may read what looks like an object, behind blanks or the marks of an encoding. And
/// it may take comments, bare names, tabs or numbers that no JSON has, so what such a body names can't be told.
fn check_object(body: &[u8]) -> Result<(), HostError> {
    let start = body.iter().position(u8::is_ascii_graphic).unwrap_or(body.len());
    let object = &body[start..];
    if !object.starts_with(b"{") {
        return Ok(());
    }
    match json::read(object) {
        Ok((_, true)) => Err(refused()),
        Err(_) if holds_method(object) => Err(HostError::Override(
            "a body that begins with { and is no JSON must not hold the word method, which others may read as a field: make it JSON, or let it begin otherwise".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// `;` is a separator to some services.
fn check_form(body: &[u8]) -> Result<(), HostError> {
    let changes = |pair: &[u8]| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        has_escape(name) || changes_meaning(percent_decode(name), percent_decode(value))
    };
    if body.split(|byte| b"&;".contains(byte)).any(changes) { Err(refused()) } else { Ok(()) }
}

fn check_parts(body: &[u8], said: &ContentType) -> Result<(), HostError> {
    let boundary = said.parameter("boundary").unwrap_or_default();
    // Parsers of forms that cut the type at every `=` have a shorter one. Mail's begin with it.
    let read = if said.kind.contains("form") && boundary.contains('=') {
        Err(parts::Unclear("the boundary of a form has no ="))
    } else {
        parts::read(body, boundary)
    };
    match read {
        Ok(parts::ChangesMeaning(false)) => Ok(()),
        Ok(parts::ChangesMeaning(true)) => Err(refused()),
        Err(parts::Unclear(text)) => {
            Err(HostError::Override(format!("the parts of the body are read in more than one way: {text}")))
        }
    }
}

/// Forms and JSON bodies can carry `_method`, and some frameworks then take a POST for a DELETE. Some look for it in whatever has
/// a body, a PUT or a DELETE, too.
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
                &[
                    "",
                    "a=b&c=_method",
                    "payment_method=card",
                    "method=auth.test",
                    "a=DELETE&method=flickr.photos.delete",
                    "method=&http_method",
                    "plain text _method",
                    "\0\u{1}",
                ],
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
                    "method=DELETE",
                    "a=1&Method=put",
                    "a=1;method[]=DELETE",
                    "httpMethod=MERGE",
                    "http%5fmethod=%50UT",
                    "method=+delete%0d%0a",
                    "method=DELETE%00x",
                    "method=%u0044ELETE",
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
            r#"{"jsonrpc":"2.0","method":"tools/call","payment_method":"get"}"#,
            r#"{"method":{"of":"put"},"httpMethod":7}"#,
            " \r\n",
        ];
        let bad = [
            r#"{"_method":"DELETE"}"#,
            r#"{"\u005fmethod":"DELETE","x":1}"#,
            r#"{"x":1e999,"_Method":"DELETE"}"#,
            r#"{"method":"DELETE"}"#,
            r#"{"x":{},"Method":" p\u0075t\n"}"#,
            r#"{"method":["DELETE"]}"#,
            r#"{"http_method":"patch"}"#,
            r#"{"X-HTTP-Method-Override":1}"#,
        ];
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
            all(types, "OUT", &["{\"a\":1", "{\"a\":1}", "{\"a\":1}\n{\"payment_method\":1}"]);
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

    /// Judge such a body up to what this host can't read, and less strict readers find a method behind it.
    #[test]
    fn what_looks_like_an_object_and_is_no_json_names_no_method_at_all() {
        for types in [&[][..], &["text/plain"], &["application/octet-stream"]] {
            all(
                types,
                "HOST_OVERRIDE",
                &[
                    r#"{"x":NaN,"_method":"DELETE"}"#,
                    "{\"x\":\"a\tb\",\"_method\":\"DELETE\"}",
                    r#"{/**/"_method":"DELETE"}"#,
                    "{_method:'DELETE'}",
                    "{'x':1,'method':'DELETE'}",
                    r#"{x:1,"\u005fM\u0065thod":"DELETE"}"#,
                    r#"{x:1,"_\x6de\u{74}hod":"DELETE"}"#,
                    "{x:1,'_met\\\nhod':'DELETE'}",
                    "{\"a\":1} x {\"_method\":1}",
                    "\u{b}{\"_method\":1}",
                    "{\0\"\0_\0m\0e\0t\0h\0o\0d\0\"\0:\0{\0}\0}\0",
                    "\0{\0\"\0_\0m\0e\0t\0h\0o\0d\0\"\0:\0{\0}\0}",
                ],
            );
            all(types, "OUT", &["{{name}}, hello", "{ user { name } }", "{x:NaN}", r"{\rtf1 text}", "x {_method}"]);
        }
    }

    /// Ask for an error's place behind each value, and this takes minutes.
    #[test]
    fn a_long_body_of_short_values_is_read_once() {
        let values = "[]".repeat(2 << 20);
        all(&["application/x-ndjson"], "OUT", &[&values]);
        all(&["application/x-ndjson"], "HOST_OVERRIDE", &[&format!("{values}{{\"_method\":1}}")]);
        all(&[JSON], "HOST_OVERRIDE", &[&values]);
        all(&["text/plain"], "OUT", &[&"{}".repeat(1 << 20)]);
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
    fn a_part_called_method_says_none_of_http() {
        for (head, value, code) in [
            ("name=\"method\"", "auth.test", "OUT"),
            (
                "name=\"method\"\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit",
                "auth.test",
                "OUT",
            ),
            ("name=\"method\"", "DELETE", "HOST_OVERRIDE"),
            ("name=http_method", "\r\n put \r\n", "HOST_OVERRIDE"),
            ("name=\"a\"; filename=\"method\"", "DELETE", "HOST_OVERRIDE"),
            ("name=\"method\"", "D\0E\0L\0E\0T\0E\0", "HOST_OVERRIDE"),
            ("name=\"method\"\r\nContent-Transfer-Encoding: base64", "REVMRVRF", "HOST_OVERRIDE"),
            ("name=\"a\"\r\nContent-Transfer-Encoding: base64", "REVMRVRF", "OUT"),
            ("name=\"method\"\r\nContent-Type: text/plain; charset = utf-7", "+AEQ-ELETE", "HOST_OVERRIDE"),
            ("name=\"method\"\r\nContent-Type: text/plain; charset=utf-8; charset=utf-7", "+AEQ-", "HOST_OVERRIDE"),
        ] {
            let body = format!("--AaB\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n--AaB--");
            all(&[PARTS], code, &[&body]);
        }
    }

    #[test]
    fn the_boundary_of_a_form_is_not_cut_at_an_equals_sign() {
        let hidden = "--AaB\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE";
        let body = format!("--AaB=x\r\nContent-Type: text/plain\r\n\r\n{hidden}\r\n--AaB=x--");
        for kind in ["form-data; boundary=AaB=x", "form-data; boundary=\"AaB=x\"", "x-form-data; boundary=AaB=x"] {
            all(&[&format!("multipart/{kind}")], "HOST_OVERRIDE", &[&body]);
        }
        // Python's email package has such boundaries.
        all(&["multipart/mixed; boundary=\"AaB=x\""], "OUT", &[&body]);
        all(
            &["multipart/form-data; boundary=AaBx"],
            "OUT",
            &[&body.replace("AaB=x", "AaBx").replace("--AaB\r", "--Aa\r")],
        );
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
