//! Sealing keys to hosts.

use anyhow::ensure;
use charter_client::sha256;
use charter_host::{Place, SealContext, SealTo, Sealed, seal};
use charter_types::Hash32;
use charter_types::keys;
use charter_types::keys::args::RotateSecret;
use charter_types::keys::{Envelope, Host};
use charter_types::registry::Epochs;
use serde_json::json;

use super::read;
use crate::files::hosts::KnownHosts;
use crate::files::notes::{Credential, Notes};
use crate::session::Session;

/// Seals a version of a credential's key to hosts.
pub fn seal_to(
    session: &Session,
    credential: &Credential,
    label: &str,
    epochs: Epochs,
    version: u32,
    key: &str,
    hosts: &[Host],
) -> anyhow::Result<Sealed> {
    let (agent, label_hash) = (credential.agent, credential.label_hash(label));
    let place = Place { agent, epochs, label_hash, ceiling_hash: Hash32::of(&credential.ceiling, sha256), version };
    let context = SealContext::new(&session.chain_id, &session.contracts.keys, place);
    let to: Vec<_> = hosts.iter().map(SealTo::from).collect();
    Ok(seal(key.as_bytes(), &context, &to)?)
}

/// Gives a key a new value, sealed to the hosts that can open the old one: a host whose key leaked and was revoked is none.
pub async fn rotate(session: &Session, label: &str, key: &str) -> anyhow::Result<()> {
    let notes = Notes::open(&session.folder)?;
    let (credential, secret) = notes.credential(label)?;
    read::check_in_force(session, label, secret).await?;
    let (known, sealed_to) = read::recipients(session, secret).await?;
    let hosts = read::live_hosts(session, secret, &sealed_to).await?;
    ensure!(!hosts.is_empty(), "no host in service can open {label}: seal it to one first");
    let recognised = KnownHosts::open(session)?;
    hosts.iter().try_for_each(|host| recognised.recognise(host).map(drop))?;
    let version = known.version + 1;
    let sealed = seal_to(session, credential, label, known.epochs, version, key, &hosts)?;
    let args = RotateSecret {
        secret,
        expected_version: known.version,
        envelope: Envelope::Inline(sealed.envelope),
        wraps: sealed.wraps,
        rotate_by_ms: 0,
    };
    session.contracts.keys().call(&session.me, keys::methods::rotate_secret, &args).await?;
    let text = format!("{label} has a new value, version {version}; change the old one at the provider");
    session.tell(&json!({ "secret": secret, "label": label, "version": version }), &text)
}
