//! Proof of response (Polosukhin and Skidanov, 2025) on one hop, and on a path of two: who pays whom when an answer comes in
//! time, late or never, and when there is not even an ack.

mod answers;
mod cuts;
pub mod eip191;
mod money;

use charter_client::sha256;
use charter_harness::{Caller, Harness, Outcome, answer, call, failed_with, ok};
use charter_types::asset::Asset;
use charter_types::escrow::args::{Deliver, EdgeRef, Escalate, OpenEdge, RequestRef};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{Edge, EdgeId, Request, Signer};
use charter_types::method::Method;
use charter_types::{AccountId, AnySignature, Ed25519Key, Hash32, Signature64, U128};
use ed25519_dalek::{Signer as _, SigningKey};
use near_workspaces::Account;

use charter_harness::arguments::DEPOSIT;

use crate::escrow_bytes::{Asked, domain};
use crate::escrow_scene::{DAY_MS, HOUR_MS, until};

pub const COLLATERAL: u128 = 1_000_000;
const CUT: u128 = 30_000;
const RATE: u128 = 7_000;
pub const CAP: u128 = 100_000;
pub const WINDOW_MS: u64 = HOUR_MS;

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub fn public(seed: u8) -> Ed25519Key {
    Ed25519Key(key(seed).verifying_key().to_bytes())
}

/// Seeds of the keys of an edge: those of its asker and its acker, and that of the response's author.
const ASKER: u8 = 31;
pub const ACKER: u8 = 32;
pub const AUTHOR: u8 = 33;

pub fn what(text: &str) -> Hash32 {
    Hash32(sha256(text.as_bytes()))
}

/// An edge, live unless it is said otherwise.
pub struct Hop<'a> {
    pub harness: &'a Harness,
    pub asker: &'a Account,
    pub id: EdgeId,
}

pub async fn terms(harness: &Harness, acker: &Account, cut_to: &AccountId) -> OpenEdge {
    OpenEdge {
        acker: acker.id().clone(),
        asset: Asset::Near,
        collateral: U128(COLLATERAL),
        cut: U128(CUT),
        cut_to: cut_to.clone(),
        rate_per_s: U128(RATE),
        cap: U128(CAP),
        window_ms: WINDOW_MS,
        ends_ms: harness.now_ms().await.unwrap() + 30 * DAY_MS,
        asker_key: public(ASKER),
        acker_key: public(ACKER),
        signer: Signer::Ed25519(public(AUTHOR)),
        offer: None,
    }
}

impl<'a> Hop<'a> {
    pub async fn open(harness: &'a Harness, asker: &'a Account, terms: &OpenEdge) -> Hop<'a> {
        let deposit = if terms.asset == Asset::Near { terms.collateral.0 } else { 0 } + DEPOSIT;
        let id = ok(asker, &harness.contracts.escrow, escrow::open_edge, terms, deposit).await;
        Self { harness, asker, id }
    }

    /// In NEAR, with both collaterals.
    pub async fn live(harness: &'a Harness, (asker, acker): (&'a Account, &Account)) -> Hop<'a> {
        let terms = terms(harness, acker, harness.root().id()).await;
        let hop = Self::open(harness, asker, &terms).await;
        ok(acker, hop.contract(), escrow::join_edge, &hop.reference(), COLLATERAL).await;
        hop
    }

    fn contract(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    pub fn reference(&self) -> EdgeRef {
        EdgeRef { edge: self.id }
    }

    pub fn request(&self, counter: u64) -> RequestRef {
        RequestRef { edge: self.id, counter }
    }

    /// What both sign about a request, in the test's own bytes.
    fn asked(&self, counter: u64) -> Asked {
        Asked { domain: domain(self.harness), edge: self.id.0, counter, asked: what("what is asked").0 }
    }

    /// An ack with this deadline, to be presented.
    pub fn ack(&self, counter: u64, deadline_ms: u64) -> Escalate {
        let signature = Signature64(self.asked(counter).ack(deadline_ms).sign(&key(ACKER)));
        Escalate { edge: self.id, counter, asked: what("what is asked"), deadline_ms, signature }
    }

    /// The author's response, to be delivered.
    pub fn response(&self, counter: u64) -> Deliver {
        let response_hash = what("the answer");
        let signature = self.asked(counter).response(response_hash.0).sign(&key(AUTHOR));
        let signature = AnySignature::Ed25519(Signature64(signature));
        Deliver { edge: self.id, counter, response_hash, signature }
    }

    async fn send<M: Method>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> Outcome {
        by.send(self.contract(), call(method, args), deposit).await.unwrap()
    }

    /// The code of a call, if it fails.
    async fn told<M: Method>(&self, by: &Account, method: M, args: &M::Args, deposit: u128) -> Option<String> {
        failed_with(&self.send(by, method, args, deposit).await)
    }

    async fn escalate(&self, ack: &Escalate) -> Option<String> {
        self.told(self.asker, escrow::escalate, ack, DEPOSIT).await
    }

    /// A request whose deadline is over is escalated; the time of that.
    pub async fn late(&self, counter: u64) -> u64 {
        let deadline_ms = self.harness.now_ms().await.unwrap() + 1_000;
        until(self.harness, deadline_ms).await;
        assert_eq!(self.escalate(&self.ack(counter, deadline_ms)).await, None);
        self.seen(counter).await.escalated_ms
    }

    /// What the asker was sent.
    async fn claim_late(&self, counter: u64) -> Result<u128, String> {
        let outcome = self.send(self.harness.root(), escrow::claim_late, &self.request(counter), 0).await;
        match failed_with(&outcome) {
            Some(code) => Err(code),
            None => Ok(answer(escrow::claim_late, &outcome).unwrap().0),
        }
    }

    async fn seen(&self, counter: u64) -> Request {
        self.harness.look(self.contract(), escrow::request, &self.request(counter)).await.unwrap().unwrap()
    }

    async fn edge(&self) -> Option<Edge> {
        self.harness.look(self.contract(), escrow::edge, &self.reference()).await.unwrap()
    }

    /// What is here of either side's collateral.
    async fn sides(&self) -> (u128, u128) {
        let edge = self.edge().await.unwrap();
        (edge.asker_side.0, edge.acker_side.0)
    }

    /// Waits until anybody may end it, and ends it.
    async fn end(&self) {
        let edge = self.edge().await.unwrap();
        until(self.harness, edge.ends_ms + edge.window_ms).await;
        ok(self.harness.root(), self.contract(), escrow::end_edge, &self.reference(), 0).await;
    }
}

/// Time to show an answer after an escalation, for nothing.
const MINUTE_MS: u64 = 60_000;

/// So many seconds that cost were begun between an escalation and a time.
fn seconds(from_ms: u64, to_ms: u64) -> u128 {
    u128::from(to_ms.saturating_sub(from_ms + MINUTE_MS).div_ceil(1_000))
}

/// A signature that something else has.
fn signed(seed: u8, bytes: &[u8]) -> Signature64 {
    Signature64(key(seed).sign(bytes).to_bytes())
}
