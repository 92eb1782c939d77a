//! A light client written from NEAR's specification alone (NEPs, `specs/ChainSpec/LightClient.md`, with hashes put together
//! in nearcore's order): it reads JSON, puts bytes together itself, and knows no type of the chain's.

use std::collections::HashMap;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use serde_json::{Value, json};

type Hash = [u8; 32];

/// Why a block is not believed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    NotNewer,
    OtherEpoch,
    NoNextProducers,
    UnknownProducers,
    WrongSignature,
    TooLittleStake,
    OtherProducers,
}

/// A node, asked over HTTP.
pub struct Node {
    url: String,
    client: reqwest::Client,
}

impl Node {
    pub fn new(url: String) -> Self {
        Self { url, client: reqwest::Client::new() }
    }

    /// The result; null where there is an error instead.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        self.answer(method, params).await["result"].clone()
    }

    pub async fn answer(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.client.post(&self.url).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn header(&self, block: Value) -> Value {
        self.ask("block", block).await["header"].clone()
    }
}

/// SHA-256.
fn sha256(bytes: &[u8]) -> Hash {
    near_primitives::hash::hash(bytes).0
}

pub fn base58(hash: Hash) -> String {
    bs58::encode(hash).into_string()
}

/// Bytes in base58, behind the name of their curve or alone.
fn bytes<const N: usize>(text: &Value) -> [u8; N] {
    let text = text.as_str().unwrap();
    let decoded = bs58::decode(text.strip_prefix("ed25519:").unwrap_or(text)).into_vec().unwrap();
    decoded.try_into().unwrap()
}

fn little_endian(number: u64) -> [u8; 8] {
    number.to_le_bytes()
}

fn inner_lite_bytes(lite: &Value) -> Vec<u8> {
    let hash = |name: &str| bytes::<32>(&lite[name]);
    let mut borsh = little_endian(lite["height"].as_u64().unwrap()).to_vec();
    borsh.extend(["epoch_id", "next_epoch_id", "prev_state_root", "outcome_root"].map(hash).concat());
    borsh.extend(little_endian(lite["timestamp_nanosec"].as_str().unwrap().parse().unwrap()));
    borsh.extend(["next_bp_hash", "block_merkle_root"].map(hash).concat());
    borsh
}

/// The hash of a block that is told by its light view.
pub fn block_hash(view: &Value) -> Hash {
    let inner = sha256(&[sha256(&inner_lite_bytes(&view["inner_lite"])), bytes(&view["inner_rest_hash"])].concat());
    sha256(&[inner, bytes(&view["prev_block_hash"])].concat())
}

#[derive(Clone)]
struct Producer {
    key: VerifyingKey,
    stake: u128,
}

fn producer(view: &Value) -> Producer {
    let key = VerifyingKey::from_bytes(&bytes(&view["public_key"])).unwrap();
    Producer { key, stake: view["stake"].as_str().unwrap().parse().unwrap() }
}

fn producers(list: &Value) -> Vec<Producer> {
    list.as_array().unwrap().iter().map(producer).collect()
}

/// What a header says of the next epoch's producers.
pub fn producers_hash(list: &Value) -> Hash {
    let list = list.as_array().unwrap();
    let mut borsh = u32::try_from(list.len()).unwrap().to_le_bytes().to_vec();
    for view in list {
        assert_eq!(view["validator_stake_struct_version"], "V1");
        let id = view["account_id"].as_str().unwrap();
        borsh.push(0);
        borsh.extend(u32::try_from(id.len()).unwrap().to_le_bytes());
        borsh.extend(id.as_bytes());
        // An ed25519 key.
        borsh.push(0);
        borsh.extend(bytes::<32>(&view["public_key"]));
        borsh.extend(producer(view).stake.to_le_bytes());
    }
    sha256(&borsh)
}

