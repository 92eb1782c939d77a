//! What other contracts answered.

use charter_common::{Answer, fail_later, methods, sha256};
use charter_types::ErrorCode;
use charter_types::json;
use charter_types::registry::nft::NftResolveTransfer;
use charter_types::registry::{Epochs, Fact, RegistryError};
use charter_types::verifier::{Report, Verdict};
use near_sdk::{PromiseOrValue, env, near};

use super::attestation::PendingVerdict;
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
        let (code, text) = match verdict() {
            Verdict::Rejected { code, reason } => {
                let text = [code.as_str(), ": ", &reason].concat();
                (code, text)
            }
            Verdict::Verified(report) => match self.attest(&pending, &report) {
                Ok(()) => return PromiseOrValue::Value(()),
                Err(failure) => (failure.code.to_owned(), failure.text().to_owned()),
            },
        };
        let fact = Fact::AttestationRejected { agent: pending.agent, code };
        self.emit_by(&pending.caller, "attestation_rejected", fact);
        PromiseOrValue::Promise(fail_later(&text))
    }

    /// NEP-171. Whether the receiver keeps the agent. What it doesn't keep, or does not answer about, is handed back: a
    /// second hand-over, which clears whatever was granted meanwhile.
    #[private]
    pub fn nft_resolve_transfer(&mut self) -> bool {
        let Ok(args) = json::read::<NftResolveTransfer>(&env::input().unwrap_or_default()) else { return true };
        let NftResolveTransfer { previous_owner_id, receiver_id, token_id, reserved_bytes } = args;
        self.core.storage.release(&previous_owner_id, reserved_bytes);
        let answer = env::promise_result_checked(0, 5).ok();
        if answer.is_some_and(|answer| answer == b"false") {
            return true;
        }
        let Ok(id) = token_id.parse() else { return true };
        let Ok(agent) = self.load_agent(id) else { return true };
        if agent.owner != receiver_id {
            return true;
        }
        // What the first hand-over freed was set aside, so the way back can be paid, unless the receiver made the agent
        // larger meanwhile: then it stays there, for a hand-over that fails half-way would leave the books in between.
        if self.core.storage.available(&previous_owner_id) < self.price_of_hand_over(id, &agent, &previous_owner_id) {
            return true;
        }
        self.hand_over(id, agent, &previous_owner_id, false, None).is_err()
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
    /// Every check comes before the write: an error must leave nothing behind.
    fn attest(&mut self, pending: &PendingVerdict, report: &Report) -> Answer {
        if report.report_data != Self::report_data(pending) {
            return Err(RegistryError::ReportData {}.into());
        }
        let agent = self.load_agent(pending.agent)?;
        let epochs = Epochs { agent: agent.epoch, owner: agent.owner_epoch };
        if epochs != pending.epochs || !self.is_armed(&agent) {
            return Err(RegistryError::EpochMoved {}.into());
        }
        let mut attested = self.load_attested(pending.agent)?;
        attested.attest(report, pending.keys, epochs, env::block_timestamp_ms(), sha256)?;
        self.save_attested_by(&pending.caller, "attested", pending.agent, attested)
    }
}
