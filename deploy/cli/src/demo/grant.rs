//! A host, credentials sealed to it, and grants, one of them delegated: by the steps that `charter host` and `charter key`
//! take.

use charter_types::AccountId;
use charter_types::keys::{Grantee, HostId};
use rand::RngCore;
use zeroize::Zeroizing;

use super::upstream;
use super::world::World;
use crate::files::notes::{Notes, Permit};
use crate::key::{Draft, NewKey};
use crate::rules::{self, Rule, Terms, What};
use crate::session::Session;

/// What the key of the story is called.
pub const LABEL: &str = "openai";

fn rule(methods: &str, path: &str) -> anyhow::Result<Rule> {
    let text = format!("{methods}:http://{}:{}{path}", upstream::HOST, upstream::PORT);
    rules::rule(&text).map_err(anyhow::Error::msg)
}

fn what(methods: &str, path: &str) -> anyhow::Result<What> {
    Ok(What { allow: vec![rule(methods, path)?], uses: None, body_max: 65_536 })
}

pub fn to(account: &AccountId) -> Terms {
    Terms { to: Some(Grantee::Account(account.clone())), ..Terms::default() }
}

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let host = register_host(world).await?;
    let agents = world.state.facts().agents.clone();
    let (alice, bob, scout) = (world.session("alice")?, world.session("bob")?, world.session("scout")?);
    if world.state.facts().secret_text.is_empty() {
        // A key nobody has seen before.
        let mut secret = [0; 24];
        rand::rngs::OsRng.fill_bytes(&mut secret);
        world.state.note(|facts| facts.secret_text = format!("sk-demo-{}", hex::encode(secret)))?;
    }
    let secret_text = world.state.facts().secret_text.clone();

    // The agent may ask and answer, and gets nothing of the administration.
    let used = add(world, &alice, new_key(LABEL, agents[0], host, &scout.me.id)?, &secret_text).await?;
    // The same secret for another account, then other agents' secrets.
    let again = Draft::of_secret(&alice, LABEL.to_owned(), &what("GET", "/v1/models")?, &to(&bob.me.id)).await?;
    let mut permits = vec![used.clone(), sign(world, &alice, again).await?];
    for (owner, agent) in [(&alice, agents[1]), (&bob, agents[4])] {
        let own = new_key("mail", agent, host, &owner.me.id)?;
        permits.push(add(world, owner, own, "another-secret").await?);
    }
    world.progress.step("grant", &format!("{} grants", permits.len()));

    // The agent delegates a part of its grant to a sub-agent: reading.
    let part = Draft::of_grant(&scout, used.clone(), &what("GET", "/v1/models")?, &to(&bob.me.id)).await?;
    let delegated = sign(world, &scout, part).await?;
    world.progress.step("grant", &format!("grant {} delegated from grant {}", delegated.grant, used.grant));
    permits.push(delegated.clone());
    world.state.note(|facts| {
        facts.permits = permits;
        facts.delegated = Some(delegated);
    })
}

async fn register_host(world: &mut World) -> anyhow::Result<HostId> {
    let hal = world.session("hal")?;
    let host = crate::host::register(&hal).await?;
    if let Some(outcome) = &host.outcome {
        world.pay(outcome);
        world.progress.step("grant", &format!("host {} of {}", host.id, hal.me.id));
    }
    Ok(host.id)
}

/// A key for the whole of the service, and a grant of the part that agents need.
fn new_key(label: &str, agent: u64, host: HostId, grantee: &AccountId) -> anyhow::Result<NewKey> {
    Ok(NewKey {
        label: label.to_owned(),
        what: what("GET,POST", "/v1")?,
        terms: to(grantee),
        inject: rules::inject(rules::BEARER).map_err(anyhow::Error::msg)?,
        ceiling: vec![rule("GET,POST", "/")?],
        host: vec![host],
        agent: Some(agent),
    })
}

/// Adds a credential, unless a run that was interrupted has added it.
async fn add(world: &mut World, owner: &Session, new: NewKey, key: &str) -> anyhow::Result<Permit> {
    if let Some(known) = Notes::open(&owner.folder)?.permits_of(&new.label).last() {
        return Ok(known.clone());
    }
    let draft = Draft::of_key(owner, new, Zeroizing::new(key.to_owned())).await?;
    sign(world, owner, draft).await
}

async fn sign(world: &mut World, by: &Session, draft: Draft) -> anyhow::Result<Permit> {
    let signed = draft.sign(by).await?;
    world.pay(&signed.outcome);
    Ok(signed.permit)
}
