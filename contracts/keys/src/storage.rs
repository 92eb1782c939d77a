//! Storage keys and stored records. Both only grow.

use charter_common::{Answer, stored};
use charter_types::keys::{Grant, GrantId, Host, HostId, KeysError, Secret, SecretId};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const HOSTS: u8 = 1;
    pub const SECRETS: u8 = 2;
    pub const ENVELOPES: u8 = 3;
    pub const WRAPS: u8 = 4;
    pub const GRANTS: u8 = 5;
    pub const LABELS: u8 = 6;
}

// Wire types are stored as they are.
stored!(StoredHost, Host);
stored!(StoredSecret, Secret);
stored!(StoredGrant, Grant);

impl crate::Keys {
    pub(crate) fn host_row(&self, id: HostId) -> Answer<Host> {
        Ok(self.hosts.get(&id).ok_or(KeysError::UnknownHost { id })?.into_newest())
    }

    pub(crate) fn secret_row(&self, id: SecretId) -> Answer<Secret> {
        Ok(self.secrets.get(&id).ok_or(KeysError::UnknownSecret { id })?.into_newest())
    }

    pub(crate) fn grant_row(&self, id: GrantId) -> Answer<Grant> {
        Ok(self.grants.get(&id).ok_or(KeysError::UnknownGrant { id })?.into_newest())
    }

    /// The grant, the one above it, and so on up to the root.
    pub(crate) fn lineage_rows(&self, id: GrantId) -> Answer<Vec<Grant>> {
        let mut lineage = vec![self.grant_row(id)?];
        while let Some(parent) = lineage.last().and_then(|grant| grant.parent) {
            lineage.push(self.grant_row(parent)?);
        }
        Ok(lineage)
    }
}
