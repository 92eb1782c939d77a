//! Short names.

use charter_types::registry::{AgentId, HANDLE_BYTES, RegistryError};

/// What has become of a handle that somebody took once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleState {
    Held(AgentId),
    /// It was given back. Links to it still lead people here, so for a while nobody else gets it.
    Rests {
        until_ms: u64,
    },
}

impl HandleState {
    pub fn agent(self) -> Option<AgentId> {
        match self {
            Self::Held(agent) => Some(agent),
            Self::Rests { .. } => None,
        }
    }

    /// Whether it can be taken: by anybody after its rest, at any time by who gave it back.
    pub fn check_free(self, is_last_holder: bool, now_ms: u64) -> Result<(), RegistryError> {
        match self {
            Self::Held(_) => Err(RegistryError::HandleTaken {}),
            Self::Rests { until_ms } if now_ms < until_ms && !is_last_holder => {
                Err(RegistryError::HandleRests { until_ms })
            }
            Self::Rests { .. } => Ok(()),
        }
    }
}

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
