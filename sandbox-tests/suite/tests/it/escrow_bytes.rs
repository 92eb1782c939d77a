//! What is signed and hashed around the escrow, written from the contract's README: nothing here is shared with what it
//! judges.

use charter_client::sha256;
use charter_harness::Harness;
use ed25519_dalek::{Signer, SigningKey};

pub type Hash = [u8; 32];

/// Kinds of messages that have a voucher's layout.
pub const VOUCHER: u8 = 0;
pub const REQUEST: u8 = 4;
pub const ACK: u8 = 5;
pub const RESPONSE: u8 = 6;

/// Length of every one of them.
pub const BYTES: usize = 134;

/// All that varies in the 134 bytes, version 1.
#[derive(Clone, Copy, Default)]
pub struct Message {
    pub kind: u8,
    pub domain: Hash,
    /// The channel or the edge.
    pub about: Hash,
    pub cumulative: u128,
    pub expires_ms: u64,
    pub counter: u64,
    pub root: Hash,
}

impl Message {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend((0x8000_0000_u32 + 0x0043_4854).to_le_bytes());
        bytes.extend([1, self.kind]);
        bytes.extend(self.domain);
        bytes.extend(self.about);
        bytes.extend(self.cumulative.to_le_bytes());
        bytes.extend(self.expires_ms.to_le_bytes());
        bytes.extend(self.counter.to_le_bytes());
        bytes.extend(self.root);
        assert_eq!(bytes.len(), BYTES);
        bytes
    }

    pub fn sign(&self, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.bytes()).to_bytes()
    }
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
}

/// sha256 of borsh: purpose, version, chain, contract.
pub fn domain_of(chain_id: &str, contract: &str) -> Hash {
    sha256(&[text("charter/voucher"), vec![1], text(chain_id), text(contract)].concat())
}

pub fn domain(harness: &Harness) -> Hash {
    domain_of(&harness.chain_id, harness.contracts.escrow.as_str())
}

/// What an asker asks, and who answers in time or not, on one edge.
#[derive(Clone, Copy)]
pub struct Asked {
    pub domain: Hash,
    pub edge: Hash,
    pub counter: u64,
    /// sha256 of what is asked.
    pub asked: Hash,
}

impl Asked {
    pub fn request(&self) -> Message {
        let Self { domain, edge, counter, asked } = *self;
        Message { kind: REQUEST, domain, about: edge, counter, root: asked, ..Message::default() }
    }

    /// Of what the request's 134 bytes are.
    pub fn ack(&self, deadline_ms: u64) -> Message {
        let root = sha256(&self.request().bytes());
        Message { kind: ACK, expires_ms: deadline_ms, root, ..self.request() }
    }

    pub fn response(&self, response_hash: Hash) -> Message {
        let root = sha256(&[self.asked, response_hash].concat());
        Message { kind: RESPONSE, root, ..self.request() }
    }
}

/// What a creator is owed, as a leaf.
pub fn leaf(account: &str, amount: u128) -> Hash {
    sha256(&[vec![0], text(account), amount.to_le_bytes().to_vec()].concat())
}

pub fn node(one: Hash, other: Hash) -> Hash {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    sha256(&[&[1][..], &low, &high].concat())
}

/// A Merkle tree: rows of nodes, the leaves first, the root last. Who has no neighbour goes up as it is.
pub struct Tree(Vec<Vec<Hash>>);

impl Tree {
    pub fn new(leaves: Vec<Hash>) -> Self {
        assert!(!leaves.is_empty(), "a tree has leaves");
        let mut rows = vec![leaves];
        while rows[rows.len() - 1].len() > 1 {
            let pairs = rows[rows.len() - 1].chunks(2);
            let above = pairs.map(|pair| if let [one, other] = *pair { node(one, other) } else { pair[0] }).collect();
            rows.push(above);
        }
        Self(rows)
    }

    pub fn root(&self) -> Hash {
        self.0[self.0.len() - 1][0]
    }

    /// Neighbours from the leaf up.
    pub fn proof(&self, mut place: usize) -> Vec<Hash> {
        let mut proof = Vec::new();
        for row in &self.0 {
            proof.extend(row.get(place ^ 1));
            place /= 2;
        }
        proof
    }
}

/// The root that a proof leads to.
pub fn climb(leaf: Hash, proof: &[Hash]) -> Hash {
    proof.iter().fold(leaf, |below, beside| node(below, *beside))
}

#[test]
fn every_leaf_of_trees_of_any_size_leads_to_the_root() {
    for size in 1..20_u128 {
        let leaves: Vec<_> = (0..size).map(|number| leaf(&format!("creator{number}.near"), number)).collect();
        let tree = Tree::new(leaves.clone());
        for (place, leaf) in leaves.iter().enumerate() {
            assert_eq!(climb(*leaf, &tree.proof(place)), tree.root(), "{place} of {size}");
        }
    }
}
