//! Sizes of ciphertexts.

use charter_types::all_different;
use charter_types::keys::{
    ENVELOPE_BYTES_MAX, ENVELOPE_URI_BYTES_MAX, Envelope, KeysError, WRAP_BYTES_MAX, WRAPS_MAX, Wrap,
};

pub fn check_envelope(envelope: &Envelope) -> Result<(), KeysError> {
    let fits = match envelope {
        Envelope::Inline(bytes) => (1..=ENVELOPE_BYTES_MAX).contains(&bytes.0.len()),
        Envelope::Elsewhere { uri, bytes, .. } => (1..=ENVELOPE_URI_BYTES_MAX).contains(&uri.len()) && *bytes > 0,
    };
    if fits { Ok(()) } else { Err(KeysError::EnvelopeBytes {}) }
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
        let elsewhere = |uri, bytes| Envelope::Elsewhere { uri: "u".repeat(uri), sha256: Hash32::default(), bytes };
        for fits in [inline(1), inline(ENVELOPE_BYTES_MAX), elsewhere(1, 1), elsewhere(ENVELOPE_URI_BYTES_MAX, 1)] {
            assert_eq!(check_envelope(&fits), Ok(()));
        }
        let (long, far) = (inline(ENVELOPE_BYTES_MAX + 1), elsewhere(ENVELOPE_URI_BYTES_MAX + 1, 1));
        for bad in [inline(0), long, elsewhere(0, 1), elsewhere(1, 0), far] {
            assert_eq!(check_envelope(&bad), Err(KeysError::EnvelopeBytes {}));
        }
        let wrap = |host, bytes| Wrap { host, sealed: Base64Bytes(vec![0; bytes]) };
        let many = |count: u64| (0..count).map(|host| wrap(host, 1)).collect::<Vec<_>>();
        assert_eq!(check_wraps(&[]), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&many(u64::try_from(WRAPS_MAX).unwrap())), Ok(()));
        assert_eq!(check_wraps(&many(9)), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&[wrap(1, 1), wrap(1, 1)]), Err(KeysError::TooManyWraps {}));
        assert_eq!(check_wraps(&[wrap(1, WRAP_BYTES_MAX)]), Ok(()));
        assert_eq!(check_wraps(&[wrap(1, WRAP_BYTES_MAX + 1)]), Err(KeysError::WrapBytes {}));
    }
}
