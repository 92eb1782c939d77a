//! Vouchers and batches that are not as they should be, each alone and beside good ones.

mod many;

use charter_harness::arguments::DEPOSIT;
use charter_harness::{Caller, failed_with, raw_bytes};
use charter_types::asset::Asset;
use charter_types::escrow::args::{ChannelRef, Open, OpenEdge};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{
    CLAIM_BATCH_MAX, ChannelId, ClaimBatch, ClaimRow, Signer, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN,
};
use charter_types::{Ed25519Key, Hash32};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Signer as _};
use near_workspaces::Account;
use sha2::{Digest, Sha512};

use crate::escrow_bytes::{ACK, BYTES, Message, REQUEST, RESPONSE, VOUCHER, domain, domain_of};
use crate::escrow_scene::{DAY_MS, HOUR_MS, MINUTE_MS, Scene, presented, voucher_key};

const BAD_SIGNATURE: &str = "ESCROW_BAD_SIGNATURE";
const TOO_SMALL: &str = "ESCROW_DEPOSIT_TOO_SMALL";

impl Scene {
    fn message(&self, channel: ChannelId, cumulative: u128) -> Message {
        Message { domain: domain(&self.harness), about: channel.0, cumulative, counter: 7, ..Message::default() }
    }

    /// What is told of rows that somebody presents.
    async fn batch(&self, by: &Account, rows: Vec<ClaimRow>, withdraw: bool) -> Vec<String> {
        let batch = ClaimBatch { rows, withdraw };
        let told = self.asked(by, escrow::claim_batch, &batch, 0).await.unwrap();
        told.into_iter().map(|row| row.1).collect()
    }

    /// An amount of the token in a channel to ben.
    async fn paying(&self, amount: u128) -> ChannelId {
        self.open(&self.open_args(), amount).await
    }
}

/// INV-ESC-5, from the signer's side: whatever else was signed, it is no voucher for the row that is presented.
#[tokio::test]
async fn a_signature_over_134_bytes_with_any_of_them_flipped_cut_off_or_added_is_refused() {
    let scene = Scene::new().await;
    let channel = scene.paying(10_000).await;
    let message = scene.message(channel, 5_000);
    let bytes = message.bytes();
    assert_eq!(bytes.len(), BYTES);
    let mut signed: Vec<Vec<u8>> = Vec::new();
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80] {
            let mut bent = bytes.clone();
            bent[place] ^= flip;
            signed.push(bent);
        }
    }
    // Shorter, from either end, longer, and twice.
    signed.extend([1, 32, 133].map(|kept| bytes[..kept].to_vec()));
    signed.extend([1, 4, 38].map(|cut| bytes[cut..].to_vec()));
    signed.extend([Vec::new(), [&bytes[..], &[0]].concat(), [&[0][..], &bytes].concat(), bytes.repeat(2)]);
    let rows: Vec<_> = signed.iter().map(|bent| presented(&message, voucher_key().sign(bent).to_bytes())).collect();
    for some in rows.chunks(CLAIM_BATCH_MAX) {
        let told = scene.batch(&scene.ben, some.to_vec(), true).await;
        assert!(told.iter().all(|told| told == BAD_SIGNATURE), "{told:?}");
    }
    assert_eq!(scene.claim(channel, 5_000).await, "5000");
}

/// From the presenter's side: any byte of what a row says, and of the signature.
#[tokio::test]
async fn a_row_that_says_anything_else_than_was_signed_is_refused() {
    let scene = Scene::new().await;
    let channel = scene.paying((1 << 39) - 1).await;
    let good = scene.row(channel, 5_000);
    let other = scene.paying(10_000).await;
    let mut rows = Vec::new();
    for place in 0..32 {
        let mut context_root = good.context_root;
        context_root[place] ^= 1;
        rows.push(ClaimRow { context_root, ..good.clone() });
    }
    for bit in [0, 1, 7, 12, 20, 38] {
        rows.push(ClaimRow { cumulative: good.cumulative ^ (1 << bit), ..good.clone() });
    }
    for bit in 0..64 {
        rows.push(ClaimRow { counter: good.counter ^ (1 << bit), ..good.clone() });
        // One that has expired would be refused for that.
        let expires_at_ms = scene.now_ms().await + HOUR_MS + (1 << (bit % 40));
        rows.push(ClaimRow { expires_at_ms, ..good.clone() });
    }
    for bit in 0..512 {
        let mut signature = good.signature;
        signature[bit / 8] ^= 1 << (bit % 8);
        rows.push(ClaimRow { signature, ..good.clone() });
    }
    rows.push(ClaimRow { channel: other.0, ..good.clone() });
    for some in rows.chunks(CLAIM_BATCH_MAX) {
        let told = scene.batch(&scene.ben, some.to_vec(), false).await;
        assert!(told.iter().all(|told| told == BAD_SIGNATURE), "{told:?}");
    }
    assert_eq!(scene.batch(&scene.ben, vec![good], false).await, ["5000"]);
}

