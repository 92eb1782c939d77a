//! Keys derived by NEAR's MPC network. The answer is public the moment it exists, encrypted to a host's key: so every check
//! comes first, and the MPC contract last.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Later, encoded, is_signed, json_encoded, methods, raw_call, then_call};
use charter_rules::budget;
use charter_rules::decision::{attested, check_live, check_live_here, is_for};
use charter_types::keys::args::{RELEASE_PURPOSE, ReleaseProof, RequestKeyRelease};
use charter_types::keys::methods::{on_release_standing, on_released};
use charter_types::keys::{DerivedKey, Fact, Grant, GrantId, HostId, KeysError, Mode, Secret, SecretId, Unit};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, AgentId, Standing};
use charter_types::{AccountId, Named};
use near_sdk::{Promise, env, near};
use serde::Serialize;

use crate::model::is_plain;
use crate::{Keys, KeysExt, gas};

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct PendingRelease {
    pub caller: AccountId,
    pub agent: AgentId,
    pub grant: GrantId,
    pub host: HostId,
    pub secret: SecretId,
    /// Compared again in every callback.
    pub secret_epoch: u64,
    pub host_generation: u64,
    pub app_public_key: String,
}

/// Arguments of near/mpc's `request_app_private_key`.
#[derive(Serialize)]
struct MpcRequest<'a> {
    request: AppKeyRequest<'a>,
}

#[derive(Serialize)]
struct AppKeyRequest<'a> {
    derivation_path: String,
    app_public_key: &'a str,
    domain_id: u64,
}

/// Longest key to encrypt to, bytes.
const APP_KEY_BYTES_MAX: usize = 256;
/// Budgets of a lineage, the event of the release, and room for the call of the MPC contract.
const RELEASE_ROWS: u64 = 40;
/// near/mpc's domain for confidential key derivation (BLS12-381).
const MPC_DOMAIN: u64 = 2;

#[methods(keys)]
#[near]
impl Keys {
    pub fn request_key_release(
        &mut self,
        RequestKeyRelease { grant: id, host, app_public_key, proof }: RequestKeyRelease,
    ) -> Answer<Later<DerivedKey>> {
        self.check_running("release")?;
        if self.mpc.is_none() {
            return Err(KeysError::NoMpc {}.into());
        }
        let caller = env::predecessor_account_id();
        let host = self.own_host(host, &caller)?;
        let grant = self.grant_row(id)?;
        let secret = self.secret_row(grant.secret)?;
        let statement = ReleaseProof {
            host: host.id,
            host_generation: host.generation,
            grant: id,
            secret: secret.id,
            secret_epoch: secret.epoch,
            app_public_key: app_public_key.clone(),
        };
        let signed = is_signed(RELEASE_PURPOSE, &statement, &proof, &host.sign_key);
        if !signed || app_public_key.len() > APP_KEY_BYTES_MAX || !is_plain(&app_public_key) {
            return Err(KeysError::AppKey {}.into());
        }
        let pending = PendingRelease {
            caller,
            agent: grant.agent,
            grant: id,
            host: host.id,
            secret: secret.id,
            secret_epoch: secret.epoch,
            host_generation: host.generation,
            app_public_key,
        };
        self.check_release(&pending)?;
        Ok(self.ask_registry(
            registry::methods::standing,
            &AgentRef { agent: pending.agent },
            on_release_standing,
            &pending,
            RELEASE_ROWS,
        ))
    }

    pub fn set_mpc(&mut self, Named { account }: Named) -> Answer {
        let caller = env::predecessor_account_id();
        self.core.access.check_admin(&caller)?;
        self.mpc = Some(account.clone());
        self.emit("mpc_set", &caller, Fact::Mpc(account));
        Ok(())
    }
}

