//! Ten agents of three owners.

use charter_client::{At, sha256};
use charter_types::registry;
use charter_types::registry::args::{AddKey, RegisterAgent};
use charter_types::registry::{Agent, Card, KEY_PROOF_PURPOSE, KeyProof, Operator, Permission, Purpose};
use charter_types::{AnyKey, Domain, Ed25519Key, Hash32, PageOf, Signature64};
use ed25519_dalek::{Signer, SigningKey};

use super::world::World;

const OWNERS: [(&str, usize); 3] = [("alice", 4), ("bob", 3), ("carol", 3)];
const YEAR_MS: u64 = 365 * 24 * 3_600_000;

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let now_ms = world.session("alice")?.now_ms().await?;
    let scout = world.person("scout")?.id;
    let hal = world.person("hal")?.id;
    let mut agents = Vec::new();
    let mut owners = 0;
    for (name, count) in OWNERS {
        owners += 1;
        let owner = world.person(name)?;
        for number in 1..=count {
            let uri = format!("https://{name}.example/agents/{number}.json");
            // A run that was interrupted may have registered it.
            let page = PageOf { account: owner.id.clone(), from: 0, limit: None };
            let known: Vec<Agent> =
                world.rpc.view(&contracts.registry, registry::methods::agents_of, &page, At::Final).await?;
            if let Some(agent) = known.iter().find(|agent| agent.card.uri == uri) {
                agents.push(agent.id);
                continue;
            }
            let card = Card { sha256: Hash32(sha256(uri.as_bytes())), uri };
            let first = name == "alice" && number == 1;
            let operator =
                Operator { account: hal.clone(), permissions: vec![Permission::Card], expires_ms: now_ms + YEAR_MS };
            let args = RegisterAgent {
                card,
                agent_account: first.then(|| scout.clone()),
                operators: if first { vec![operator] } else { Vec::new() },
                guardians: vec![hal.clone()],
                keys: None,
            };
            let done = contracts.registry().call(&owner, registry::methods::register_agent, &args).await?;
            agents.push(world.take(done));
        }
        world.progress.step("register", &format!("{count} agents of {}", owner.id));
    }
    add_key(world, agents[0], now_ms).await?;
    world.state.note(|facts| {
        facts.agents = agents;
        facts.owners = owners;
    })
}

/// Registers a key of the agent's own, with a proof of possession.
async fn add_key(world: &mut World, agent: u64, now_ms: u64) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let question = charter_types::registry::args::AgentRef { agent };
    let view: Option<Agent> =
        world.rpc.view(&contracts.registry, registry::methods::agent, &question, At::Final).await?;
    let Some(view) = view.filter(|view| view.keys.is_empty()) else { return Ok(()) };
    let signing = SigningKey::generate(&mut rand::rngs::OsRng);
    let key = AnyKey::Ed25519(Ed25519Key(signing.verifying_key().to_bytes()));
    let expires_ms = now_ms + YEAR_MS;
    let proof = KeyProof { agent, epoch: view.epoch, key, purpose: Purpose::Sign, expires_ms };
    let chain_id = world.chain_id();
    let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id: &chain_id, contract: &contracts.registry };
    let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
    let owner = world.person("alice")?;
    let args = AddKey { agent, key, purpose: Purpose::Sign, expires_ms, proof, endorsed_by: None };
    let outcome = contracts.registry().call(&owner, registry::methods::add_key, &args).await?.outcome;
    world.pay(&outcome);
    Ok(())
}