fn number(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&Sha512::digest(parts.concat()).into())
}

/// A signature whose R is shifted by a point of small order, while s signs along what R is then. By none it is an ordinary one.
fn shifted(message: &Message, nonce: Scalar, by: EdwardsPoint) -> [u8; 64] {
    let (key, bytes) = (voucher_key(), message.bytes());
    let point = (EdwardsPoint::mul_base(&nonce) + by).compress().to_bytes();
    let s = nonce + number(&[&point, key.verifying_key().as_bytes(), &bytes]) * key.to_scalar();
    [point, s.to_bytes()].concat().try_into().unwrap()
}

/// INV-ESC-5. A check with cofactor takes all eight, and so does one of many signatures at once, some of the time.
#[tokio::test]
async fn a_signature_that_only_a_check_with_cofactor_takes_is_refused() {
    let scene = Scene::new().await;
    let channel = scene.paying(10_000).await;
    let message = scene.message(channel, 5_000);
    let nonce = number(&[b"any number", &message.bytes()]);
    let rows = EIGHT_TORSION.map(|by| presented(&message, shifted(&message, nonce, by)));
    let told = scene.batch(&scene.ben, rows[1..].to_vec(), false).await;
    assert_eq!(told, [BAD_SIGNATURE; 7]);
    assert_eq!(scene.batch(&scene.ben, rows[..1].to_vec(), false).await, ["5000"]);
}

/// A payee that checked strictly would turn away money.
#[tokio::test]
async fn a_signature_that_only_a_strict_check_refuses_is_taken() {
    let scene = Scene::new().await;
    let message = scene.message(scene.paying(10_000).await, 5_000);
    let neutral = shifted(&message, Scalar::ZERO, EIGHT_TORSION[0]);
    assert_eq!(neutral[..32], EIGHT_TORSION[0].compress().to_bytes());
    let strict = voucher_key().verifying_key().verify_strict(&message.bytes(), &Signature::from_bytes(&neutral));
    assert!(strict.is_err());
    assert_eq!(scene.batch(&scene.ben, vec![presented(&message, neutral)], false).await, ["5000"]);
}

/// Of another chain, contract, version, channel or kind: an ack is no voucher, though they are as long.
#[tokio::test]
async fn a_message_of_another_chain_contract_or_kind_is_no_voucher() {
    let scene = Scene::new().await;
    let channel = scene.paying(10_000).await;
    let message = scene.message(channel, 5_000);
    let own = scene.contract().as_str();
    let others = [
        Message { domain: domain_of("mainnet", own), ..message },
        Message { domain: domain_of("", own), ..message },
        Message { domain: domain_of(&scene.harness.chain_id, scene.harness.contracts.keys.as_str()), ..message },
        Message { domain: [0; 32], ..message },
        Message { kind: REQUEST, ..message },
        Message { kind: ACK, ..message },
        Message { kind: RESPONSE, ..message },
        Message { kind: 1, ..message },
        Message { kind: 255, ..message },
        Message { about: [0; 32], ..message },
    ];
    let rows = others.iter().map(|other| presented(&message, other.sign(&voucher_key()))).collect();
    let told = scene.batch(&scene.ben, rows, false).await;
    assert!(told.iter().all(|told| told == BAD_SIGNATURE), "{told:?}");
    let good = Message { kind: VOUCHER, ..message };
    assert_eq!(scene.batch(&scene.ben, vec![presented(&good, good.sign(&voucher_key()))], false).await, ["5000"]);
}

