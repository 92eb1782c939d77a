//! Sizes of ciphertexts.

use charter_types::all_different;
use charter_types::keys::{ENVELOPE_BYTES_MAX, KeysError, WRAP_BYTES_MAX, WRAPS_MAX, Wrap};

pub fn check_envelope(bytes: &[u8]) -> Result<(), KeysError> {
    if (1..=ENVELOPE_BYTES_MAX).contains(&bytes.len()) { Ok(()) } else { Err(KeysError::EnvelopeBytes {}) }
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
    use charter_types::Base64Bytes;
    use charter_types::keys::{ENVELOPE_BYTES_MAX, KeysError, WRAP_BYTES_MAX, WRAPS_MAX, Wrap};

    use super::{check_envelope, check_wraps};

    #[test]
    fn both_sides_of_every_bound() {
        assert_eq!(check_envelope(&[]), Err(KeysError::EnvelopeBytes {}));
        assert_eq!(check_envelope(&[0; ENVELOPE_BYTES_MAX]), Ok(()));
        assert_eq!(check_envelope(&[0; ENVELOPE_BYTES_MAX + 1]), Err(KeysError::EnvelopeBytes {}));
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