/// Whether producers with more than two thirds of the stake endorse a block for the next height.
fn endorsed(block: Hash, next_height: u64, signatures: &Value, producers: &[Producer]) -> Result<(), Refused> {
    // `ApprovalInner::Endorsement`, then the height.
    let message = [&[0_u8][..], &block, &little_endian(next_height)].concat();
    let (mut total, mut approved) = (0, 0);
    let signatures = signatures.as_array().unwrap();
    for (place, producer) in producers.iter().enumerate() {
        total += producer.stake;
        let Some(signature) = signatures.get(place).filter(|signature| !signature.is_null()) else { continue };
        let signature = Signature::from_bytes(&bytes(signature));
        producer.key.verify(&message, &signature).map_err(|_| Refused::WrongSignature)?;
        approved += producer.stake;
    }
    if approved > total * 2 / 3 { Ok(()) } else { Err(Refused::TooLittleStake) }
}

/// Whether the approvals in a full header endorse its parent, by the producers that are listed.
pub fn parent_is_endorsed(header: &Value, list: &Value) -> Result<(), Refused> {
    let (parent, height) = (bytes(&header["prev_hash"]), header["height"].as_u64().unwrap());
    endorsed(parent, height, &header["approvals"], &producers(list))
}

#[derive(Clone)]
pub struct LightClient {
    height: u64,
    hash: Hash,
    epoch: Hash,
    next_epoch: Hash,
    next_producers_hash: Hash,
    producers: HashMap<Hash, Vec<Producer>>,
}

impl LightClient {
    /// Starts at a block and its epoch's producers, who are trusted.
    pub fn at(header: &Value, own: &Value) -> Self {
        let epoch = bytes(&header["epoch_id"]);
        Self {
            height: header["height"].as_u64().unwrap(),
            hash: bytes(&header["hash"]),
            epoch,
            next_epoch: bytes(&header["next_epoch_id"]),
            next_producers_hash: bytes(&header["next_bp_hash"]),
            producers: [(epoch, producers(own))].into(),
        }
    }

    /// The next epoch's producers, if they are whom the head announces.
    pub fn learn(&mut self, next: &Value) -> Result<(), Refused> {
        if producers_hash(next) != self.next_producers_hash {
            return Err(Refused::OtherProducers);
        }
        self.producers.insert(self.next_epoch, producers(next));
        Ok(())
    }

    pub fn head(&self) -> String {
        base58(self.hash)
    }

    pub fn height(&self) -> u64 {
        self.height
    }

    /// Goes on to a block, or says which of the specification's six conditions it does not meet.
    pub fn accept(&mut self, view: &Value) -> Result<(), Refused> {
        let lite = &view["inner_lite"];
        let (height, epoch) = (lite["height"].as_u64().unwrap(), bytes(&lite["epoch_id"]));
        let hash = block_hash(view);
        let next_block = sha256(&[bytes(&view["next_block_inner_hash"]), hash].concat());
        if height <= self.height {
            return Err(Refused::NotNewer);
        }
        if epoch != self.epoch && epoch != self.next_epoch {
            return Err(Refused::OtherEpoch);
        }
        if epoch == self.next_epoch && view["next_bps"].is_null() {
            return Err(Refused::NoNextProducers);
        }
        let producers = self.producers.get(&epoch).ok_or(Refused::UnknownProducers)?;
        endorsed(next_block, height + 2, &view["approvals_after_next"], producers)?;
        let next_epoch = bytes(&lite["next_epoch_id"]);
        let next_producers_hash = bytes(&lite["next_bp_hash"]);
        let mut client =
            Self { height, hash, epoch, next_epoch, next_producers_hash, producers: self.producers.clone() };
        if !view["next_bps"].is_null() {
            client.learn(&view["next_bps"])?;
        }
        *self = client;
        Ok(())
    }

    /// Asks a node for the next block until it has none, and gives back those it went on to.
    pub async fn walk(&mut self, node: &Node) -> Vec<Value> {
        let mut steps = Vec::new();
        loop {
            let step = node.ask("next_light_client_block", json!([self.head()])).await;
            if step["inner_lite"].is_null() {
                return steps;
            }
            self.accept(&step).unwrap();
            steps.push(step);
        }
    }
}
