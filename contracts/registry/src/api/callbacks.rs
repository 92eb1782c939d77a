//! What other contracts answered.

use charter_common::{Answer, Failure, Reservation, fail_later, methods, sha256};
use charter_types::AccountId;
use charter_types::ErrorCode;
use charter_types::json;
use charter_types::registry::nft::NftResolveTransfer;
use charter_types::registry::{Epochs, Fact, RegistryError};
use charter_types::verifier::{Report, Verdict};
use near_sdk::{FunctionError, PromiseOrValue, env, near};

use super::attestation::PendingVerdict;
use super::nft::agent_id;
use super::transfer::Reason;
use crate::model::Attested;
use crate::{Registry, RegistryExt};

/// Longest verdict: advisories are what varies.
const VERDICT_BYTES_MAX: usize = 16_384;

#[methods(registry)]
#[near]
impl Registry {
    /// The verifier's verdict. A quote that isn't good enough leaves an event, and a receipt that fails with the code.
    #[private]
    pub fn on_verdict(&mut self) -> PromiseOrValue<()> {
        let Ok(pending) = borsh::from_slice::<PendingVerdict>(&env::input().unwrap_or_default()) else {
            return PromiseOrValue::Value(());
        };
        self.acts_for(&pending.caller);
        let Err((code, text)) = self.settle_verdict(&pending, verdict()) else { return PromiseOrValue::Value(()) };
        let fact = Fact::AttestationRejected { agent: pending.agent, code };
        self.emit("attestation_rejected", fact);
        PromiseOrValue::Promise(fail_later(&text))
    }

    /// NEP-171. Whether the receiver keeps the agent. What it doesn't keep, or does not answer about, is handed back: a
    /// second hand-over, which clears whatever was granted meanwhile.
    #[private]
    pub fn nft_resolve_transfer(&mut self) -> bool {
        let Ok(args) = json::read::<NftResolveTransfer>(&env::input().unwrap_or_default()) else { return true };
        let NftResolveTransfer { previous_owner_id, receiver_id, token_id, reserved_bytes: bytes, reserved_ms } = args;
        self.acts_for(&previous_owner_id);
        // Freed meanwhile or not: the agent goes back if somebody can pay for it.
        let _ = self.core.storage.end_reservation(&previous_owner_id, Reservation { bytes, made_ms: reserved_ms });
        let answer = env::promise_result_checked(0, 5).ok();
        if answer.is_some_and(|answer| answer == b"false") {
            return true;
        }
        let Some(id) = agent_id(&token_id) else { return true };
        let Ok(agent) = self.load_agent(id) else { return true };
        if agent.owner != receiver_id {
            return true;
        }
        // Its storage comes back with it, and what may be short was kept; if that was freed meanwhile, the receiver may pay.
        let short = self.short_of_return(&agent, &previous_owner_id);
        let can_pay = |account: &&AccountId| self.core.storage.available(account) >= short;
        let Some(payer) = [&previous_owner_id, &receiver_id].into_iter().find(can_pay) else { return true };
        let back = (&previous_owner_id, payer);
        match self.send_with_its_storage(id, agent, back, Reason::Token, None) {
            Ok(()) => false,
            Err(failure) => failure.panic(),
        }
    }
}

/// Silence is no verdict.
fn verdict() -> Verdict {
    let answer = env::promise_result_checked(0, VERDICT_BYTES_MAX).ok();
    let verdict = answer.and_then(|bytes| borsh::from_slice(&bytes).ok());
    verdict.unwrap_or_else(|| {
        let silence = RegistryError::NoVerdict {};
        Verdict::Rejected { code: silence.code().to_owned(), reason: silence.to_string() }
    })
}

impl Registry {
    /// Whatever the verdict, the agent waits for it no longer. An error is its code and text.
    fn settle_verdict(&mut self, pending: &PendingVerdict, verdict: Verdict) -> Result<(), (String, String)> {
        let told = |failure: Failure| (failure.code.to_owned(), failure.text().to_owned());
        let mut attested = self.load_attested(pending.agent).map_err(told)?;
        let waits = attested.end(pending.nonce);
        let judged = match verdict {
            Verdict::Rejected { code, reason } => {
                let text = [code.as_str(), ": ", &reason].concat();
                Err((code, text))
            }
            Verdict::Verified(report) if waits => self.judge(pending, &mut attested, &report).map_err(told),
            Verdict::Verified(_) => Err(told(RegistryError::EpochMoved {}.into())),
        };
        if waits {
            let event = if judged.is_ok() { "attested" } else { "attestation_ended" };
            self.save_attested(event, pending.agent, attested).map_err(told)?;
        }
        judged
    }

    /// An error leaves the record as it was.
    fn judge(&self, pending: &PendingVerdict, attested: &mut Attested, report: &Report) -> Answer {
        if report.report_data != Self::report_data(pending) {
            return Err(RegistryError::ReportData {}.into());
        }
        let agent = self.load_agent(pending.agent)?;
        let epochs = Epochs { agent: agent.epoch, owner: agent.owner_epoch };
        if epochs != pending.epochs || !self.is_armed(&agent) {
            return Err(RegistryError::EpochMoved {}.into());
        }
        Ok(attested.attest(report, pending.keys, epochs, env::block_timestamp_ms(), sha256)?)
    }
}
