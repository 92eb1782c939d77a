//! Names of fields that change what a service takes a request for: of headers, queries, forms, parts and JSON.

use memchr::memmem;

use super::escape::undone;

/// Names that say another method, in letters alone.
const METHODS: [&[u8]; 5] =
    [b"httpmethodoverride", b"methodoverride", b"xhttpmethod", b"xhttpmethodoverride", b"xmethodoverride"];
/// Names that say another method to some services, and are fields like others to most: `method=auth.test`.
const BY_VALUE: [&[u8]; 2] = [b"httpmethod", b"method"];
/// Methods that are said so.
const HTTP: [&[u8]; 10] =
    [b"connect", b"delete", b"get", b"head", b"merge", b"options", b"patch", b"post", b"put", b"trace"];
/// The longest of all of them and one letter more.
const LETTERS: usize = 20;

/// What a field makes of a request by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Nothing else than what it is.
    Same,
    /// Another request if its value is a method of HTTP.
    ByValue,
    /// Another request.
    Another,
}

/// Letters and digits of a name in lower case, as the most lenient reader has them: up to a NUL, where PHP ends it, or a bracket.
/// And whether anything stood among them.
fn letters(name: impl Iterator<Item = u8>, found: &mut Vec<u8>) -> bool {
    let mut is_plain = true;
    found.clear();
    for byte in name {
        if byte.is_ascii_alphanumeric() {
            found.push(byte.to_ascii_lowercase());
        } else if (byte == b'[' || byte == 0) && !found.is_empty() {
            break;
        } else {
            is_plain = false;
        }
        if found.len() == LETTERS {
            break;
        }
    }
    is_plain
}

/// What a name means. `_method`, and what somebody may take for it (`.method`, `[_method]`, ` _Method`, `_met\nhod`), says another
/// method whatever its value, and so does `_charset_` of the encoding of names.
pub fn meaning(name: impl Iterator<Item = u8>) -> Meaning {
    let mut found = Vec::with_capacity(LETTERS);
    let is_plain = letters(name, &mut found);
    let found = found.as_slice();
    if METHODS.contains(&found) || (!is_plain && (found == b"method" || found == b"charset")) {
        Meaning::Another
    } else if BY_VALUE.contains(&found) {
        Meaning::ByValue
    } else {
        Meaning::Same
    }
}

/// `%u005f` is an escape to some, and nobody writes it: a `%` is written %25.
pub fn has_escape(text: &[u8]) -> bool {
    let is_escape = |six: &[u8]| six[..2].eq_ignore_ascii_case(b"%u") && six[2..].iter().all(u8::is_ascii_hexdigit);
    text.windows(6).any(is_escape)
}

/// Whether a value is a method of HTTP to a lenient reader: one that drops what is no letter, ends it at a NUL, or undoes more
/// escapes.
pub fn is_http_method(value: impl Iterator<Item = u8>) -> bool {
    let value: Vec<u8> = value.collect();
    let letters = value.iter().copied().filter(u8::is_ascii_alphanumeric).take(LETTERS);
    let letters: Vec<u8> = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    HTTP.contains(&letters.as_slice()) || value.contains(&0) || has_escape(&value)
}

/// Whether a field makes another request of what it is in.
pub fn changes_meaning(name: impl Iterator<Item = u8>, value: impl Iterator<Item = u8>) -> bool {
    match meaning(name) {
        Meaning::Same => false,
        Meaning::ByValue => is_http_method(value),
        Meaning::Another => true,
    }
}

/// Whether a text that this host can't read may name a method to whoever can, in UTF-16, too. Every name above holds this word.
pub fn holds_method(text: &[u8]) -> bool {
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    let letters = undone(&text).into_iter().filter(u8::is_ascii_alphanumeric);
    let letters: Vec<u8> = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    memmem::find(&letters, b"method").is_some()
}

#[cfg(test)]
mod tests {
    use super::{BY_VALUE, METHODS, Meaning, changes_meaning, holds_method, is_http_method, meaning};

    #[test]
    fn a_method_is_found_however_it_is_spelled() {
        for name in [
            "_method",
            "_METHOD",
            ".method",
            " method",
            "[method]",
            "[_method",
            "_method[]",
            "_method[a]",
            "_method\0x",
            "\u{1}_method",
            "\u{b}_method",
            "_method ",
            "_method(",
            "_met\r\nhod",
            "_me thod",
            "_me\"\"thod",
            "_meéthod",
            "$method",
            "_charset_",
            "X-HTTP-Method-Override",
            "x_http_method",
            "methodOverride",
            "X-Http-Method-Override[]",
        ] {
            assert_eq!(meaning(name.bytes()), Meaning::Another, "{name:?}");
            assert!(changes_meaning(name.bytes(), "x".bytes()), "{name:?}");
        }
        for name in ["method", "Method", "method[]", "method\0", "httpMethod", "HTTP-METHOD", "http_method[a]"] {
            assert_eq!(meaning(name.bytes()), Meaning::ByValue, "{name:?}");
        }
        for name in [
            "payment_method",
            "a[_method]",
            "_methods",
            "",
            "_",
            "[]",
            "methodology_of_the_work",
            "charset",
            "charsets",
            "http_methods",
            "x-http-method-override-of-mine",
        ] {
            assert_eq!(meaning(name.bytes()), Meaning::Same, "{name:?}");
            assert!(!changes_meaning(name.bytes(), "DELETE".bytes()), "{name:?}");
        }
    }

    #[test]
    fn a_field_called_method_may_say_anything_but_a_method_of_http() {
        for value in [
            "DELETE",
            "delete",
            " Put\r\n",
            "\"PATCH\"",
            "+merge",
            "[\"TRACE\"]",
            "D\0E\0L\0E\0T\0E\0",
            "GET\0x",
            "%u0044ELETE",
            "D%U0045lete",
        ] {
            assert!(is_http_method(value.bytes()) && changes_meaning("method".bytes(), value.bytes()), "{value:?}");
        }
        for value in ["", "auth.test", "flickr.photos.delete", "deleted", "tools/call", "GET /x", "100%", "5%unsalted"]
        {
            assert!(!is_http_method(value.bytes()) && !changes_meaning("method".bytes(), value.bytes()), "{value:?}");
        }
    }

    #[test]
    fn no_name_of_a_method_is_missed_in_a_text_that_is_not_read() {
        for name in METHODS.into_iter().chain(BY_VALUE) {
            assert!(holds_method(name), "{}", String::from_utf8_lossy(name));
        }
        for text in ["'_METHOD'", r"_\u006d\x65thod", "_met\\\nhod", "m\0e\0t\0h\0o\0d\0", "m\0e\0\\\0x\x007\x004\0hod"]
        {
            assert!(holds_method(text.as_bytes()), "{text:?}");
        }
        for text in ["", "metadata, hod", r"me\thod"] {
            assert!(!holds_method(text.as_bytes()), "{text:?}");
        }
    }
}
