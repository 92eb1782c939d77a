//! Storage keys, and rows by id. A key is never given another meaning.

use charter_common::Answer;
use charter_types::keys::{
    Approval, Fact, Grant, GrantId, Host, HostId, HostStatus, KeysError, Mode, Secret, SecretId,
};
use charter_types::{AccountId, Hash32};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const HOSTS: u8 = 1;
    pub const SECRETS: u8 = 2;
    pub const ENVELOPES: u8 = 3;
    pub const WRAPS: u8 = 4;
    pub const GRANTS: u8 = 5;
    pub const LABELS: u8 = 6;
    pub const RECIPIENTS: u8 = 7;
    pub const BUDGETS: u8 = 8;
    pub const LEASES: u8 = 9;
    pub const EARLY_APPROVALS: u8 = 10;
    pub const APPROVALS: u8 = 11;
}

impl crate::Keys {
    pub(crate) fn host_row(&self, id: HostId) -> Answer<Host> {
        Ok(self.hosts.get(&id).ok_or(KeysError::UnknownHost { id })?)
    }

    pub(crate) fn secret_row(&self, id: SecretId) -> Answer<Secret> {
        Ok(self.secrets.get(&id).ok_or(KeysError::UnknownSecret { id })?)
    }

    pub(crate) fn grant_row(&self, id: GrantId) -> Answer<Grant> {
        Ok(self.grants.get(&id).ok_or(KeysError::UnknownGrant { id })?)
    }

    /// The grant, the one above it, and so on up to the root.
    pub(crate) fn lineage_rows(&self, id: GrantId) -> Answer<Vec<Grant>> {
        let mut lineage = vec![self.grant_row(id)?];
        while let Some(parent) = lineage.last().and_then(|grant| grant.parent) {
            lineage.push(self.grant_row(parent)?);
        }
        Ok(lineage)
    }

    /// As far up as there are rows: a grant that is dead for good may be gone while a lease below it is still open.
    pub(crate) fn lineage_left(&self, id: GrantId) -> Vec<Grant> {
        let mut lineage: Vec<Grant> = self.grants.get(&id).into_iter().collect();
        while let Some(above) = lineage.last().and_then(|grant| grant.parent).and_then(|id| self.grants.get(&id)) {
            lineage.push(above);
        }
        lineage
    }

    /// What was asked for on this host. Requests of release `faa0a5a` stand where their host is not part of the name.
    pub(crate) fn approval_row(&self, grant: GrantId, host: HostId, digest: Hash32) -> Option<Approval> {
        let early = || self.early_approvals.get(&(grant, digest)).filter(|approval| approval.host == host);
        self.approvals.get(&(grant, host, digest)).or_else(early)
    }

    /// Replaces one that is there.
    pub(crate) fn save_approval(&mut self, approval: &Approval) -> Answer {
        let key = (approval.grant, approval.host, approval.digest);
        if self.approvals.contains(&key) {
            return self.approvals.update(&key, approval, &mut self.core.storage);
        }
        self.early_approvals.update(&(approval.grant, approval.digest), approval, &mut self.core.storage)
    }

    pub(crate) fn remove_approval(&mut self, event: &str, by: &AccountId, approval: &Approval) {
        let Approval { grant, host, digest, .. } = *approval;
        if !self.approvals.remove(&(grant, host, digest), &mut self.core.storage) {
            self.early_approvals.remove(&(grant, digest), &mut self.core.storage);
        }
        self.emit(event, by, Fact::ApprovalRemoved { grant, host, digest });
    }

    /// The host, if `caller` operates it.
    pub(crate) fn own_host(&self, id: HostId, caller: &AccountId) -> Answer<Host> {
        let host = self.host_row(id)?;
        if host.operator == *caller { Ok(host) } else { Err(KeysError::NotOperator { caller: caller.clone() }.into()) }
    }

    /// Whether the secret can be used on the host as far as the host goes: in service, and sealed to as it is now.
    pub(crate) fn check_host_stands(&self, host: &Host, secret: &Secret) -> Answer {
        let sealed = || {
            let key = self.wraps.get(&(secret.id, secret.version, host.id));
            key.is_some_and(|key| key.host_generation == host.generation)
        };
        if host.status == HostStatus::Active && (secret.mode != Mode::Sealed || sealed()) {
            return Ok(());
        }
        Err(KeysError::HostStands {}.into())
    }

    pub(crate) fn save_host(&mut self, event: &str, by: &AccountId, host: Host) -> Answer {
        self.hosts.update(&host.id, &host, &mut self.core.storage)?;
        self.emit(event, by, Fact::Host(host));
        Ok(())
    }

    pub(crate) fn save_secret(&mut self, event: &str, by: &AccountId, secret: Secret) -> Answer {
        self.secrets.update(&secret.id, &secret, &mut self.core.storage)?;
        self.emit(event, by, Fact::Secret(secret));
        Ok(())
    }

    pub(crate) fn save_grant(&mut self, event: &str, by: &AccountId, grant: Grant) -> Answer {
        self.grants.update(&grant.id, &grant, &mut self.core.storage)?;
        self.emit(event, by, Fact::Grant(Box::new(grant)));
        Ok(())
    }
}
