//! Vectors for other implementations, in `vectors/`, and those that others gave.

use std::path::PathBuf;

use charter_client::nep413::Payload;
use charter_client::voucher::{is_signed, sign};
use charter_client::{ed25519, wallet};
use charter_rules::voucher::{self, Channel};
use charter_types::escrow::{EscrowError, Kind, Voucher};
use charter_types::{AccountId, Ed25519Key, ErrorCode, Hash32, Signature64};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

use crate::payee::channel;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a file of vectors with what they should be, or writes it.
pub fn compare(name: &str, vectors: &Value) {
    let path = folder().join("vectors").join(name);
    if std::env::var("CHARTER_WRITE_VECTORS").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(vectors).unwrap() + "\n").unwrap();
    }
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(&written, vectors, "{name} says something else: write it anew if that is meant");
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let mut bytes = [0; N];
    hex::decode_to_slice(value.as_str().unwrap(), &mut bytes).unwrap();
    bytes
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

/// The contract's vectors, by what a payee goes by.
#[test]
fn vouchers_are_worth_what_the_contract_says() {
    let path = folder().join("../../contracts/rules/vectors/voucher.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let domain = Hash32(bytes(&vectors["domain"]));
    let key = ed25519::unpack(&Ed25519Key(bytes(&vectors["voucher_key"]))).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 23);
    for case in cases {
        let row = &case["row"];
        let channel = Channel::from(&channel(case["channel"].clone()));
        let voucher = Voucher {
            kind: Kind::Voucher,
            domain,
            channel: Hash32(bytes(&row["channel"])),
            cumulative: number(&row["cumulative"]),
            expires_at_ms: number(&row["expires_at_ms"]),
            counter: number(&row["counter"]),
            context_root: Hash32(bytes(&row["context_root"])),
        };
        let signature = Signature64(bytes(&row["signature"]));
        let told = voucher::check(&channel, &voucher, case["at_ms"].as_u64().unwrap())
            .and_then(|()| if is_signed(&key, &voucher, &signature) { Ok(()) } else { Err(EscrowError::Signature {}) });
        let code = told.err().map(|error| error.code());
        assert_eq!(code, case["refused"].as_str(), "{}", case["name"]);
    }
}

fn in_a_wallet(channel: u8, cumulative: u128, expires_at_ms: u64, counter: u64, root: u8) -> Voucher {
    let domain = Voucher::domain("mainnet", &escrow(), charter_client::sha256);
    let (channel, context_root) = (Hash32([channel; 32]), Hash32([root; 32]));
    Voucher { kind: Kind::Voucher, domain, channel, cumulative, expires_at_ms, counter, context_root }
}

fn escrow() -> AccountId {
    "escrow.near".parse().unwrap()
}

#[test]
fn vouchers_in_wallets_are_as_written() {
    let signing = SigningKey::from_bytes(&[8; 32]);
    let key = Ed25519Key(signing.verifying_key().to_bytes());
    let vouchers = [
        (in_a_wallet(2, 1_500, 0, 1, 0), None),
        (in_a_wallet(2, u128::MAX, 1_798_761_600_000, u64::MAX, 255), None),
        (in_a_wallet(3, 1, 1_798_761_600_000, 2, 1), Some("https://wallet.example/done".to_owned())),
    ];
    let vector = |(voucher, callback_url): (Voucher, Option<String>)| {
        let payload = Payload { callback_url: callback_url.clone(), ..wallet::payload(&voucher, &escrow()) };
        let signature = Signature64(signing.sign(&payload.hash()).to_bytes());
        assert!(payload.is_signed(&key, &signature));
        let other = Voucher { cumulative: voucher.cumulative - 1, ..voucher.clone() };
        let other = Payload { callback_url: callback_url.clone(), ..wallet::payload(&other, &escrow()) };
        assert!(!other.is_signed(&key, &signature));
        // Bytes signed as bytes are no message of a wallet, and the other way round.
        assert!(!payload.is_signed(&key, &sign(&signing, &voucher)));
        assert!(!is_signed(&signing.verifying_key(), &voucher, &signature));
        json!({
            "voucher": {
                "channel": voucher.channel, "cumulative": voucher.cumulative.to_string(),
                "expires_at_ms": voucher.expires_at_ms.to_string(), "counter": voucher.counter.to_string(),
                "context_root": voucher.context_root, "bytes": hex::encode(voucher.to_bytes()),
            },
            "text": payload.message, "nonce": hex::encode(payload.nonce), "hash": hex::encode(payload.hash()),
            "signature": hex::encode(signature.0), "callback_url": callback_url,
        })
    };
    let vectors = json!({
        "chain_id": "mainnet", "escrow": escrow(), "seed": hex::encode([8_u8; 32]), "key": hex::encode(key.0),
        "vouchers": vouchers.map(vector).to_vec(),
    });
    compare("wallet.json", &vectors);
}

/// Under such a key anybody signs anything.
#[test]
fn keys_of_small_order_sign_nothing_for_a_wallet() {
    let payload = wallet::payload(&in_a_wallet(1, 1, 0, 1, 0), &escrow());
    // R is the neutral element, s is 0: good for every message under the neutral element as a key.
    let (mut key, mut signature) = ([0; 32], [0; 64]);
    (key[0], signature[0]) = (1, 1);
    let (key, signature) = (Ed25519Key(key), Signature64(signature));
    assert!(ed25519::verifies(&ed25519::unpack(&key).unwrap(), &payload.hash(), &signature));
    assert!(!payload.is_signed(&key, &signature));
}