/// Each row fails alone, with the first of the README's codes that holds; the good ones count.
#[tokio::test]
async fn rows_fail_alone_each_with_the_first_code_that_holds() {
    let scene = Scene::new().await;
    let now_ms = scene.now_ms().await;
    let (good, closing, closed) = (scene.paying(10_000).await, scene.paying(10_000).await, scene.paying(10_000).await);
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel: closed }, 0).await, None);
    assert_eq!(scene.told(&scene.ann, escrow::request_close, &ChannelRef { channel: closing }, 1).await, None);
    let expired = |channel, amount| {
        let message = Message { expires_ms: now_ms - MINUTE_MS, ..scene.message(channel, amount) };
        presented(&message, message.sign(&voucher_key()))
    };
    let bent = |row: ClaimRow| ClaimRow { signature: [0; 64], ..row };
    let rows = vec![
        scene.row(good, 0),
        scene.row(good, 1),
        scene.row(good, 10_001),
        scene.row(good, u128::MAX),
        expired(good, u128::MAX),
        bent(expired(good, 2)),
        bent(scene.row(good, u128::MAX)),
        bent(scene.row(good, 1)),
        bent(scene.row(good, 2)),
        scene.row(Hash32([9; 32]), 5_000),
        bent(scene.row(closed, 0)),
        scene.row(closing, 5_000),
        // The same channel twice in a batch: one after the other.
        scene.row(good, 4_000),
        scene.row(good, 3_000),
        scene.row(good, 4_000),
        scene.row(good, 9_999),
        scene.row(good, 10_000),
    ];
    let over = "ESCROW_OVER_DEPOSIT";
    let [lower, unknown, gone] = ["ESCROW_NOT_HIGHER", "ESCROW_UNKNOWN_CHANNEL", "ESCROW_EXPIRED"];
    let expected = [
        lower,
        "1",
        over,
        over,
        gone,
        gone,
        over,
        lower,
        BAD_SIGNATURE,
        unknown,
        unknown,
        "5000",
        "4000",
        lower,
        lower,
        "9999",
        "10000",
    ];
    assert_eq!(scene.batch(&scene.dan, rows, false).await, expected);
    // The grace is over, and a claim counts as long as nobody has ended it.
    scene.wait(WITHDRAW_DELAY_MS_MIN).await;
    let late = || vec![expired(closing, u128::MAX), scene.row(closing, 6_000), scene.row(good, 1)];
    assert_eq!(scene.batch(&scene.dan, late(), false).await, [gone, "6000", lower]);
    assert_eq!(scene.told(&scene.dan, escrow::finalize_close, &ChannelRef { channel: closing }, 0).await, None);
    assert_eq!(scene.batch(&scene.dan, late(), false).await, [unknown, unknown, lower]);
}

/// INV-ESC-6. The counter is in the id: the same opened again is another one, and vouchers of before bite nothing.
#[tokio::test]
async fn the_same_channel_opened_again_is_another_one() {
    let scene = Scene::new().await;
    let (first, second) = (scene.paying(10_000).await, scene.paying(10_000).await);
    assert_ne!(first, second);
    let old = scene.row(first, 5_000);
    assert_eq!(scene.told(&scene.ben, escrow::close, &ChannelRef { channel: first }, 0).await, None);
    let third = scene.paying(10_000).await;
    assert!(third != first && third != second);
    let moved = ClaimRow { channel: third.0, ..old.clone() };
    let told = scene.batch(&scene.ben, vec![old, moved], true).await;
    assert_eq!(told, ["ESCROW_UNKNOWN_CHANNEL", BAD_SIGNATURE]);
}

/// Between a voucher's last millisecond and the one after.
#[tokio::test]
async fn a_voucher_counts_until_it_expires() {
    let scene = Scene::new().await;
    let channel = scene.paying(10_000).await;
    let expires_ms = scene.now_ms().await + DAY_MS;
    let row = |amount| {
        let message = Message { expires_ms, ..scene.message(channel, amount) };
        presented(&message, message.sign(&voucher_key()))
    };
    scene.until(expires_ms - MINUTE_MS).await;
    assert_eq!(scene.batch(&scene.ben, vec![row(1_000)], false).await, ["1000"]);
    scene.until(expires_ms + 1).await;
    assert_eq!(
        scene.batch(&scene.ben, vec![row(2_000), scene.row(channel, 3_000)], false).await,
        ["ESCROW_EXPIRED", "3000"]
    );
}

/// 0 rows, 129, and any bytes that are no batch.
#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let scene = Scene::new().await;
    let channel = scene.paying(10_000).await;
    let row = scene.row(channel, 5_000);
    for rows in [Vec::new(), vec![row.clone(); CLAIM_BATCH_MAX + 1]] {
        let told = scene.told(&scene.ben, escrow::claim_batch, &ClaimBatch { rows, withdraw: true }, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_BATCH_SIZE"));
    }
    let good = borsh::to_vec(&ClaimBatch { rows: vec![row; 2], withdraw: false }).unwrap();
    // channel 32 · cumulative 16 · expires 8 · counter 8 · root 32 · signature 64
    assert_eq!(good.len(), 4 + 2 * 160 + 1);
    let count = |count: u32| [&count.to_le_bytes()[..], &good[4..]].concat();
    let withdraw = |byte: u8| [&good[..good.len() - 1], &[byte]].concat();
    let mut bad = vec![Vec::new(), [&good[..], &[0]].concat(), withdraw(2), count(1), count(3), count(u32::MAX)];
    bad.extend([1, 4, 5, 163, 164, 323, 324].map(|length| good[..length].to_vec()));
    for (number, bytes) in bad.into_iter().enumerate() {
        let outcome = scene.ben.send(scene.contract(), raw_bytes("claim_batch", bytes), 0).await.unwrap();
        assert_eq!(failed_with(&outcome).as_deref(), Some("CHARTER_BAD_ARGUMENTS"), "{number}");
    }
    assert_eq!(scene.channel(channel).await.unwrap().claimed.0, 0);
}

