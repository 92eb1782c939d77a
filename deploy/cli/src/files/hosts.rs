//! `hosts.json`: which keys hosts had when this folder saw them first. A node could name another key and read what is sealed
//! to it; so could whoever took a host over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::ensure;
use charter_client::sha256;
use charter_types::keys::{Host, HostId};
use charter_types::{Ed25519Key, X25519Key};

use super::host::HostFile;
use super::{read_json, write_json};
use crate::session::Session;

/// What people compare a host by: the first half of the SHA-256 over its two keys, in groups to be read aloud.
pub fn fingerprint(sign_key: &Ed25519Key, encrypt_key: &X25519Key) -> String {
    let hash = sha256(&[sign_key.0, encrypt_key.0].concat());
    let groups: Vec<String> = hash[..16].chunks(2).map(hex::encode).collect();
    groups.join(" ")
}

pub fn of(host: &Host) -> String {
    fingerprint(&host.sign_key, &host.encrypt_key)
}

/// Hosts that the folder knows.
pub struct KnownHosts {
    path: PathBuf,
    /// Of one chain and contract; others have hosts of the same numbers.
    place: String,
    /// By place, then by host.
    seen: BTreeMap<String, BTreeMap<HostId, String>>,
    /// The folder's own host, by its seed.
    own: Option<(HostId, String)>,
}

impl KnownHosts {
    pub fn open(session: &Session) -> anyhow::Result<Self> {
        let path = session.folder.known_hosts();
        let mut own = None;
        if let Some(file) = HostFile::read(&session.folder)? {
            let keys = file.keys()?;
            own = file.id.map(|id| (id, fingerprint(&keys.sign_public(), &keys.encrypt_public())));
        }
        let place = format!("{}/{}", session.chain_id, session.contracts.keys);
        Ok(Self { place, seen: read_json(&path)?.unwrap_or_default(), path, own })
    }

    fn seen(&self, host: HostId) -> Option<&String> {
        self.seen.get(&self.place)?.get(&host)
    }

    /// Says how the host is known here. Fails if it has another key than the folder knows.
    pub fn recognise(&self, host: &Host) -> anyhow::Result<String> {
        let (id, now) = (host.id, of(host));
        if let Some((_, own)) = self.own.as_ref().filter(|(own, _)| *own == id) {
            ensure!(
                *own == now,
                "HOST_KEY_DIFFERS: host {id} has the key {now}, but the seed in this folder makes {own}: the node does not say the truth, or somebody replaced the seed"
            );
            return Ok(format!("{now}, which the seed in this folder makes"));
        }
        let Some(before) = self.seen(id) else {
            return Ok(format!("{now}, new to this folder: compare it with what its operator says"));
        };
        ensure!(
            *before == now,
            "HOST_KEY_DIFFERS: host {id} has the key {now}, but had {before} when this folder saw it first: ask its operator, then `charter host forget {id}`"
        );
        Ok(format!("{now}, as this folder knows it"))
    }

    /// Notes hosts to which something was entrusted.
    pub fn remember(&mut self, hosts: &[Host]) -> anyhow::Result<()> {
        let place = self.seen.entry(self.place.clone()).or_default();
        let before = place.len();
        for host in hosts {
            place.entry(host.id).or_insert_with(|| of(host));
        }
        if place.len() == before { Ok(()) } else { write_json(&self.path, &self.seen) }
    }

    /// Forgets a host, whose key changed for a good reason. Says whether it was known.
    pub fn forget(&mut self, host: HostId) -> anyhow::Result<bool> {
        let was_known = self.seen.get_mut(&self.place).is_some_and(|place| place.remove(&host).is_some());
        write_json(&self.path, &self.seen)?;
        Ok(was_known)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::{Ed25519Key, X25519Key};

    use super::fingerprint;

    #[test]
    fn a_fingerprint_depends_on_both_keys() {
        let one = fingerprint(&Ed25519Key([1; 32]), &X25519Key([2; 32]));
        assert_eq!(one.len(), 8 * 4 + 7);
        assert_ne!(one, fingerprint(&Ed25519Key([3; 32]), &X25519Key([2; 32])));
        assert_ne!(one, fingerprint(&Ed25519Key([1; 32]), &X25519Key([3; 32])));
    }
}
