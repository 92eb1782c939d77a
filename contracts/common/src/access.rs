//! Who may change the contract itself, and who may pause it.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::AccountId;
use charter_types::error::CommonError;

use crate::Answer;

/// Longest pause of a feature.
pub const PAUSE_MS_MAX: u64 = 3 * 24 * 3_600_000;

/// Admin until governance has taken over; a pauser who can only pause.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Access {
    /// Nobody, once governance has taken over.
    admin: Option<AccountId>,
    governance: Option<AccountId>,
    /// Who takes over as soon as it has shown that it can upgrade the contract.
    proposed: Option<AccountId>,
    pauser: Option<AccountId>,
    /// The last pause of each feature, in the order in which the contract names them.
    pauses: Vec<Pause>,
}

#[derive(Clone, Copy, Default, BorshSerialize, BorshDeserialize)]
struct Pause {
    until_ms: u64,
    /// From when on the pauser can order the next one: a feature runs as long as it was paused.
    again_from_ms: u64,
}

/// As release `faa0a5a` stored it.
#[derive(BorshDeserialize)]
pub struct AccessV0 {
    admin: AccountId,
    governance: Option<AccountId>,
    pauser: Option<AccountId>,
    paused_until_ms: Vec<u64>,
}

impl From<AccessV0> for Access {
    fn from(old: AccessV0) -> Self {
        let AccessV0 { admin, governance, pauser, paused_until_ms } = old;
        let pause = |until_ms| Pause { until_ms, again_from_ms: until_ms };
        let admin = Some(admin).filter(|_| governance.is_none());
        Self { admin, governance, proposed: None, pauser, pauses: paused_until_ms.into_iter().map(pause).collect() }
    }
}

impl Access {
    pub fn new(admin: AccountId) -> Self {
        Self { admin: Some(admin), governance: None, proposed: None, pauser: None, pauses: Vec::new() }
    }

    pub fn governance(&self) -> Option<&AccountId> {
        self.governance.as_ref()
    }

    /// Governance, or the admin while there is none.
    pub fn check_admin(&self, caller: &AccountId) -> Answer {
        if Some(caller) == self.governance.as_ref().or(self.admin.as_ref()) {
            return Ok(());
        }
        Err(CommonError::NotAdmin { caller: caller.clone() }.into())
    }

    /// Names the governance account to come. A name mistyped can be replaced until its holder takes over.
    pub fn propose_governance(&mut self, caller: &AccountId, governance: AccountId) -> Answer {
        self.check_admin(caller)?;
        self.proposed = Some(governance);
        Ok(())
    }

    /// Whether the caller may deploy code. The account that is to take over may deploy the code that is there: that shows
    /// that it can. Whether it is the one to take over, once the code has run.
    pub fn check_upgrader(&self, caller: &AccountId, same_code: bool) -> Answer<bool> {
        if self.proposed.as_ref() == Some(caller) && same_code {
            return Ok(true);
        }
        self.check_admin(caller).map(|()| false)
    }

    /// Ends the admin. Another account may have been proposed since this one was asked.
    pub fn take_over(&mut self, governance: AccountId) -> Answer {
        if self.proposed.as_ref() != Some(&governance) {
            return Err(CommonError::NotAdmin { caller: governance }.into());
        }
        self.proposed = None;
        self.governance = Some(governance);
        self.admin = None;
        Ok(())
    }

    pub fn set_pauser(&mut self, caller: &AccountId, pauser: Option<AccountId>) -> Answer {
        self.check_admin(caller)?;
        self.pauser = pauser;
        Ok(())
    }

    /// Returns the end of the pause. The pauser waits between two pauses; the admin, who could unset it, need not.
    pub fn pause(&mut self, caller: &AccountId, feature: usize, for_ms: u64, now_ms: u64) -> Answer<u64> {
        let is_admin = self.check_admin(caller).is_ok();
        if self.pauser.as_ref() != Some(caller) && !is_admin {
            return Err(CommonError::NotPauser { caller: caller.clone() }.into());
        }
        if self.pauses.len() <= feature {
            self.pauses.resize(feature + 1, Pause::default());
        }
        let rested = is_admin || now_ms >= self.pauses[feature].again_from_ms;
        if !(1..=PAUSE_MS_MAX).contains(&for_ms) || !rested {
            return Err(CommonError::PauseTooLong { max_ms: PAUSE_MS_MAX }.into());
        }
        let until_ms = now_ms.saturating_add(for_ms);
        self.pauses[feature] = Pause { until_ms, again_from_ms: until_ms.saturating_add(for_ms) };
        Ok(until_ms)
    }

    pub fn unpause(&mut self, caller: &AccountId, feature: usize, now_ms: u64) -> Answer {
        self.check_admin(caller)?;
        if let Some(pause) = self.pauses.get_mut(feature) {
            pause.until_ms = pause.until_ms.min(now_ms);
        }
        Ok(())
    }

    pub fn check_running(&self, feature: usize, name: &str, now_ms: u64) -> Answer {
        let until_ms = self.pauses.get(feature).map_or(0, |pause| pause.until_ms);
        if now_ms < until_ms {
            return Err(CommonError::Paused { feature: name.to_owned(), until_ms }.into());
        }
        Ok(())
    }
}
