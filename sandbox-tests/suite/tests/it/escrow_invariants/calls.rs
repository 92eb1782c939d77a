//! What a step is on the chain: which contract is called with what, and what was signed for it. Bytes and trees are the
//! test's own.

use charter_client::sha256;
use charter_harness::{Call, call, raw};
use charter_types::asset::Asset;
use charter_types::escrow::args::{
    ChannelRef, Channels, Deliver, Distribute, Draw, DrawTo, EdgeRef, Escalate, ExtendLock, ForgetCreators,
    ForgetDraws, OfAgent, OfAsset, Open, OpenDrawn, OpenEdge, PostRoot, Pull, RequestRef, SetCaps,
};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{ClaimBatch, ClaimRow, Signer, Split};
use charter_types::{AccountId, AnySignature, Ed25519Key, Hash32, Signature64, U128};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::World;
use super::model::{self, DELAY_MS, Goal, Id, Late, NEAR, NewEdge, PEOPLE, Person, Root, Row, Step, Target, Terms};
use super::moves::{Forged, Op};
use crate::escrow_bytes::{Asked, Message, Tree, domain, domain_of, leaf};
use crate::escrow_vouchers::weak_keys;

/// Keys of an edge: everybody's are the same, for an edge's id is in all that is signed.
pub const ASKER_KEY: [u8; 32] = [201; 32];
pub const ACKER_KEY: [u8; 32] = [202; 32];
pub const SIGNER_KEY: [u8; 32] = [203; 32];

