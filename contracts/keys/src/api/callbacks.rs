//! What other contracts answered. A denial keeps the books, releases what was reserved, and fails in a receipt of its own.

use charter_common::{Answer, Failure, HandedOn, arguments_in, fail_later, methods, passed_on, sha256, view_answer};
use charter_types::AccountId;
use charter_types::keys::{ATTESTED_MS_MAX, Added, Assurance, Decision, DerivedKey, Fact, KeysError};
use charter_types::registry::{self, AttestationAnswer, Standing};
use charter_types::verifier::TcbStatus;
use near_sdk::{PromiseOrValue, env, near};

use super::ask::{Pending, Wish};
use super::hosts::PendingAttestation;
use super::live::PendingCheck;
use super::release::PendingRelease;
use crate::{Keys, KeysExt};

/// Longest answers: of the registry's views, and of the MPC contract.
const VIEW_BYTES_MAX: usize = 8_192;
const MPC_BYTES_MAX: usize = 4_096;

#[methods(keys)]
#[near]
impl Keys {
    #[private]
    pub fn on_authority(&mut self) -> PromiseOrValue<Added> {
        let Ok(pending) = borsh::from_slice::<Pending>(&env::input().unwrap_or_default()) else {
            return PromiseOrValue::Value(Added::default());
        };
        let done = self.core.storage.end_reservation(&pending.caller, pending.reserved).and_then(|()| {
            self.check_unmoved(&pending.seen)?;
            // An answer that the registry did not give is no answer; one of `null` is that there is no such agent.
            let answered = view_answer(registry::methods::authority, VIEW_BYTES_MAX);
            match (pending.wish, answered) {
                (Wish::ForgetSecret, Some(known)) => self.forget_now(&pending, known),
                (_, Some(Some(authority))) => self.act(&pending, &authority),
                _ => Err(KeysError::NoAuthority { agent: pending.agent }.into()),
            }
        });
        self.resolve(&pending.caller, pending.agent, done)
    }

    /// The registry's word on the agent whose attestation names a host's keys.
    #[private]
    pub fn on_attestation(&mut self) -> PromiseOrValue<()> {
        let Ok(pending) = borsh::from_slice::<PendingAttestation>(&env::input().unwrap_or_default()) else {
            return PromiseOrValue::Value(());
        };
        let answer = view_answer(registry::methods::attestation, VIEW_BYTES_MAX);
        let done = self
            .core
            .storage
            .end_reservation(&pending.caller, pending.reserved)
            .and_then(|()| self.set_attested(&pending, answer));
        self.resolve(&pending.caller, pending.agent, done)
    }

    /// The registry's word on an agent, for a contract that wants to know whether a grant can be used now.
    #[private]
    pub fn on_standing(&self) -> Answer<Decision> {
        let pending: PendingCheck = passed_on()?;
        let standing = view_answer(registry::methods::standing, VIEW_BYTES_MAX)
            .flatten()
            .ok_or(KeysError::NoAuthority { agent: pending.agent })?;
        self.decide(&arguments_in(&pending.input)?, &standing)
    }

    /// The registry's word on an agent, before a key is derived.
    #[private]
    pub fn on_release_standing(&mut self) -> Answer<PromiseOrValue<DerivedKey>> {
        let pending: PendingRelease = passed_on()?;
        let standing = view_answer(registry::methods::standing, VIEW_BYTES_MAX).flatten();
        let standing = standing.ok_or(KeysError::NoAuthority { agent: pending.agent });
        Ok(match standing.map_err(Failure::from).and_then(|standing| self.release(&pending, &standing)) {
            Ok(later) => later.into(),
            Err(failure) => self.resolve(&pending.caller, pending.agent, Err(failure)),
        })
    }

    /// The derived key, encrypted. It is public now; what was revoked meanwhile is not handed on all the same.
    #[private]
    #[result_serializer(borsh)]
    pub fn on_released(&self) -> Answer<HandedOn<DerivedKey>> {
        let pending: PendingRelease = passed_on()?;
        self.check_release(&pending)?;
        let answer = env::promise_result_checked(0, MPC_BYTES_MAX).map_err(|_| KeysError::MpcSilent {})?;
        Ok(HandedOn::new(answer))
    }
}

impl Keys {
    fn resolve<T>(&mut self, caller: &AccountId, agent: u64, done: Answer<T>) -> PromiseOrValue<T> {
        match done {
            Ok(value) => PromiseOrValue::Value(value),
            Err(failure) => {
                self.emit("denied", caller, Fact::Denied { agent, code: failure.code.to_owned() });
                PromiseOrValue::Promise(fail_later(failure.text()))
            }
        }
    }

    fn set_attested(&mut self, pending: &PendingAttestation, answer: Option<AttestationAnswer>) -> Answer {
        let mut host = self.own_host(pending.host, &pending.caller)?;
        if host.generation != pending.host_generation {
            return Err(KeysError::Moved {}.into());
        }
        let known = answer.filter(|answer| answer.invalid.is_none()).and_then(|answer| answer.attestation);
        // The operator's own agent says which platforms it accepts; a grant to a measurement trusts none that is out of date.
        let stands = |known: &charter_types::registry::Attestation| {
            known.sign_key == host.sign_key && known.encrypt_key == host.encrypt_key && known.tcb == TcbStatus::UpToDate
        };
        let known = known.filter(stands).ok_or(KeysError::NotAttested {})?;
        let expires_ms = known.expires_ms.min(Self::now_ms().saturating_add(ATTESTED_MS_MAX));
        host.assurance = Assurance::Attested { agent: pending.agent, measurement: known.measurement, expires_ms };
        self.save_host("host_attested", &pending.caller, host)
    }

    fn decide(&self, args: &charter_types::keys::args::CheckLive, standing: &Standing) -> Answer<Decision> {
        let lineage = self.lineage_rows(args.grant)?;
        let secret = self.secret_row(lineage.first().map(|grant| grant.secret).unwrap_or_default())?;
        let host = self.host_row(args.host)?;
        let sealed = self.wraps.get(&(secret.id, secret.version, host.id));
        let evidence = charter_rules::decision::Evidence {
            lineage: &lineage,
            policy: &args.policy,
            secret: &secret,
            host: &host,
            sealed_generation: sealed.map(|sealed| sealed.host_generation),
            standing,
            asker: &args.asker,
            now_ms: Self::now_ms(),
        };
        Ok(charter_rules::decision::decide(&evidence, &args.action, sha256))
    }

    /// `check`: the caller says what the registry says.
    pub(crate) fn decide_with(&self, args: charter_types::keys::args::Check) -> Answer<Decision> {
        let charter_types::keys::args::Check { grant, policy, host, asker, standing, action } = args;
        self.decide(&charter_types::keys::args::CheckLive { grant, policy, host, asker, action }, &standing)
    }
}