impl Keys {
    /// As far as this contract knows: the grant is live, the host is the one that asked, attested, and may use it.
    /// INV-KEY-8: this runs before each question and after each answer.
    pub(crate) fn check_release(&self, pending: &PendingRelease) -> Answer<(Vec<Grant>, Secret)> {
        let id = pending.grant;
        let (lineage, secret, host) =
            (self.lineage_rows(id)?, self.secret_row(pending.secret)?, self.host_row(pending.host)?);
        let now_ms = Self::now_ms();
        check_live_here(&lineage, &secret, now_ms).map_err(|_| KeysError::Dead { id })?;
        if secret.mode != Mode::Mpc {
            return Err(KeysError::WrongMode {}.into());
        }
        if secret.epoch != pending.secret_epoch || host.generation != pending.host_generation {
            return Err(KeysError::Dead { id }.into());
        }
        self.check_host_stands(&host, &secret)?;
        let measurement = attested(&host.assurance, now_ms).ok_or(KeysError::NotAttested {})?;
        if lineage.iter().any(|grant| grant.needs_attestation && !grant.measurements.contains(&measurement)) {
            return Err(KeysError::NotAttested {}.into());
        }
        let holds = lineage.first().is_some_and(|grant| is_for(grant, &host, now_ms));
        if !holds || lineage.iter().any(|grant| grant.needs_approval) {
            // A key that is out can't be approved use by use.
            return Err(KeysError::NotGrantee { caller: pending.caller.clone() }.into());
        }
        // What a host does with a key that it has, nobody counts: a rate would be its word alone.
        let budgets: Vec<_> = lineage.iter().filter_map(|grant| self.budgets.get(&grant.id)).collect();
        let rated = lineage.iter().any(|grant| grant.rate.is_some());
        if (rated && budgets.is_empty()) || budgets.iter().any(|budget| budget.allowance.unit != Unit::Uses) {
            return Err(KeysError::ReleaseCount {}.into());
        }
        Ok((lineage, secret))
    }

    /// One use of every budget on the way up. All are asked before any changes: an error must leave nothing behind.
    fn count_release(&mut self, by: &AccountId, lineage: &[Grant], now_ms: u64) -> Answer {
        for mut budget in lineage.iter().filter_map(|grant| self.budgets.get(&grant.id)) {
            budget::reserve(&mut budget, 1, now_ms)?;
        }
        for grant in lineage {
            self.with_budget(by, grant.id, |budget| {
                budget::reserve(budget, 1, now_ms)?;
                budget::settle(budget, 1, 1, now_ms);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The registry has answered: the last checks, and the MPC contract.
    pub(crate) fn release(&mut self, pending: &PendingRelease, standing: &Standing) -> Answer<Later<DerivedKey>> {
        let (lineage, secret) = self.check_release(pending)?;
        let now_ms = Self::now_ms();
        check_live(&lineage, &secret, standing.epochs, now_ms)
            .map_err(|_| KeysError::EpochMoved { agent: pending.agent })?;
        if !standing.armed || !standing.status.is_active(now_ms) {
            return Err(KeysError::Disarmed { agent: pending.agent }.into());
        }
        let mpc = self.mpc.clone().ok_or(KeysError::NoMpc {})?;
        self.count_release(&pending.caller, &lineage, now_ms)?;
        let request = MpcRequest {
            request: AppKeyRequest {
                derivation_path: format!("keys/v1/{}/{}/{}", secret.agent, secret.id, secret.epoch),
                app_public_key: &pending.app_public_key,
                domain_id: MPC_DOMAIN,
            },
        };
        let fact = Fact::KeyReleased {
            grant: pending.grant,
            secret: secret.id,
            host: pending.host,
            app_public_key: pending.app_public_key.clone(),
        };
        self.emit("key_released", &pending.caller, fact);
        let asked = raw_call(Promise::new(mpc), "request_app_private_key", json_encoded(&request), 1, gas::MPC);
        let us = Promise::new(env::current_account_id());
        let released = then_call(us, on_released, encoded(pending), gas::ON_RELEASED, 0);
        Ok(Later::to(on_released, asked.then(released)))
    }
}