pub fn public(seed: [u8; 32]) -> Ed25519Key {
    Ed25519Key(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
}

fn weak_key(which: usize) -> Ed25519Key {
    let weak = weak_keys();
    weak[which % weak.len()]
}

/// Signs a channel's vouchers.
pub fn key(channel: Id) -> [u8; 32] {
    [u8::try_from(channel % 200).unwrap() + 1; 32]
}

pub fn offer(terms: &Terms) -> Option<Hash32> {
    terms.offer.then_some(Hash32([5; 32]))
}

impl World {
    pub(super) fn id(&self, person: Person) -> AccountId {
        if person < PEOPLE { self.people[person].id().clone() } else { self.nobody.clone() }
    }

    pub(super) fn asset(&self, asset: model::Asset) -> Asset {
        if asset == NEAR { Asset::Near } else { Asset::Nep141(self.token.clone()) }
    }

    pub(super) fn splits(&self, splits: &[(Person, u128)]) -> Vec<Split> {
        let split =
            |&(person, bps): &(Person, u128)| Split { account: self.id(person), bps: u16::try_from(bps).unwrap() };
        splits.iter().map(split).collect()
    }

    fn drawn(&self, payee: Person, terms: &Terms) -> OpenDrawn {
        OpenDrawn {
            payee: self.id(payee),
            voucher_key: terms.weak.map_or_else(|| public(key(self.ids.len())), weak_key),
            withdraw_delay_ms: DELAY_MS,
            agent: terms.of_agent.then_some(self.agent),
            locked_until_ms: terms.locked_until_ms,
            splits: self.splits(&terms.splits),
            offer: offer(terms),
        }
    }

    fn open(&self, payee: Person, asset: model::Asset, terms: &Terms) -> Open {
        let OpenDrawn { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer } =
            self.drawn(payee, terms);
        let asset = self.asset(asset);
        Open { payee, asset, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer }
    }

    /// Of a channel that is there, or was.
    fn terms_of(&self, id: Id, own: bool) -> (Vec<Split>, Option<Hash32>) {
        let known = self.terms.get(id).cloned().unwrap_or_default();
        // Other terms: the same with another offer.
        let offer = if own { offer(&known) } else { Some(Hash32([6; 32])) };
        (self.splits(&known.splits), offer)
    }

    /// The 134 bytes, and what is presented instead if it is forged.
    fn claim_row(&self, row: &Row, forged: Option<Forged>) -> ClaimRow {
        let chain_id = if matches!(forged, Some(Forged::Chain)) { "other" } else { &self.harness.chain_id };
        let contract = if matches!(forged, Some(Forged::Contract)) { self.people[0].id() } else { self.escrow() };
        let about = if matches!(forged, Some(Forged::Channel)) { [9; 32] } else { self.ids[row.channel].0 };
        let message = Message {
            kind: u8::from(matches!(forged, Some(Forged::Kind))) * 5,
            domain: domain_of(chain_id, contract.as_str()),
            about,
            cumulative: row.amount + u128::from(matches!(forged, Some(Forged::Amount))),
            expires_ms: row.expires_ms + u64::from(matches!(forged, Some(Forged::Expiry))),
            counter: 7 + u64::from(matches!(forged, Some(Forged::Counter))),
            root: [u8::from(matches!(forged, Some(Forged::Root))); 32],
        };
        let mut bytes = message.bytes();
        bytes[4] += u8::from(matches!(forged, Some(Forged::Version)));
        let seed = key(row.channel + usize::from(matches!(forged, Some(Forged::Key))));
        let mut signature = sign(seed, &bytes).0;
        if let Some(Forged::Bit(bit)) = forged {
            signature[usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        let (channel, context_root) = (self.ids[row.channel].0, [0; 32]);
        let (cumulative, expires_at_ms) = (row.amount, row.expires_ms);
        ClaimRow { channel, cumulative, expires_at_ms, counter: 7, context_root, signature }
    }

    fn asked(&self, edge: Id, counter: u64) -> Asked {
        Asked { domain: domain(&self.harness), edge: self.edge_ids[edge].0, counter, asked: sha256(b"what is asked") }
    }

    fn escalate(&self, id: Id, late: &Late) -> Escalate {
        let Late { counter, deadline_ms, signed } = *late;
        let message = self.asked(id, counter).ack(deadline_ms);
        // What the asker signs itself is no ack.
        let signature = sign(if signed { ACKER_KEY } else { ASKER_KEY }, &message.bytes());
        Escalate { edge: self.edge_ids[id], counter, asked: Hash32(sha256(b"what is asked")), deadline_ms, signature }
    }

    fn deliver(&self, id: Id, counter: u64, signed: bool) -> Deliver {
        let response_hash = Hash32(sha256(b"the answer"));
        let message = self.asked(id, counter).response(response_hash.0);
        let signature = sign(if signed { SIGNER_KEY } else { ACKER_KEY }, &message.bytes());
        Deliver { edge: self.edge_ids[id], counter, response_hash, signature: AnySignature::Ed25519(signature) }
    }

    pub(super) fn open_edge(&self, new: &NewEdge) -> OpenEdge {
        let mut keys = [ASKER_KEY, ACKER_KEY, SIGNER_KEY].map(public);
        if let Some((whose, which)) = new.weak {
            keys[whose] = weak_key(which);
        }
        OpenEdge {
            acker: self.id(new.acker),
            asset: self.asset(new.asset),
            collateral: U128(new.collateral),
            cut: U128(new.cut),
            cut_to: self.id(new.cut_to),
            rate_per_s: U128(new.rate_per_s),
            cap: U128(new.cap),
            window_ms: model::WINDOW_MS,
            ends_ms: new.ends_ms,
            asker_key: keys[0],
            acker_key: keys[1],
            signer: Signer::Ed25519(keys[2]),
            offer: None,
        }
    }

    /// Over all that are owed anything. Nobody is owed anything by an empty one.
    fn tree(&self, root: &Root) -> Option<Tree> {
        let leaves: Vec<_> = root.owed.iter().map(|(to, amount)| leaf(self.id(*to).as_str(), *amount)).collect();
        (!leaves.is_empty()).then(|| Tree::new(leaves))
    }

    fn pull(&self, (payee, asset): (Person, model::Asset), to: Person, amount: u128, bent: bool) -> Pull {
        let root = self.model.reserves.get(&(payee, asset)).map(|reserve| reserve.root.clone()).unwrap_or_default();
        let place = root.owed.iter().position(|one| *one == (to, amount)).unwrap_or_default();
        let mut proof = self.tree(&root).map(|tree| tree.proof(place)).unwrap_or_default();
        if bent {
            match proof.last_mut() {
                Some(last) => last[31] ^= 1,
                None => proof.push([1; 32]),
            }
        }
        let (payee, asset, account) = (self.id(payee), self.asset(asset), self.id(to));
        Pull { payee, asset, account, amount: U128(amount), proof: proof.into_iter().map(Hash32).collect() }
    }

    fn message(&self, to: Target) -> Value {
        match to {
            Target::Channel(id) => json!({ "top_up": { "channel": self.ids[id] } }),
            Target::Purse => json!({ "purse": { "agent": self.agent } }),
            Target::Edge(id) => json!({ "edge": { "edge": self.edge_ids[id] } }),
            Target::Nothing => json!({ "top_up": {} }),
        }
    }

    /// Whom a step calls.
    pub(super) fn called(&self, step: &Step) -> &AccountId {
        match step {
            Step::Send { .. } => &self.token,
            Step::Lie { .. } => &self.other,
            _ => self.escrow(),
        }
    }

    pub(super) fn call(&self, step: &Step, op: &Op) -> Call {
        let channel = |id: &Id| ChannelRef { channel: self.ids[*id] };
        let channels = |ids: &[Id]| Channels { channels: ids.iter().map(|id| self.ids[*id]).collect() };
        match step {
            Step::Open { payee, asset, terms } => call(escrow::open, &self.open(*payee, *asset, terms)),
            Step::TopUp(id) => call(escrow::top_up, &channel(id)),
            Step::ExtendLock { id, until_ms } => {
                call(escrow::extend_lock, &ExtendLock { channel: self.ids[*id], locked_until_ms: *until_ms })
            }
            Step::Claim { rows, withdraw } => {
                let rows = rows.iter().zip(&op.rows).map(|(row, how)| self.claim_row(row, how.forged));
                let rows = rows.chain(self.huge_rows()).collect();
                call(escrow::claim_batch, &ClaimBatch { rows, withdraw: *withdraw })
            }
            Step::Withdraw(ids) => call(escrow::withdraw, &channels(ids)),
            Step::Distribute { id, own_terms, shares } => {
                let (splits, offer) = self.terms_of(*id, *own_terms);
                let shares = shares.iter().map(|place| u8::try_from(*place).unwrap()).collect();
                call(escrow::distribute, &Distribute { channel: self.ids[*id], splits, offer, shares })
            }
            Step::Close(id) => call(escrow::close, &channel(id)),
            Step::RequestClose(id) => call(escrow::request_close, &channel(id)),
            Step::CancelClose(id) => call(escrow::cancel_close, &channel(id)),
            Step::FinalizeClose(id) => call(escrow::finalize_close, &channel(id)),
            Step::Send { to, amount } => {
                let (amount, msg) = (U128(*amount), self.message(*to).to_string());
                raw("ft_transfer_call", json!({ "receiver_id": self.escrow(), "amount": amount, "msg": msg }))
            }
            Step::Lie { to, sender, amount } => {
                let (sender_id, amount, msg) = (self.id(*sender), U128(*amount), self.message(*to).to_string());
                let receiver = self.escrow();
                raw("lie", json!({ "receiver": receiver, "sender_id": sender_id, "amount": amount, "msg": msg }))
            }
            _ => self.call_of_others(step),
        }
    }

    fn call_of_others(&self, step: &Step) -> Call {
        let agent = self.agent;
        let of_agent = |asset: &model::Asset| OfAgent { agent, asset: self.asset(*asset) };
        let accounts = |people: &[Person]| -> Vec<AccountId> { people.iter().map(|person| self.id(*person)).collect() };
        match step {
            Step::FillPurse(asset) => call(escrow::fill_purse, &of_agent(asset)),
            Step::SetCaps { asset, caps } => {
                let (per_day, per_payee) = (U128(caps.per_day), U128(caps.per_payee));
                let (asset, until_ms) = (self.asset(*asset), caps.until_ms);
                call(escrow::set_caps, &SetCaps { agent, asset, per_day, per_payee, until_ms })
            }
            Step::EmptyPurse(asset) => call(escrow::empty_purse, &of_agent(asset)),
            Step::Draw { asset, amount, to } => {
                let to = match to {
                    Goal::Open { payee, terms } => DrawTo::Open(self.drawn(*payee, terms)),
                    Goal::TopUp(id) => DrawTo::TopUp(self.ids[*id]),
                };
                call(escrow::draw, &Draw { agent, asset: self.asset(*asset), amount: U128(*amount), to })
            }
            Step::ForgetDraws { owner, asset, payees } => {
                let (owner, asset, payees) = (self.id(*owner), self.asset(*asset), accounts(payees));
                call(escrow::forget_draws, &ForgetDraws { agent, owner, asset, payees })
            }
            Step::Reserve(ids) => {
                call(escrow::reserve, &Channels { channels: ids.iter().map(|id| self.ids[*id]).collect() })
            }
            Step::PostRoot { asset, root } => {
                let hash = self.tree(root).map_or([0; 32], |tree| tree.root());
                let (asset, total) = (self.asset(*asset), U128(root.total));
                call(escrow::post_root, &PostRoot { asset, root: Hash32(hash), total })
            }
            Step::Pull { payee, asset, to, amount, bent } => {
                call(escrow::pull, &self.pull((*payee, *asset), *to, *amount, *bent))
            }
            Step::EndRoot(asset) => call(escrow::end_root, &OfAsset { asset: self.asset(*asset) }),
            Step::ForgetCreators { number, creators } => {
                call(escrow::forget_creators, &ForgetCreators { reserve: *number, accounts: accounts(creators) })
            }
            Step::OpenEarnings { asset } => call(escrow::open_earnings, &OfAgent { agent, asset: self.asset(*asset) }),
            Step::EndEarnings { asset } => call(escrow::end_earnings, &OfAgent { agent, asset: self.asset(*asset) }),
            _ => self.call_of_edge(step),
        }
    }

    fn call_of_edge(&self, step: &Step) -> Call {
        let edge = |id: &Id| EdgeRef { edge: self.edge_ids[*id] };
        let request = |id: &Id, counter: &u64| RequestRef { edge: self.edge_ids[*id], counter: *counter };
        match step {
            Step::OpenEdge(new) => call(escrow::open_edge, &self.open_edge(new)),
            Step::JoinEdge(id) => call(escrow::join_edge, &edge(id)),
            Step::EndEdge(id) => call(escrow::end_edge, &edge(id)),
            Step::CutEdge(id) => call(escrow::cut_edge, &edge(id)),
            Step::Escalate { id, late } => call(escrow::escalate, &self.escalate(*id, late)),
            Step::Deliver { id, counter, signed } => call(escrow::deliver, &self.deliver(*id, *counter, *signed)),
            Step::ClaimLate { id, counter } => call(escrow::claim_late, &request(id, counter)),
            Step::ForgetRequest { id, counter } => call(escrow::forget_request, &request(id, counter)),
            _ => unreachable!("{step:?} is no call of an edge"),
        }
    }
}

pub fn sign(seed: [u8; 32], bytes: &[u8]) -> Signature64 {
    use ed25519_dalek::Signer as _;
    Signature64(SigningKey::from_bytes(&seed).sign(bytes).to_bytes())
}
