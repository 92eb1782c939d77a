//! Names of fields that change what a service takes a request for.

/// Fields that say another method, in letters alone.
const METHODS: [&[u8]; 5] =
    [b"httpmethodoverride", b"methodoverride", b"xhttpmethod", b"xhttpmethodoverride", b"xmethodoverride"];
/// The longest of all of them and one letter more.
const LETTERS: usize = 20;

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

/// Whether a name is `_method`, or what somebody may take for it: `.method`, `[_method]`, ` _Method`, `_met\nhod`. `method` alone
/// is a field like others.
pub fn is_method(name: impl Iterator<Item = u8>) -> bool {
    let mut found = Vec::with_capacity(LETTERS);
    !letters(name, &mut found) && found == b"method"
}

/// Whether a form's field of that name makes another request of it: another method, or another encoding of names (`_charset_`).
pub fn changes_meaning(name: impl Iterator<Item = u8>) -> bool {
    let mut found = Vec::with_capacity(LETTERS);
    let is_plain = letters(name, &mut found);
    (!is_plain && (found == b"method" || found == b"charset")) || METHODS.contains(&found.as_slice())
}

#[cfg(test)]
mod tests {
    use super::{changes_meaning, is_method};

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
        ] {
            assert!(is_method(name.bytes()) && changes_meaning(name.bytes()), "{name:?}");
        }
        for name in [
            "method",
            "Method",
            "method[]",
            "payment_method",
            "a[_method]",
            "_methods",
            "",
            "_",
            "[]",
            "methodology_of_the_work",
        ] {
            assert!(!is_method(name.bytes()) && !changes_meaning(name.bytes()), "{name:?}");
        }
        for name in
            ["_charset_", "X-HTTP-Method-Override", "x_http_method", "methodOverride", "X-Http-Method-Override[]"]
        {
            assert!(!is_method(name.bytes()) && changes_meaning(name.bytes()), "{name:?}");
        }
        for name in ["charset", "charsets", "http_methods", "x-http-method-override-of-mine"] {
            assert!(!changes_meaning(name.bytes()), "{name:?}");
        }
    }
}
