//! Ways to spell a text that programs use.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What a service saw of a request.
pub struct Seen {
    pub secret: String,
    /// The request's line and headers, as they came.
    pub head: String,
}

pub struct Spelling {
    pub name: &'static str,
    pub spell: fn(&Seen) -> Vec<u8>,
}

fn each(text: &str, spell: impl Fn(char, usize) -> String) -> String {
    text.chars().enumerate().map(|(at, letter)| spell(letter, at)).collect()
}

/// Letters and digits as they are, others as `spell` says.
fn others(text: &str, spell: impl Fn(u32) -> String) -> String {
    each(text, |letter, _| if letter.is_ascii_alphanumeric() { letter.to_string() } else { spell(letter.into()) })
}

fn percent(text: &str) -> String {
    others(text, |code| format!("%{code:02X}"))
}

fn mixed_percent(text: &str) -> String {
    each(text, |letter, at| match at % 3 {
        0 => format!("%{:02x}", u32::from(letter)),
        1 if !letter.is_ascii_alphanumeric() => format!("%{:02X}", u32::from(letter)),
        _ => letter.to_string(),
    })
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap().replace('/', "\\/")
}

fn unicode(text: &str) -> String {
    each(text, |letter, at| if at % 2 == 0 { format!("\\u{:04X}", u32::from(letter)) } else { letter.to_string() })
}

fn html(text: &str) -> String {
    others(text, |code| match char::from_u32(code) {
        Some('&') => "&amp;".to_owned(),
        Some('/') => "&sol;".to_owned(),
        Some('?') => "&quest;".to_owned(),
        _ if code % 2 == 0 => format!("&#{code};"),
        _ => format!("&#x{code:X};"),
    })
}

/// In lines of a few characters, none of which is torn.
fn quoted_printable(text: &str) -> String {
    each(text, |letter, at| {
        let spelled = others(&letter.to_string(), |code| format!("={code:02X}"));
        if at % 4 == 3 { spelled + "=\r\n" } else { spelled }
    })
}

/// In lines of so many characters.
fn lines(text: &str, length: usize, end: &str) -> String {
    let pieces: Vec<&str> = text.as_bytes().chunks(length).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
    pieces.join(end)
}

fn bytes(text: &str, spell: impl Fn(u8) -> String, between: &str) -> String {
    text.bytes().map(spell).collect::<Vec<_>>().join(between)
}

fn dump(text: &str) -> String {
    let mut out = String::new();
    for line in text.as_bytes().chunks(16) {
        let pairs: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{}", pairs.join(" ")).unwrap();
    }
    out
}

fn utf_16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

macro_rules! spellings {
    ($($name:literal: |$seen:ident| $spell:expr;)+) => {
        pub static SPELLINGS: &[Spelling] = &[$(Spelling { name: $name, spell: |$seen| Vec::from($spell) }),+];
    };
}

spellings! {
    "as it is": |seen| seen.secret.as_str();
    "percent": |seen| percent(&seen.secret);
    "json": |seen| json(&seen.secret);
    "twice": |seen| format!("{0}{0} and {0}", seen.secret);
    "backwards": |seen| seen.secret.chars().rev().collect::<String>();
    "upper case": |seen| seen.secret.to_uppercase();
    "lower case": |seen| seen.secret.to_lowercase();
    "percent, lower case": |seen| percent(&seen.secret).to_lowercase();
    "percent, mixed": |seen| mixed_percent(&seen.secret);
    "percent of every byte": |seen| bytes(&seen.secret, |byte| format!("%{byte:02X}"), "");
    "percent twice": |seen| percent(&percent(&seen.secret));
    "percent as in browsers": |seen| others(&seen.secret, |code| format!("%u{code:04x}"));
    "json in json": |seen| json(&json(&seen.secret));
    "json, escaped": |seen| unicode(&seen.secret);
    "script": |seen| bytes(&seen.secret, |byte| format!("\\x{byte:02x}"), "");
    "script, braces": |seen| bytes(&seen.secret, |byte| format!("\\u{{{byte:x}}}"), "");
    "octal": |seen| bytes(&seen.secret, |byte| format!("\\{byte:03o}"), "");
    "percent in json": |seen| json(&format!("/v1?key={}", percent(&seen.secret)));
    "html": |seen| html(&seen.secret);
    "html twice": |seen| html(&seen.secret).replace('&', "&amp;");
    "percent in html": |seen| html(&percent(&seen.secret));
    "quoted-printable": |seen| quoted_printable(&seen.secret);
    "base64": |seen| STANDARD.encode(&seen.secret);
    "base64, behind one": |seen| STANDARD.encode(format!("x{}", seen.secret));
    "base64, behind two": |seen| STANDARD.encode(format!("xy{}", seen.secret));
    "base64, in front of one": |seen| STANDARD.encode(format!("Bearer {}.", seen.secret));
    "base64 for URLs": |seen| URL_SAFE_NO_PAD.encode(format!("?{}?", seen.secret));
    "base64 in lines": |seen| lines(&STANDARD.encode(format!("key: {}", seen.secret)), 10, "\r\n");
    "base64 in lines in json": |seen| json(&lines(&STANDARD.encode(format!("my key: {}", seen.secret)), 12, "\n"));
    "base64 in percent": |seen| percent(&STANDARD.encode(format!("a {}?", seen.secret)));
    "base64 twice": |seen| STANDARD.encode(STANDARD.encode(&seen.secret));
    "base64 twice, elsewhere": |seen| STANDARD.encode(format!("k{}", STANDARD.encode(format!("ab{}", seen.secret))));
    "basic auth": |seen| format!("Basic {}", STANDARD.encode(format!("someone:{}", seen.secret)));
    "hex": |seen| hex::encode(&seen.secret);
    "hex, upper case": |seen| hex::encode_upper(&seen.secret);
    "hex, colons": |seen| bytes(&seen.secret, |byte| format!("{byte:02X}"), ":");
    "hex dump": |seen| dump(&seen.secret);
    "hex as in C": |seen| bytes(&seen.secret, |byte| format!("0x{byte:02x}"), ", ");
    "numbers": |seen| format!("[{}]", bytes(&seen.secret, |byte| byte.to_string(), ","));
    "numbers, apart": |seen| bytes(&seen.secret, |byte| byte.to_string(), " ");
    "base64 of percents": |seen| STANDARD.encode(format!("next={}", percent(&seen.secret)));
    "base64 of percents, lower case": |seen| STANDARD.encode(others(&seen.secret, |code| format!("%{code:02x}")));
    "base64 of json": |seen| STANDARD.encode(json(&format!("is {}", seen.secret)));
    "base64 of html": |seen| URL_SAFE_NO_PAD.encode(format!("a{}", seen.secret.replace('&', "&amp;")));
    "base64 of utf-16": |seen| STANDARD.encode(utf_16(&seen.secret, false));
    "hex of utf-16": |seen| hex::encode(utf_16(&seen.secret, true));
    "base64 of hex": |seen| STANDARD.encode(hex::encode(&seen.secret));
    "hex of base64": |seen| hex::encode(STANDARD.encode(&seen.secret));
    "utf-16, little end": |seen| utf_16(&seen.secret, false);
    "utf-16, big end": |seen| utf_16(&seen.secret, true);
    "the request": |seen| seen.head.as_str();
    "the request in json": |seen| json(&seen.head);
    "the request in html": |seen| html(&seen.head);
    "the request in hex": |seen| hex::encode(&seen.head);
    "the request in base64": |seen| STANDARD.encode(&seen.head);
    "the request in base64 in lines": |seen| lines(&STANDARD.encode(&seen.head), 76, "\r\n");
}
