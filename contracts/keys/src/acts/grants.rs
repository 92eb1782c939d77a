//! Grants.

use charter_common::{Answer, sha256};
use charter_rules::budget;
use charter_rules::decision::check_live;
use charter_types::AccountId;
use charter_types::keys::args::{Delegate, GrantBatch, GrantSecret, GrantTerms, Narrow};
use charter_types::keys::{Added, Allowance, Fact, Grant, GrantId, Grantee, KeysError, Secret, Snapshot, Suspension};
use charter_types::registry::{Authority, Epochs};

use crate::Keys;
use crate::model::{check_delegation, check_narrowing, check_preimage, counts_rate, named_hosts, named_measurements};

impl Keys {
    pub(super) fn grant_now(&mut self, caller: &AccountId, args: GrantSecret, authority: &Authority) -> Answer<Added> {
        let GrantSecret { secret, ceiling, terms } = args;
        self.grant_all_now(caller, GrantBatch { secret, ceiling, grants: vec![terms] }, authority)
    }

    pub(super) fn grant_all_now(
        &mut self,
        caller: &AccountId,
        args: GrantBatch,
        authority: &Authority,
    ) -> Answer<Added> {
        let secret = self.grantable_secret(args.secret, authority)?;
        self.check_all_terms(&args.grants, &args.ceiling, &[])?;
        let mut grants = Vec::new();
        for terms in args.grants {
            grants.push(self.insert_grant(caller, &secret, &[], terms, authority.epochs)?);
        }
        Ok(Added { secret: Some(secret.id), grants })
    }

    /// INV-KEY-8: local generations and expiries are checked again here, so a revocation that raced the question wins.
    pub(super) fn delegate_now(&mut self, caller: &AccountId, args: Delegate, authority: &Authority) -> Answer<Added> {
        let lineage = self.lineage_rows(args.parent)?;
        let parent = lineage.first().ok_or(KeysError::UnknownGrant { id: args.parent })?;
        let secret = self.secret_row(parent.secret)?;
        let now_ms = Self::now_ms();
        if !authority.armed {
            return Err(KeysError::Disarmed { agent: parent.agent }.into());
        }
        // A grant that starts later can be passed on before it starts.
        let when = now_ms.max(parent.not_before_ms);
        check_live(&lineage, &secret, authority.epochs, when).map_err(|_| KeysError::Dead { id: parent.id })?;
        check_delegation(parent, &args.terms, caller)?;
        check_preimage(&args.parent_policy, parent.policy_hash, sha256)?;
        if args.parent_policy.rate != parent.rate {
            return Err(KeysError::RateUnknown { id: parent.id }.into());
        }
        self.check_all_terms(std::slice::from_ref(&args.terms), &args.parent_policy, &lineage)?;
        self.check_unit(&lineage, args.terms.budget.as_ref())?;
        let grant = self.insert_grant(caller, &secret, &lineage, args.terms, authority.epochs)?;
        Ok(Added { secret: Some(secret.id), grants: vec![grant] })
    }

    /// A lease is counted in every budget on the way up, so all of them count the same thing.
    fn check_unit(&self, lineage: &[Grant], budget: Option<&Allowance>) -> Answer {
        let Some(budget) = budget else { return Ok(()) };
        let above = lineage.iter().find_map(|grant| self.budgets.get(&grant.id));
        if above.is_some_and(|above| above.allowance.unit != budget.unit) {
            return Err(KeysError::BadBudget {}.into());
        }
        Ok(())
    }

    pub(super) fn insert_grant(
        &mut self,
        caller: &AccountId,
        secret: &Secret,
        lineage: &[Grant],
        terms: GrantTerms,
        epochs: Epochs,
    ) -> Answer<GrantId> {
        let parent = lineage.first();
        let host_generation = match &terms.grantee {
            Grantee::Host(host) => Some(self.host_row(*host)?.generation),
            _ => None,
        };
        let id = self.next_grant;
        self.next_grant += 1;
        let grant = Grant {
            id,
            agent: secret.agent,
            secret: secret.id,
            parent: parent.map(|parent| parent.id),
            depth: parent.map_or(0, |parent| parent.depth + 1),
            grantor: caller.clone(),
            hosts: named_hosts(&terms, parent),
            rate: terms.policy.rate,
            needs_attestation: !named_measurements(&terms, parent).is_empty(),
            measurements: named_measurements(&terms, parent),
            grantee: terms.grantee,
            policy_hash: Self::policy_hash(&terms.policy),
            not_before_ms: terms.not_before_ms,
            expires_ms: terms.expires_ms,
            needs_approval: terms.needs_approval || parent.is_some_and(|parent| parent.needs_approval),
            no_delegation: terms.no_delegation,
            has_budget: terms.budget.is_some(),
            suspended: Suspension::No,
            revoked: false,
            generation: 0,
            snapshot: Snapshot {
                epochs,
                secret_epoch: secret.epoch,
                parent_generation: parent.map(|parent| parent.generation),
                host_generation,
            },
        };
        self.grants.insert(&id, caller, &grant, &mut self.core.storage)?;
        self.emit("granted", caller, Fact::Granted { grant: Box::new(grant), policy: terms.policy });
        if let Some(allowance) = terms.budget {
            let budget = budget::full(id, allowance, Self::now_ms());
            self.budgets.insert(&id, caller, &budget, &mut self.core.storage)?;
            self.emit("budget_set", caller, Fact::Budget(budget));
        }
        Ok(id)
    }

    /// What hangs below dies with the generation: it might allow what the grant no longer does.
    pub(crate) fn narrow_now(&mut self, caller: &AccountId, args: Narrow) -> Answer<Added> {
        let mut grant = self.grant_row(args.grant)?;
        check_narrowing(&grant, &args, Self::now_ms(), sha256)?;
        // An early grant that was made with a rate keeps it where it was, in its policy alone.
        if counts_rate(&grant.grantee, &grant.hosts) {
            grant.rate = args.narrower.rate;
        } else if args.policy.rate.is_none() && args.narrower.rate.is_some() {
            return Err(KeysError::RateHost {}.into());
        }
        grant.policy_hash = Self::policy_hash(&args.narrower);
        grant.expires_ms = args.expires_ms;
        grant.generation += 1;
        self.grants.update(&grant.id, &grant, &mut self.core.storage)?;
        self.emit("narrowed", caller, Fact::Granted { grant: Box::new(grant), policy: args.narrower });
        Ok(Added { secret: None, grants: vec![args.grant] })
    }

    pub(crate) fn set_suspended(&mut self, caller: &AccountId, id: GrantId, suspended: Suspension) -> Answer<Added> {
        let mut grant = self.grant_row(id)?;
        grant.suspended = suspended;
        let event = if suspended == Suspension::No { "resumed" } else { "suspended" };
        self.save_grant(event, caller, grant)?;
        Ok(Added { secret: None, grants: vec![id] })
    }

    /// O(1): what hangs below compares the generation.
    pub(crate) fn revoke_now(&mut self, caller: &AccountId, mut grant: Grant) -> Answer<Added> {
        let id = grant.id;
        if grant.revoked {
            return Err(KeysError::AlreadyRevoked {}.into());
        }
        grant.revoked = true;
        grant.generation += 1;
        self.save_grant("grant_revoked", caller, grant)?;
        Ok(Added { secret: None, grants: vec![id] })
    }
}
