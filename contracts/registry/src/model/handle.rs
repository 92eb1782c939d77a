//! Short names.

use charter_types::registry::{HANDLE_BYTES, RegistryError};

/// One spelling only: no upper case, no look-alikes, no hyphen at either end.
pub fn check_handle(handle: &str) -> Result<(), RegistryError> {
    let plain = handle.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if HANDLE_BYTES.contains(&handle.len()) && plain && !handle.starts_with('-') && !handle.ends_with('-') {
        return Ok(());
    }
    Err(RegistryError::BadHandle {})
}

#[cfg(test)]
mod tests {
    use super::check_handle;

    #[test]
    fn handles_have_one_spelling() {
        for good in ["abc", "a-1", "0x0", &"a".repeat(32)] {
            assert!(check_handle(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", &"a".repeat(33), "Abc", "-abc", "abc-", "a_b", "аbc", "a.b", "a b"] {
            assert!(check_handle(bad).is_err(), "{bad}");
        }
    }
}
