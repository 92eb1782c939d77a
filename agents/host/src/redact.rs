//! Removes a secret, in every spelling that is looked for, from what the agent gets to see.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

const MARK: &[u8] = b"[redacted]";

/// The spellings of one secret that are looked for.
pub struct Redactor {
    spellings: Vec<Zeroizing<Vec<u8>>>,
}

fn percent(secret: &[u8]) -> Vec<u8> {
    secret.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect()
}

impl Redactor {
    pub fn new(secret: &[u8]) -> Self {
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        let mut spellings = vec![
            secret.to_vec(),
            reversed,
            hex::encode(secret).into_bytes(),
            hex::encode_upper(secret).into_bytes(),
            STANDARD.encode(secret).into_bytes(),
            STANDARD_NO_PAD.encode(secret).into_bytes(),
            URL_SAFE.encode(secret).into_bytes(),
            URL_SAFE_NO_PAD.encode(secret).into_bytes(),
            percent(secret),
        ];
        let lower: Vec<u8> = percent(secret).to_ascii_lowercase();
        spellings.push(lower);
        spellings.retain(|spelling| !spelling.is_empty());
        spellings.sort();
        spellings.dedup();
        // Longer ones first, so that a padded spelling does not leave its padding behind.
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        Self { spellings: spellings.into_iter().map(Zeroizing::new).collect() }
    }

    /// How often the secret occurs, in any spelling.
    pub fn count(&self, bytes: &[u8]) -> usize {
        let occurrences = |spelling: &[u8]| bytes.windows(spelling.len()).filter(|found| *found == spelling).count();
        self.spellings.iter().map(|spelling| occurrences(spelling)).sum()
    }

    /// `bytes` with every occurrence replaced.
    pub fn redact(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        'next: while let Some(first) = rest.first() {
            for spelling in &self.spellings {
                if let Some(tail) = rest.strip_prefix(spelling.as_slice()) {
                    out.extend_from_slice(MARK);
                    rest = tail;
                    continue 'next;
                }
            }
            out.push(*first);
            rest = &rest[1..];
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn no_spelling_of_the_secret_survives() {
        let secret = b"sk-live/+?42";
        let redactor = Redactor::new(secret);
        let echo = "a sk-live/+?42 b 24?+/evil-ks c c2stbGl2ZS8rPzQy d 736b2d6c6976652f2b3f3432 e %73%6B%2D%6C%69%76%65%2F%2B%3F%34%32";
        assert_eq!(redactor.count(echo.as_bytes()), 5);
        let clean = redactor.redact(echo.as_bytes());
        assert_eq!(redactor.count(&clean), 0);
        assert_eq!(
            String::from_utf8(clean).unwrap(),
            "a [redacted] b [redacted] c [redacted] d [redacted] e [redacted]"
        );
    }
}
