//! Who may change the contract itself, and who may pause it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;
use charter_types::error::CommonError;

use crate::Answer;

/// Longest pause of a feature. After it the feature runs at least as long before the next one.
pub const PAUSE_MS_MAX: u64 = 3 * 24 * 3_600_000;

/// Admin until governance takes over; a pauser who can only pause.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Access {
    admin: AccountId,
    governance: Option<AccountId>,
    pauser: Option<AccountId>,
    /// End of the last pause of each feature, in the order in which the contract names them.
    paused_until_ms: Vec<u64>,
}

impl Access {
    pub fn new(admin: AccountId) -> Self {
        Self { admin, governance: None, pauser: None, paused_until_ms: Vec::new() }
    }

    pub fn governance(&self) -> Option<&AccountId> {
        self.governance.as_ref()
    }

    /// Governance, or the admin while there is none.
    pub fn check_admin(&self, caller: &AccountId) -> Answer {
        if caller == self.governance.as_ref().unwrap_or(&self.admin) {
            return Ok(());
        }
        Err(CommonError::NotAdmin { caller: caller.clone() }.into())
    }

    /// Hands the contract to a governance account, once. From then on the admin is nobody here.
    pub fn set_governance(&mut self, caller: &AccountId, governance: AccountId) -> Answer {
        self.check_admin(caller)?;
        if self.governance.is_some() && caller == &self.admin {
            return Err(CommonError::GovernanceSet {}.into());
        }
        self.governance = Some(governance);
        Ok(())
    }

    pub fn set_pauser(&mut self, caller: &AccountId, pauser: Option<AccountId>) -> Answer {
        self.check_admin(caller)?;
        self.pauser = pauser;
        Ok(())
    }

    pub fn pause(&mut self, caller: &AccountId, feature: usize, for_ms: u64, now_ms: u64) -> Answer {
        if self.pauser.as_ref() != Some(caller) && self.check_admin(caller).is_err() {
            return Err(CommonError::NotPauser { caller: caller.clone() }.into());
        }
        if self.paused_until_ms.len() <= feature {
            self.paused_until_ms.resize(feature + 1, 0);
        }
        let last_end = self.paused_until_ms[feature];
        // The cooldown: as long as the longest pause, from the last one's end.
        let rested = last_end == 0 || now_ms >= last_end.saturating_add(PAUSE_MS_MAX);
        if for_ms > PAUSE_MS_MAX || !rested {
            return Err(CommonError::PauseTooLong { max_ms: PAUSE_MS_MAX }.into());
        }
        self.paused_until_ms[feature] = now_ms.saturating_add(for_ms);
        Ok(())
    }

    pub fn unpause(&mut self, caller: &AccountId, feature: usize, now_ms: u64) -> Answer {
        self.check_admin(caller)?;
        if let Some(until) = self.paused_until_ms.get_mut(feature) {
            *until = (*until).min(now_ms);
        }
        Ok(())
    }

    pub fn check_running(&self, feature: usize, name: &str, now_ms: u64) -> Answer {
        let until_ms = self.paused_until_ms.get(feature).copied().unwrap_or(0);
        if now_ms < until_ms {
            return Err(CommonError::Paused { feature: name.to_owned(), until_ms }.into());
        }
        Ok(())
    }
}
