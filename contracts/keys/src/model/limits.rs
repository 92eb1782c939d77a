//! Sizes of ciphertexts.

use charter_types::keys::{
    ENVELOPE_BYTES_MAX, ENVELOPE_URI_BYTES_MAX, Envelope, KeysError, Secret, WRAP_BYTES_MAX, WRAPS_MAX, Wrap,
};
use charter_types::{Hash32, Sha256, all_different};

/// Where a ciphertext can be, beside here.
const SCHEMES: [&str; 6] = ["https:", "ipfs:", "ar:", "ni:", "near:", "data:"];

/// Printable, without spaces: what people and programs read in the same way.
pub fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_address(uri: &str) -> bool {
    uri.len() <= ENVELOPE_URI_BYTES_MAX && is_plain(uri) && SCHEMES.iter().any(|scheme| uri.starts_with(scheme))
}

pub fn check_envelope(envelope: &Envelope) -> Result<(), KeysError> {
    let fits = match envelope {
        Envelope::Inline(bytes) => (1..=ENVELOPE_BYTES_MAX).contains(&bytes.0.len()),
        Envelope::Elsewhere { uri, bytes, .. } => is_address(uri) && *bytes > 0,
    };
    if fits { Ok(()) } else { Err(KeysError::EnvelopeBytes {}) }
}

/// What is known of a ciphertext without reading it.
pub fn digest(envelope: &Envelope, sha256: Sha256) -> (Hash32, u32) {
    match envelope {
        Envelope::Inline(bytes) => (Hash32(sha256(&bytes.0)), u32::try_from(bytes.0.len()).unwrap_or(u32::MAX)),
        Envelope::Elsewhere { sha256, bytes, .. } => (*sha256, *bytes),
    }
}

/// The ciphertext that there is, wherever it is: the data keys that open it would open another one, too, and a data key is
/// used once.
pub fn check_same(secret: &Secret, envelope: &Envelope, sha256: Sha256) -> Result<(), KeysError> {
    if digest(envelope, sha256) == (secret.envelope_sha256, secret.envelope_bytes) {
        return Ok(());
    }
    Err(KeysError::OtherCiphertext {})
}

/// One to eight hosts, each once.
pub fn check_wraps(wraps: &[Wrap]) -> Result<(), KeysError> {
    let hosts: Vec<_> = wraps.iter().map(|wrap| wrap.host).collect();
    if wraps.is_empty() || wraps.len() > WRAPS_MAX || !all_different(&hosts) {
        return Err(KeysError::TooManyWraps {});
    }
    let fits = |wrap: &Wrap| (1..=WRAP_BYTES_MAX).contains(&wrap.sealed.0.len());
    if wraps.iter().all(fits) { Ok(()) } else { Err(KeysError::WrapBytes {}) }
}

#[cfg(test)]
mod tests {
    use charter_types::keys::{
        ENVELOPE_BYTES_MAX, ENVELOPE_URI_BYTES_MAX, Envelope, KeysError, WRAP_BYTES_MAX, WRAPS_MAX, Wrap,
    };

    use charter_types::{Base64Bytes, Hash32};

    use super::{check_envelope, check_wraps};

    #[test]
    fn both_sides_of_every_bound() {
        let inline = |bytes| Envelope::Inline(Base64Bytes(vec![0; bytes]));
        let at = |uri: &str, bytes| Envelope::Elsewhere { uri: uri.to_owned(), sha256: Hash32::default(), bytes };
        let elsewhere = |length, bytes| at(&format!("ipfs:{}", "u".repeat(length - 5)), bytes);
        for fits in [inline(1), inline(ENVELOPE_BYTES_MAX), elsewhere(6, 1), elsewhere(ENVELOPE_URI_BYTES_MAX, 1)] {
            assert_eq!(check_envelope(&fits), Ok(()));
        }
        let (long, far) = (inline(ENVELOPE_BYTES_MAX + 1), elsewhere(ENVELOPE_URI_BYTES_MAX + 1, 1));
        let texts = ["", "ipfs:a b", "ipfs:a\n", "ipfs:й", "http://a", "javascript:x", "ipfs"].map(|text| at(text, 1));
        for bad in [inline(0), long, elsewhere(6, 0), far].into_iter().chain(texts) {
            assert_eq!(check_envelope(&bad), Err(KeysError::EnvelopeBytes {}));
        }
        let wrap = |host, bytes| Wrap { host, host_generation: 0, sealed: Base64Bytes(vec![0; bytes]) };
        let many = |count: u64| (0..count).map(|host| wrap(host, 1)).collect::<Vec<_>>();
        assert_eq!(check_wraps(&[]), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&many(u64::try_from(WRAPS_MAX).unwrap())), Ok(()));
        assert_eq!(check_wraps(&many(9)), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&[wrap(1, 1), wrap(1, 1)]), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&[wrap(1, WRAP_BYTES_MAX)]), Ok(()));
        assert_eq!(check_wraps(&[wrap(1, WRAP_BYTES_MAX + 1)]), Err(KeysError::WrapBytes {}));
    }
}
