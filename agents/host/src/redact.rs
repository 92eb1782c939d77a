//! Removes a secret from what the agent gets to see, however a service that is not out to trick us may have spelled it.
//!
//! What is looked for is made from the very bytes that went out: as they are, reversed, in hex, as lists of numbers, and in
//! base64 at each of the three places where they may begin in a longer text; and those, and what JSON, HTML, percents and
//! UTF-16 make of them, again in hex or base64. The text is
//! read as it came and with escapes undone (percent, backslash, HTML, quoted-printable), one kind after another, in letters of
//! any case, and without what separates the bytes of a dump or the lines of an e-mail.

mod reading;

use std::collections::HashSet;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use reading::{ESCAPES, Reading, squeeze};

const MARK: &[u8] = b"[redacted]";
/// The shortest secret that can be told from ordinary text. What separates the bytes of a dump does not count.
pub const SECRET_BYTES_MIN: usize = 8;
/// How many escapes may be nested.
const NESTED_MAX: usize = 3;
/// How many ways a text is read.
const READINGS_MAX: usize = 32;
/// Longest secret that is looked for in an encoding of an encoding, bytes.
const TWICE_BYTES_MAX: usize = 512;

/// Takes out of an answer what the agent must not see. Only tests have another one than [`Redactor`].
pub trait Redact {
    fn redact(&self, bytes: &[u8]) -> Vec<u8>;
}

/// Something that is looked for.
struct Needle {
    bytes: Vec<u8>,
    /// Whether the character before, or after, holds some of the secret's bits, as at the edges of base64.
    edges: (bool, bool),
}

impl Needle {
    fn whole(bytes: Vec<u8>) -> Self {
        Self { bytes, edges: (false, false) }
    }
}

/// Whether a secret is long enough to be told from ordinary text.
pub fn is_long_enough(secret: &[u8]) -> bool {
    squeeze(secret).len() >= SECRET_BYTES_MIN
}

/// `bytes` in base64, as far as they alone determine it, with each number of bytes that may be in front of them.
fn base64(bytes: &[u8]) -> impl Iterator<Item = Needle> {
    let places = [STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .into_iter()
        .flat_map(|alphabet| [(0, 0), (1, 2), (2, 3)].map(|place| (alphabet.clone(), place)));
    places.filter_map(move |(alphabet, (before, first))| {
        let text = alphabet.encode([&[0; 2][..before], bytes].concat());
        let bits = (before + bytes.len()) * 8;
        let inner = text.as_bytes().get(first..bits / 6)?.to_vec();
        Some(Needle { bytes: inner, edges: (before > 0, !bits.is_multiple_of(6)) })
    })
}

/// What bytes look like in the encodings that people use.
fn forms(bytes: &[u8]) -> impl Iterator<Item = Needle> {
    let (mut decimal, mut prefixed) = (String::new(), String::new());
    for byte in bytes {
        // Without commas and blanks, which are separators.
        let _ = write!(decimal, "{byte}");
        let _ = write!(prefixed, "0x{byte:02x}");
    }
    let reversed = bytes.iter().rev().copied().collect();
    let texts = [bytes.to_vec(), reversed, hex::encode(bytes).into(), decimal.into(), prefixed.into()];
    texts.into_iter().map(Needle::whole).chain(base64(bytes))
}

/// What programs make of a text before they encode all of it: in base64 or hex, such a spelling can't be undone.
fn spelled(secret: &[u8]) -> Vec<Vec<u8>> {
    let wide = |first: bool| secret.iter().flat_map(|byte| if first { [0, *byte] } else { [*byte, 0] }).collect();
    // Programs agree about letters and digits, and most about the other unreserved characters (RFC 3986, 2.3).
    let percent = |kept: &[u8], upper: bool| {
        let spell = |byte: &u8| match byte {
            byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => char::from(*byte).to_string(),
            byte if upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        secret.iter().map(spell).collect::<String>().into_bytes()
    };
    let percents = [(&b"-_.~"[..], true), (b"-_.~", false), (b"", true), (b"", false)];
    let percents = percents.map(|(kept, upper)| percent(kept, upper));
    let text = String::from_utf8_lossy(secret);
    let json = serde_json::Value::String(text.clone().into_owned()).to_string();
    let json = json.trim_matches('"').to_owned();
    let slashes = json.replace('/', "\\/");
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let texts = [json, slashes, html.replace('\'', "&#39;"), text.replace(' ', "+")];
    [wide(false), wide(true)].into_iter().chain(percents).chain(texts.map(String::into_bytes)).collect()
}

/// Finds one secret.
pub struct Redactor {
    search: AhoCorasick,
    edges: Vec<(bool, bool)>,
}

impl Redactor {
    pub fn new(secret: &[u8]) -> Self {
        Self::of::<Vec<u8>>(secret, &[])
    }

    /// Of a secret, and of the texts that held it on its way out: `user:secret` in base64, a query that spells it in percents.
    pub fn of<T: AsRef<[u8]>>(secret: &[u8], sent: &[T]) -> Self {
        let mut sources: Vec<Vec<u8>> = vec![secret.to_vec()];
        sources.extend(sent.iter().map(|text| text.as_ref().to_vec()));
        if secret.len() <= TWICE_BYTES_MAX {
            sources.push(hex::encode(secret).into());
            sources.extend(base64(secret).map(|needle| needle.bytes));
            sources.extend(spelled(secret));
        }
        sources.sort();
        sources.dedup();
        let squeezed = |needle: Needle| Needle { bytes: squeeze(&needle.bytes), ..needle };
        let mut needles: Vec<Needle> = sources.iter().flat_map(|source| forms(source)).map(squeezed).collect();
        needles.retain(|needle| !needle.bytes.is_empty());
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(needles.iter().map(|needle| &needle.bytes))
            .expect("a secret of at most 4 KiB makes no search too large");
        Self { search, edges: needles.iter().map(|needle| needle.edges).collect() }
    }

    /// How often the secret occurs.
    pub fn count(&self, bytes: &[u8]) -> usize {
        self.spans(bytes).len()
    }

    /// Where the secret is, in order, without overlaps.
    fn spans(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        self.look(&Reading::of(text), NESTED_MAX, &mut HashSet::new(), &mut found);
        found.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match apart.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => apart.push((start, end)),
            }
        }
        apart
    }

    /// Looks in a reading, and in those that are left when its escapes are undone.
    fn look(&self, reading: &Reading, nested: usize, seen: &mut HashSet<u64>, found: &mut Vec<(usize, usize)>) {
        let mut hasher = DefaultHasher::new();
        reading.bytes.hash(&mut hasher);
        if seen.len() >= READINGS_MAX || !seen.insert(hasher.finish()) {
            return;
        }
        self.hits(&reading.squeezed(), found);
        if nested > 0 {
            for escape in ESCAPES {
                if let Some(next) = reading.without(escape) {
                    self.look(&next, nested - 1, seen, found);
                }
            }
        }
    }

    fn hits(&self, squeezed: &Reading, found: &mut Vec<(usize, usize)>) {
        for hit in self.search.find_overlapping_iter(&squeezed.bytes) {
            let (before, after) = self.edges.get(hit.pattern().as_usize()).copied().unwrap_or_default();
            let part = |at: usize| {
                squeezed.bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/_".contains(byte))
            };
            let start = hit.start() - usize::from(before && hit.start() > 0 && part(hit.start() - 1));
            let end = hit.end() + usize::from(after && part(hit.end()));
            found.extend(squeezed.span(start, end));
        }
    }
}

