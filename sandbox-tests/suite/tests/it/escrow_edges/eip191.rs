//! Responses that an Ethereum account signs as NEAR AI Cloud does. What it signed was made with another library
//! (`@noble/curves` 2.0.1, `secp256k1.sign` of keccak-256 of EIP-191's message, key `07` × 32), so nothing here can be wrong
//! in the same way.

use charter_harness::Harness;
use charter_harness::arguments::DEPOSIT;
use charter_types::escrow::Signer;
use charter_types::escrow::args::{Deliver, OpenEdge};
use charter_types::escrow::methods as escrow;
use charter_types::{AnySignature, EthAddress, Hash32, Signature64, Signature65};

use super::{AUTHOR, COLLATERAL, Hop, key, terms, what};

const ADDRESS: &str = "0x4a62316623ad457f02cdc5d997ded67a383ec569";
const MODEL: &str = "test/model-1";
/// Of `{model}:{sha256("what is asked")}:{sha256("the answer")}`, where v is 1.
const R: &str = "8f583fc974b4b59a58e77ac3fdc33cc36a6fdf59915dc2534eb0df8c738ec817";
const S: &str = "3aacfdbf6c2b1c60ef9af5f9e9a351aafc9b5fc6aa9ef1acdcb9cec0409a2f0b";
/// The curve's order less `S`: the same signature to many libraries, with the other v.
const HIGH_S: &str = "c553024093d4e39f10650a06165cae53be137d2004a9ae8ee3188fcc8f9c1236";
/// Likewise, of the same with `test/model-2`.
const OTHER: [&str; 2] = [
    "84e7c0d2b30faf4f2029b6500028ede57e690d06023e632bedc652c0cf26f12c",
    "208786426b3f0605d8ceda92986f595ef425e38f1c9369daf1e7b015f86fff50",
];

/// Whom an edge names, and what that account signed about [`what`] is asked and answered in these tests.
pub fn signer() -> (Signer, AnySignature) {
    let signer = Signer::Eip191 { address: ADDRESS.parse().unwrap(), model: MODEL.to_owned() };
    (signer, AnySignature::Secp256k1(signature(R, S, 1)))
}

fn signature(r: &str, s: &str, v: u8) -> Signature65 {
    let [r, s] = [r, s].map(|text| text.parse::<Hash32>().unwrap().0);
    Signature65([&r[..], &s, &[v]].concat().try_into().unwrap())
}

#[tokio::test]
async fn a_response_signed_by_the_named_ethereum_account_stops_the_clock() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let address: EthAddress = ADDRESS.parse().unwrap();
    let by = |model: &str| Signer::Eip191 { address, model: model.to_owned() };
    let terms = OpenEdge { signer: by(MODEL), ..terms(&harness, &ben, harness.root().id()).await };
    let hop = Hop::open(&harness, &ann, &terms).await;
    assert_eq!(hop.told(&ben, escrow::join_edge, &hop.reference(), COLLATERAL).await, None);
    hop.late(1).await;
    let good = signature(R, S, 1);
    let with = |signature| Deliver {
        edge: hop.id,
        counter: 1,
        response_hash: what("the answer"),
        signature: AnySignature::Secp256k1(signature),
    };
    let mut bent = vec![
        // Another key is recovered, or none.
        with(signature(R, S, 0)),
        with(signature(R, S, 2)),
        with(signature(R, S, 3)),
        // As Ethereum's tools write it.
        with(signature(R, S, 28)),
        // Of one text there is one signature.
        with(signature(R, HIGH_S, 0)),
        with(signature(R, HIGH_S, 1)),
        with(signature(OTHER[0], OTHER[1], 1)),
        with(Signature65([0; 65])),
        with(Signature65([255; 65])),
        Deliver { response_hash: what("another answer"), ..with(good) },
        Deliver { response_hash: Hash32([0; 32]), ..with(good) },
    ];
    for bit in [0, 100, 255, 256, 400, 511] {
        let mut flipped = good;
        flipped.0[bit / 8] ^= 1 << (bit % 8);
        bent.push(with(flipped));
    }
    // What an ed25519 signer would say.
    let message = hop.asked(1).response(what("the answer").0);
    let signature = AnySignature::Ed25519(Signature64(message.sign(&key(AUTHOR))));
    bent.push(Deliver { signature, ..with(good) });
    for (number, response) in bent.iter().enumerate() {
        let told = hop.told(&ben, escrow::deliver, response, 0).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_RESPONSE"), "{number}");
    }
    assert_eq!(hop.told(&ben, escrow::deliver, &with(good), 0).await, None);
    assert_eq!(hop.seen(1).await.delivered.unwrap().response_hash, what("the answer"));
}

/// The signed text names neither edge nor number, as the README warns: whoever asks the same again has been answered already.
/// What an ed25519 key signs names both.
#[tokio::test]
async fn a_response_counts_again_for_another_number_with_the_same_that_is_asked() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let (signer, response) = signer();
    let terms = OpenEdge { signer, ..terms(&harness, &ben, harness.root().id()).await };
    let eip191 = Hop::open(&harness, &ann, &terms).await;
    assert_eq!(eip191.told(&ben, escrow::join_edge, &eip191.reference(), COLLATERAL).await, None);
    let other = Hop::live(&harness, (&ann, &ben)).await;
    for counter in [1, 2] {
        eip191.late(counter).await;
        other.late(counter).await;
        let args = Deliver { edge: eip191.id, counter, response_hash: what("the answer"), signature: response };
        assert_eq!(eip191.told(&ben, escrow::deliver, &args, 0).await, None, "{counter}");
        assert!(!eip191.seen(counter).await.open);
        let first = Deliver { counter, ..other.response(1) };
        let expected = (counter > 1).then_some("ESCROW_BAD_RESPONSE");
        assert_eq!(other.told(&ben, escrow::deliver, &first, 0).await.as_deref(), expected, "{counter}");
    }
}

/// Nor does such a signature count where an ed25519 key was named, and a name that could be read in two ways opens nothing.
#[tokio::test]
async fn a_signer_is_of_the_kind_that_was_named() {
    let harness = Harness::start().await.unwrap();
    let (ann, ben) = (harness.account("ann").await.unwrap(), harness.account("ben").await.unwrap());
    let hop = Hop::live(&harness, (&ann, &ben)).await;
    hop.late(1).await;
    let foreign = Deliver { signature: AnySignature::Secp256k1(signature(R, S, 1)), ..hop.response(1) };
    let told = hop.told(&ben, escrow::deliver, &foreign, 0).await;
    assert_eq!(told.as_deref(), Some("ESCROW_BAD_RESPONSE"));
    let good = terms(&harness, &ben, harness.root().id()).await;
    let address: EthAddress = ADDRESS.parse().unwrap();
    let long = "m".repeat(65);
    for model in ["", "a:b", long.as_str(), "deux\u{e9}", "a\nb"] {
        let signer = Signer::Eip191 { address, model: model.to_owned() };
        let args = OpenEdge { signer, ..good.clone() };
        let told = hop.told(&ann, escrow::open_edge, &args, DEPOSIT + COLLATERAL).await;
        assert_eq!(told.as_deref(), Some("ESCROW_BAD_EDGE"), "{model}");
    }
}
