//! Sealing keys to hosts.

use charter_host::{SealContext, Sealed, seal};
use charter_types::keys;
use charter_types::keys::args::RotateSecret;
use charter_types::keys::{Envelope, Host};
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
    version: u32,
    key: &str,
    hosts: &[Host],
) -> anyhow::Result<Sealed> {
    let hash = credential.label_hash(label);
    let context = SealContext::new(&session.chain_id, &session.contracts.keys, credential.agent, hash, version);
    let to: Vec<_> = hosts.iter().map(|host| (host.id, host.encrypt_key)).collect();
    Ok(seal(key.as_bytes(), &context, &to)?)
}

/// Gives a key a new value, sealed to the hosts that had the old one.
pub async fn rotate(session: &Session, label: &str, key: &str) -> anyhow::Result<()> {
    let notes = Notes::open(&session.folder)?;
    let (credential, secret) = notes.credential(label)?;
    let (known, sealed_to) = read::recipients(session, secret).await?;
    let hosts = read::hosts(session, &sealed_to).await?;
    let recognised = KnownHosts::open(session)?;
    hosts.iter().try_for_each(|host| recognised.recognise(host).map(drop))?;
    let version = known.version + 1;
    let sealed = seal_to(session, credential, label, version, key, &hosts)?;
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