impl Redact for Redactor {
    /// `bytes` with every occurrence replaced.
    fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for (start, end) in self.spans(bytes) {
            out.extend_from_slice(bytes.get(from..start).unwrap_or_default());
            out.extend_from_slice(MARK);
            from = end;
        }
        out.extend_from_slice(bytes.get(from..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::{Redact, Redactor, is_long_enough};

    const SECRET: &str = "sk-live/+?42key";

    fn clean(text: &str) -> String {
        String::from_utf8(Redactor::new(SECRET.as_bytes()).redact(text.as_bytes())).unwrap()
    }

    #[test]
    fn only_the_secret_is_taken_out() {
        let reversed: String = SECRET.chars().rev().collect();
        let in_hex = hex::encode(SECRET);
        let text = format!("a {SECRET} b {reversed} c {in_hex} d {SECRET}\n");
        assert_eq!(clean(&text), "a [redacted] b [redacted] c [redacted] d [redacted]\n");
        for other in ["", "sk-live", "sk-live/+?42ke", "100%zz \\ & = &nope; \\u12", "=\r\n"] {
            assert_eq!(clean(other), other);
        }
    }

    /// Undo escapes all at once, and `=de` of the last one is taken for a byte.
    #[test]
    fn spellings_that_look_like_escapes_of_another_kind_are_found() {
        for text in [
            "k=sk-live%2F%2b?42key",
            "k=sk-live\\/+\\u003f42key",
            "&sol;sk-live&#x2F;&#43;?42key;",
            "%73k-live/+%3f42key",
        ] {
            assert!(clean(text).contains("[redacted]"), "{text}");
        }
        let redactor = Redactor::new(b"deadbeef/cafe");
        assert_eq!(redactor.count(b"?key=deadbeef%2fcafe"), 1);
        assert_eq!(redactor.count(b"\\ndeadbeef\\/cafe"), 1);
    }

    #[test]
    fn base64_is_found_at_each_place_with_the_bits_at_its_edges() {
        for user in ["", "a", "ab", "abc", "abcd", "user@example.com"] {
            for rest in ["", "x", "yz"] {
                let encoded = STANDARD.encode(format!("{user}:{SECRET}{rest}"));
                let left = clean(&encoded);
                assert!(left.contains("[redacted]"), "{user} {encoded}");
                let kept = left.replace("[redacted]", "").len();
                assert!(kept <= (user.len() + 1) * 4 / 3 + rest.len() * 4 / 3 + 4, "{left}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_like_ordinary_text_is_too_short() {
        for short in ["", "a", "sk-live", "a-b-c-d-e", "12:34:56"] {
            assert!(!is_long_enough(short.as_bytes()), "{short}");
        }
        assert!(is_long_enough(b"sk-live1x"));
    }
}