/// Points of small order, in their 14 spellings: under some of them a signature of zeroes is good.
pub fn weak_keys() -> Vec<Ed25519Key> {
    // y of the points whose order divides 8, canonical and not (Chalkias, Garillot, Nikolaenko, 2020, table 1).
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let signs = |point: &str| {
        let Hash32(even) = point.parse().unwrap();
        let mut odd = even;
        odd[31] ^= 0x80;
        [even, odd].map(Ed25519Key)
    };
    points.into_iter().flat_map(signs).collect()
}

/// INV-ESC-10.
#[tokio::test]
async fn inv_esc_10_keys_under_which_anybody_can_sign_are_refused() {
    let scene = Scene::new().await;
    let edge = crate::escrow_edges::terms(&scene.harness, &scene.ben, scene.dan.id()).await;
    for weak in weak_keys() {
        let args = Open { voucher_key: weak, ..scene.open_args() };
        assert_eq!(scene.told(&scene.ann, escrow::open, &args, DEPOSIT).await.as_deref(), Some("ESCROW_WEAK_KEY"));
        for terms in [
            OpenEdge { asker_key: weak, ..edge.clone() },
            OpenEdge { acker_key: weak, ..edge.clone() },
            OpenEdge { signer: Signer::Ed25519(weak), ..edge.clone() },
        ] {
            let told = scene.told(&scene.ann, escrow::open_edge, &terms, 2 * DEPOSIT).await;
            assert_eq!(told.as_deref(), Some("ESCROW_WEAK_KEY"), "{weak}");
        }
    }
}

#[tokio::test]
async fn a_channel_that_can_not_work_is_not_opened() {
    let scene = Scene::new().await;
    let good = Open { asset: Asset::Near, ..scene.open_args() };
    let bad = [
        (Open { payee: scene.ann.id().clone(), ..good.clone() }, "ESCROW_SAME_PAYEE"),
        (Open { withdraw_delay_ms: WITHDRAW_DELAY_MS_MIN - 1, ..good.clone() }, "ESCROW_BAD_WITHDRAW_DELAY"),
        (Open { withdraw_delay_ms: WITHDRAW_DELAY_MS_MAX + 1, ..good.clone() }, "ESCROW_BAD_WITHDRAW_DELAY"),
        (Open { withdraw_delay_ms: u64::MAX, ..good.clone() }, "ESCROW_BAD_WITHDRAW_DELAY"),
        (Open { locked_until_ms: u64::MAX, ..good.clone() }, "ESCROW_BAD_LOCK"),
    ];
    for (args, code) in bad {
        assert_eq!(scene.told(&scene.ann, escrow::open, &args, DEPOSIT).await.as_deref(), Some(code));
    }
    assert_eq!(scene.told(&scene.ann, escrow::open, &good, 0).await.as_deref(), Some("CHARTER_ONE_YOCTO"));
    // Less than storage takes, and no more than it takes.
    for deposit in [1, 1_000] {
        let told = scene.told(&scene.ann, escrow::open, &good, deposit).await;
        assert_eq!(told.as_deref(), Some("CHARTER_STORAGE_SHORT"), "{deposit}");
    }
    // What the second channel of a payer takes, each one after it takes, too.
    scene.open(&good, 0).await;
    let second = scene.open(&good, 0).await;
    let stored = DEPOSIT - scene.channel(second).await.unwrap().deposited.0;
    for (rest, code) in [(0, Some(TOO_SMALL)), (1, Some(TOO_SMALL)), (999, Some(TOO_SMALL)), (1_000, None)] {
        let told = scene.told(&scene.ann, escrow::open, &good, stored + rest).await;
        assert_eq!(told.as_deref(), code, "{rest}");
    }
    for (deposit, code) in [(0, Some(TOO_SMALL)), (999, Some(TOO_SMALL)), (1_000, None)] {
        let told = scene.told(&scene.ann, escrow::top_up, &ChannelRef { channel: second }, deposit).await;
        assert_eq!(told.as_deref(), code, "{deposit}");
    }
}
