//! One attack of each kind. Each has to be refused, with its code.

use anyhow::Context;
use charter_client::{Account, ClientError};
use charter_host::{HostError, Upstreams};
use charter_types::escrow;
use charter_types::escrow::args::Open;
use charter_types::escrow::{ClaimBatch, ClaimRow, Kind, Voucher};
use charter_types::governance;
use charter_types::governance::Choice;
use charter_types::governance::args::{ExecuteUpgrade, Vote};
use charter_types::keys;
use charter_types::keys::args::GrantSecret;
use charter_types::keys::{Asker, Denial, Method};
use charter_types::{Ed25519Key, Hash32, Signature64};
use charter_wasm::Contract;
use ed25519_dalek::{Signer, SigningKey};

use super::grant::{LABEL, to};
use super::secret::{host, request};
use super::upstream::Upstream;
use super::vote;
use super::world::World;
use crate::files::notes::{Notes, Permit};

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let eve = world.person("eve")?;
    forged_voucher(world, &eve).await?;
    weak_key(world, &eve).await?;
    strangers_grant(world, &eve).await?;
    vote_after_the_end(world).await?;
    wrong_bytes(world, &eve).await?;
    loopback_by_default(world).await?;
    revoked_grant(world).await
}

fn refused(world: &mut World, what: &str, expected: &str, found: Option<&str>) -> anyhow::Result<()> {
    anyhow::ensure!(found == Some(expected), "{what}: expected {expected}, found {found:?}");
    world.progress.step("attack", &format!("{what}: {expected}"));
    world.state.note(|facts| {
        if !facts.attacks_refused.iter().any(|known| known == expected) {
            facts.attacks_refused.push(expected.to_owned());
        }
    })
}

fn code<T>(result: &Result<T, ClientError>) -> Option<&str> {
    result.as_ref().err().and_then(ClientError::code)
}

/// Eve signs a voucher with a key of her own.
async fn forged_voucher(world: &mut World, eve: &Account) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let domain = Voucher::domain(&world.chain_id(), &contracts.escrow, charter_client::sha256);
    let voucher = Voucher {
        kind: Kind::Voucher,
        domain,
        channel: world.state.facts().channels[1],
        cumulative: 500_000_000_000_000_000_000_000,
        expires_at_ms: 0,
        counter: 9_999,
        context_root: Hash32::default(),
    };
    let signature = Signature64(SigningKey::from_bytes(&[66; 32]).sign(&voucher.to_bytes()).to_bytes());
    let batch = ClaimBatch { rows: vec![ClaimRow::new(&voucher, &signature)], withdraw: false };
    let done = contracts.escrow().call(eve, escrow::methods::claim_batch, &batch).await?;
    let results = world.take(done);
    refused(world, "forged voucher", "ESCROW_BAD_SIGNATURE", results.first().map(|result| result.1.as_str()))
}

/// A channel under a key that anybody can sign with.
async fn weak_key(world: &mut World, eve: &Account) -> anyhow::Result<()> {
    let payee = world.person("shop")?.id;
    let args = Open::new(payee, Ed25519Key([0; 32]), 3_600_000);
    let result =
        world.contracts.escrow().pay(eve, escrow::methods::open, &args, 1_000_000_000_000_000_000_000_000).await;
    refused(world, "voucher key of small order", "ESCROW_WEAK_KEY", code(&result))
}

/// Eve grants herself the use of alice's secret.
async fn strangers_grant(world: &mut World, eve: &Account) -> anyhow::Result<()> {
    let alice = world.session("alice")?;
    let notes = Notes::open(&alice.folder)?;
    let (credential, secret) = notes.credential(LABEL)?;
    let ceiling = credential.ceiling.clone();
    let terms = to(&eve.id).grant(ceiling.clone(), 1, alice.now_ms().await?);
    let result = world.contracts.keys().call(eve, keys::methods::grant, &GrantSecret { secret, ceiling, terms }).await;
    refused(world, "stranger's grant", "KEYS_NOT_OWNER", code(&result))
}

async fn vote_after_the_end(world: &mut World) -> anyhow::Result<()> {
    let proposal = world.state.facts().release_proposal;
    let content_hash = vote::read(world, proposal).await?.content_hash;
    let carol = world.person("carol")?;
    let result = world
        .contracts
        .governance()
        .call(&carol, governance::methods::vote, &Vote { proposal, content_hash, choice: Choice::Yes })
        .await;
    refused(world, "vote after the end", "GOVERNANCE_VOTE_ENDED", code(&result))
}

/// An approved upgrade, carried out with other bytes than were voted for.
async fn wrong_bytes(world: &mut World, eve: &Account) -> anyhow::Result<()> {
    let proposal = vote::approved_upgrade(world, Contract::Registry).await?;
    let mut code_bytes = Contract::Registry.code().to_vec();
    if let Some(last) = code_bytes.last_mut() {
        *last ^= 1;
    }
    let args = ExecuteUpgrade { proposal, code: code_bytes };
    let result = world.contracts.governance().call(eve, governance::methods::execute_upgrade, &args).await;
    refused(world, "upgrade with the wrong bytes", "GOVERNANCE_WRONG_CODE", code(&result))
}

/// A host connects to no address of this machine unless its operator listed it.
async fn loopback_by_default(world: &mut World) -> anyhow::Result<()> {
    let host = host(world, Upstreams::default()).await?;
    let scout = Asker::Account(world.person("scout")?.id);
    let Permit { grant, policy, .. } = &world.state.facts().permits[0];
    let result = host.call(*grant, policy, &scout, &request(Method::Get, "/v1/models")).await;
    let found = matches!(result, Err(HostError::PrivateAddress { .. })).then_some("HOST_PRIVATE_ADDRESS");
    refused(world, "request to a loopback address", "HOST_PRIVATE_ADDRESS", found)
}

/// The grantor revokes the grant, and with it what was delegated from it.
async fn revoked_grant(world: &mut World) -> anyhow::Result<()> {
    let contracts = world.contracts.clone();
    let facts = world.state.facts().clone();
    let alice = world.person("alice")?;
    let outcome = contracts
        .keys()
        .call(&alice, keys::methods::revoke_grant, &keys::args::GrantRef { grant: facts.permits[0].grant })
        .await?
        .outcome;
    world.pay(&outcome);
    let upstream = Upstream::start().await?;
    let host = host(world, Upstreams::new(vec![upstream.addr])).await?;
    let bob = Asker::Account(world.person("bob")?.id);
    let Permit { grant, policy, .. } = facts.delegated.context("no grant was delegated")?;
    let result = host.call(grant, &policy, &bob, &request(Method::Get, "/v1/models")).await;
    let found = matches!(result, Err(HostError::Denied(Denial::Revoked))).then_some("REVOKED");
    refused(world, "use of a grant below a revoked one", "REVOKED", found)
}
