//! A host, credentials sealed to it, and grants, one of them passed on.

use charter_client::{Account, sha256};
use charter_host::{HostKeys, SealContext, seal};
use charter_types::Hash32;
use charter_types::keys::args::{AddCredential, Delegate, GrantSecret, GrantTerms};
use charter_types::keys::{Added, Effect, Envelope, Grantee, Inject, Method, Policy, Scheme, Target};
use rand::RngCore;

use super::upstream;
use super::world::World;

const MONTH_MS: u64 = 30 * 24 * 3_600_000;
/// How old a view the host acts on.
const STALENESS_MS: u64 = 60_000;

/// What the credential may be used for at most: the whole of the service.
pub fn ceiling() -> Policy {
    policy(&["/"], &[Method::Get, Method::Post], &[Effect::Read, Effect::Write])
}

/// What the agent gets: asking and answering, nothing of the administration.
pub fn agent_policy() -> Policy {
    policy(&["/v1"], &[Method::Get, Method::Post], &[Effect::Read, Effect::Write])
}

/// What it passes on: reading.
pub fn delegated_policy() -> Policy {
    policy(&["/v1/models"], &[Method::Get], &[Effect::Read])
}

fn policy(paths: &[&str], methods: &[Method], effects: &[Effect]) -> Policy {
    Policy {
        effects: effects.to_vec(),
        targets: vec![Target {
            scheme: Scheme::Http,
            host: upstream::HOST.to_owned(),
            port: upstream::PORT,
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            methods: methods.to_vec(),
        }],
        inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
        body_bytes_max: 65_536,
        response_bytes_max: 65_536,
        rate: None,
        near_calls: Vec::new(),
    }
}

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let host = register_host(world).await?;
    let now_ms = world.now_ms().await?;
    let agents = world.state.facts().agents.clone();
    let (alice, bob, scout) = (world.person("alice")?, world.person("bob")?, world.person("scout")?);
    let terms = |grantee: &Account, policy: Policy| GrantTerms {
        grantee: Grantee::Account(grantee.id.clone()),
        policy,
        not_before_ms: 0,
        expires_ms: now_ms + MONTH_MS,
        needs_approval: false,
        needs_attestation: false,
        no_delegation: false,
        budget: None,
    };

    // The first credential is the one that is used: a key nobody has seen before.
    let mut secret = [0; 24];
    rand::rngs::OsRng.fill_bytes(&mut secret);
    let secret_text = format!("sk-demo-{}", hex::encode(secret));
    world.state.note(|facts| facts.secret_text.clone_from(&secret_text))?;
    let first = terms(&scout, agent_policy());
    let added = add_credential(world, &alice, agents[0], "openai", secret_text.as_bytes(), host, first).await?;
    let mut grants = added.grants.clone();

    // The same secret for another account, then other agents' secrets.
    let contracts = world.contracts.clone();
    let secret = added.secret.unwrap_or_default();
    let again = GrantSecret { secret, ceiling: ceiling(), terms: terms(&bob, delegated_policy()) };
    let done = contracts.grant(&alice, &again).await?;
    grants.extend(world.take(done).grants);
    for (owner, agent) in [(&alice, agents[1]), (&bob, agents[4])] {
        let own = terms(owner, agent_policy());
        let added = add_credential(world, owner, agent, "mail", b"another-secret", host, own).await?;
        grants.extend(added.grants);
    }
    world.progress.step("grant", &format!("{} grants", grants.len()));

    // The agent passes a part of its grant on to a sub-agent.
    let delegate =
        Delegate { parent: grants[0], parent_policy: agent_policy(), terms: terms(&bob, delegated_policy()) };
    let done = contracts.delegate(&scout, &delegate).await?;
    let delegated = world.take(done).grants.first().copied().unwrap_or_default();
    grants.push(delegated);
    world.progress.step("grant", &format!("grant {delegated} delegated from grant {}", grants[0]));
    world.state.note(|facts| {
        facts.grants = grants;
        facts.delegated_grant = delegated;
    })
}

async fn register_host(world: &mut World) -> anyhow::Result<u64> {
    let hal = world.person("hal")?;
    if world.state.facts().host == 0 {
        let mut seed = [0; 64];
        rand::rngs::OsRng.fill_bytes(&mut seed);
        let seed = hex::encode(seed);
        let contracts = world.contracts.clone();
        let args = HostKeys::from_hex(&seed)?.registration(&world.chain_id(), &contracts.keys, &hal.id, STALENESS_MS);
        let done = contracts.register_host(&hal, &args).await?;
        let host = world.take(done);
        world.state.note(|facts| {
            facts.host = host;
            facts.host_seed = seed;
        })?;
        world.progress.step("grant", &format!("host {host} of {}", hal.id));
    }
    Ok(world.state.facts().host)
}

async fn add_credential(
    world: &mut World,
    owner: &Account,
    agent: u64,
    label: &str,
    secret: &[u8],
    host: u64,
    grant: GrantTerms,
) -> anyhow::Result<Added> {
    let mut salt = [0; 16];
    rand::rngs::OsRng.fill_bytes(&mut salt);
    let label_hash = Hash32(sha256(&[&salt, label.as_bytes()].concat()));
    let contracts = world.contracts.clone();
    let context = SealContext::new(&world.chain_id(), &contracts.keys, agent, label_hash, 1);
    let key = HostKeys::from_hex(&world.state.facts().host_seed)?.encrypt_public();
    let sealed = seal(secret, &context, &[(host, key)])?;
    let args = AddCredential {
        agent,
        label_hash,
        ceiling: ceiling(),
        envelope: Envelope::Inline(sealed.envelope),
        wraps: sealed.wraps,
        rotate_by_ms: 0,
        grants: vec![grant],
    };
    let done = contracts.add_credential(owner, &args).await?;
    Ok(world.take(done))
}
