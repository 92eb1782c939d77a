//! Several validators and epochs whose producers change, as a light client meets them over RPC.

use std::collections::BTreeSet;

use charter_localnet::{Config, Error, Faults, Genesis, Localnet, RpcServer};
use near_crypto::{KeyType, SecretKey};
use near_primitives::action::{Action, TransferAction};
use near_primitives::types::Balance;
use serde_json::{Value, json};

use crate::actor::{Actor, ask};
use crate::light_client::{LightClient, Node, Refused, base58, block_hash, parent_is_endorsed, producers_hash};

const EPOCH_LENGTH: u64 = 6;
/// Eight epochs, and four blocks of the ninth.
const BLOCKS: usize = 52;
const NO_HASH: &str = "11111111111111111111111111111111";

fn genesis(seed: &str, validators: u16) -> Genesis {
    let key = SecretKey::from_seed(KeyType::ED25519, seed);
    let mut genesis = Genesis::of_root("epochs", "test.near".parse().unwrap(), key).with_validators(validators);
    genesis.config.epoch_length = EPOCH_LENGTH;
    genesis
}

struct Started {
    localnet: Localnet,
    rpc: RpcServer,
    node: Node,
}

/// A chain of so many validators with so many blocks.
async fn started(validators: u16, faults: Faults, blocks: usize) -> Started {
    let config = Config { genesis: genesis("five", validators), faults, ..Config::default() };
    let localnet = Localnet::start(config).await.unwrap();
    make(&localnet, blocks).await;
    let rpc = localnet.serve("127.0.0.1:0").await.unwrap();
    let node = Node::new(rpc.url());
    Started { localnet, rpc, node }
}

async fn make(localnet: &Localnet, blocks: usize) {
    let made = localnet.with(move |chain| (0..blocks).try_for_each(|_| chain.produce()));
    made.await.unwrap().unwrap();
}

/// A light client that knows the genesis block alone.
async fn newcomer(node: &Node) -> LightClient {
    let header = node.header(json!({ "block_id": 0 })).await;
    let own = node.ask("EXPERIMENTAL_validators_ordered", json!([0])).await;
    let mut client = LightClient::at(&header, &own);
    client.learn(&own).unwrap();
    client
}

/// All headers after the genesis block's; heights may be skipped.
async fn headers(node: &Node) -> Vec<Value> {
    let head = node.header(json!({ "finality": "optimistic" })).await["height"].as_u64().unwrap();
    let mut headers = Vec::new();
    for height in 1..=head {
        let header = node.header(json!({ "block_id": height })).await;
        if !header.is_null() {
            headers.push(header);
        }
    }
    headers
}

/// Headers by epoch.
async fn epochs(node: &Node) -> Vec<Vec<Value>> {
    let headers = headers(node).await;
    headers.chunk_by(|one, next| one["epoch_id"] == next["epoch_id"]).map(<[Value]>::to_vec).collect()
}

async fn ordered(node: &Node, header: &Value) -> Value {
    node.ask("EXPERIMENTAL_validators_ordered", json!([header["hash"]])).await
}

/// Take the genesis' producers for every epoch, name them by the last epoch's end, or leave `next_bps` out, and this fails.
#[tokio::test]
async fn a_light_client_walks_through_epochs_whose_producers_change() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let mut client = newcomer(&started.node).await;
    let steps = client.walk(&started.node).await;
    let heights: Vec<_> = steps.iter().map(|step| step["inner_lite"]["height"].as_u64().unwrap()).collect();
    // Each epoch's last block that two others of it stand on, and then the last one of all.
    assert_eq!(heights, [4, 10, 16, 22, 28, 34, 40, 46, 50]);
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["inner_lite"]["next_epoch_id"], pair[1]["inner_lite"]["epoch_id"]);
        assert_ne!(pair[0]["next_bps"], pair[1]["next_bps"], "another set of producers each epoch");
    }
    assert_eq!(client.height(), 50);
}

/// A client that starts later has to be told two sets of producers, one of which the header proves.
#[tokio::test]
async fn a_light_client_starts_at_a_checkpoint() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let epochs = epochs(&started.node).await;
    let (own, next) = (ordered(&started.node, &epochs[3][2]).await, ordered(&started.node, &epochs[4][0]).await);
    let mut client = LightClient::at(&epochs[3][2], &own);
    assert_eq!(client.learn(&own), Err(Refused::OtherProducers));
    let before = client.clone();
    client.learn(&next).unwrap();
    assert_eq!(client.walk(&started.node).await.len(), 5);
    let step = started.node.ask("next_light_client_block", json!([before.head()])).await;
    assert_eq!(before.clone().accept(&step), Err(Refused::UnknownProducers), "without the second set it can't go on");
}

/// The rule of nearcore's epoch manager, from headers alone.
#[tokio::test]
async fn ids_of_epochs_are_hashes_of_two_epochs_ago() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let genesis = started.node.header(json!({ "block_id": 0 })).await;
    let epochs = epochs(&started.node).await;
    assert_eq!(epochs.len(), 9);
    assert_eq!((&genesis["epoch_id"], &genesis["next_epoch_id"]), (&json!(NO_HASH), &json!(NO_HASH)));
    for (number, epoch) in epochs.iter().enumerate() {
        let id = match number {
            0 => json!(NO_HASH),
            1 => genesis["hash"].clone(),
            later => epochs[later - 2].last().unwrap()["hash"].clone(),
        };
        assert_eq!(epoch[0]["epoch_id"], id);
        let before = if number == 0 { &genesis } else { epochs[number - 1].last().unwrap() };
        assert_eq!(epoch[0]["next_epoch_id"], before["hash"]);
        assert_eq!(json!(base58(producers_hash(&ordered(&started.node, &epoch[0]).await))), before["next_bp_hash"]);
        for header in epoch {
            assert_eq!(header["next_epoch_id"], epoch[0]["next_epoch_id"]);
            assert_eq!(header["next_bp_hash"], epoch[0]["next_bp_hash"]);
        }
        if number < 8 {
            assert_eq!(epoch.len(), 6);
        }
    }
}

/// Those who approve the last two blocks of an epoch beside its own producers are the next one's.
fn with_next(own: &Value, next: &Value) -> Value {
    let mut all = own.as_array().unwrap().clone();
    for producer in next.as_array().unwrap() {
        if all.iter().all(|known| known["account_id"] != producer["account_id"]) {
            all.push(producer.clone());
        }
    }
    json!(all)
}

/// The same list with the next epoch's stakes.
fn with_stakes_of(list: &Value, next: &Value) -> Value {
    let mut list = list.clone();
    for producer in list.as_array_mut().unwrap() {
        let same = next.as_array().unwrap().iter().find(|other| other["account_id"] == producer["account_id"]);
        producer["stake"] = same.map_or(json!("0"), |same| same["stake"].clone());
    }
    list
}

/// Sign by all but a third, or in another order, and this fails.
#[tokio::test]
async fn every_block_is_approved_by_its_epoch_and_the_last_two_by_the_next_one_too() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let epochs = epochs(&started.node).await;
    for pair in epochs.windows(2) {
        let own = ordered(&started.node, &pair[0][0]).await;
        let next = ordered(&started.node, &pair[1][0]).await;
        for (place, header) in pair[0].iter().enumerate() {
            assert_eq!(parent_is_endorsed(header, &own), Ok(()));
            let approvals = header["approvals"].as_array().unwrap().len();
            let all = with_next(&own, &next);
            let expected = if place < 4 { &own } else { &all };
            assert_eq!(approvals, expected.as_array().unwrap().len(), "block {place} of its epoch");
            if place >= 4 {
                assert_eq!(parent_is_endorsed(header, &with_stakes_of(&all, &next)), Ok(()));
            }
        }
    }
    let authors = started.localnet.with(|chain| {
        let blocks = (1..=EPOCH_LENGTH).filter_map(|height| chain.block_by_height(height));
        blocks.map(|block| block.author().clone()).collect::<BTreeSet<_>>()
    });
    assert_eq!(authors.await.unwrap().len(), 5, "all make blocks");
}

#[tokio::test]
async fn what_was_tampered_with_is_refused() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let mut client = newcomer(&started.node).await;
    let mut needed = 0;
    loop {
        let step = started.node.ask("next_light_client_block", json!([client.head()])).await;
        if step["inner_lite"].is_null() {
            break;
        }
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut changed = step.clone();
            change(&mut changed);
            client.clone().accept(&changed)
        };
        let signatures = step["approvals_after_next"].as_array().unwrap();
        for place in (0..signatures.len()).filter(|place| !signatures[*place].is_null()) {
            // At an epoch's end the next one's producers sign, too, and some may not be needed for this one.
            if let Err(refusal) = refused(&|step| step["approvals_after_next"][place] = Value::Null) {
                assert_eq!(refusal, Refused::TooLittleStake);
                needed += 1;
            }
            let other = signatures.iter().find(|other| !other.is_null() && **other != signatures[place]).unwrap();
            let exchanged = refused(&|step| step["approvals_after_next"][place] = other.clone());
            // Beyond the epoch's own producers nobody looks.
            assert!(exchanged == Err(Refused::WrongSignature) || exchanged == Ok(()), "{exchanged:?}");
        }
        let first = signatures.iter().position(|signature| !signature.is_null()).unwrap();
        let moved = refused(&|step| {
            let approvals = step["approvals_after_next"].as_array_mut().unwrap();
            let signature = approvals[first].take();
            approvals.insert(0, signature);
        });
        assert_ne!(moved, Ok(()), "a signature in another's place");
        let unsigned = refused(&|step| step["approvals_after_next"] = json!([]));
        assert_eq!(unsigned, Err(Refused::TooLittleStake));
        let stranger = json!(base58([7; 32]));
        assert_eq!(refused(&|step| step["inner_lite"]["epoch_id"] = stranger.clone()), Err(Refused::OtherEpoch));
        for field in ["next_epoch_id", "outcome_root", "prev_state_root", "next_bp_hash", "block_merkle_root"] {
            assert_eq!(refused(&|step| step["inner_lite"][field] = stranger.clone()), Err(Refused::WrongSignature));
        }
        assert_eq!(refused(&|step| step["next_block_inner_hash"] = stranger.clone()), Err(Refused::WrongSignature));
        assert_eq!(refused(&|step| step["next_bps"] = Value::Null), Err(Refused::NoNextProducers));
        let richer = refused(&|step| step["next_bps"][0]["stake"] = json!("1"));
        assert_eq!(richer, Err(Refused::OtherProducers));
        client.accept(&step).unwrap();
        assert_eq!(client.accept(&step), Err(Refused::NotNewer));
    }
    assert!(needed >= 20, "three of four, or four of five, were needed in each of nine steps, not {needed} in all");
}

/// Fails without the comparison of heights in `last_endorsed`: a block before a skipped height has no endorsements.
#[tokio::test]
async fn what_a_light_client_gets_is_never_beside_a_skipped_height() {
    for validators in [1, 5] {
        let faults = Faults { skipped_height: 0.3, missing_chunk: 0.2, seed: 11, ..Faults::default() };
        let started = started(validators, faults, 200).await;
        let mut client = newcomer(&started.node).await;
        let steps = client.walk(&started.node).await;
        assert!(!steps.is_empty());
        let headers = headers(&started.node).await;
        assert!(headers.last().unwrap()["height"].as_u64().unwrap() > 220, "heights were skipped");
        for step in &steps {
            let height = step["inner_lite"]["height"].as_u64().unwrap();
            for next in [height + 1, height + 2] {
                let next = headers.iter().find(|header| header["height"] == next).unwrap();
                assert_eq!(next["epoch_id"], step["inner_lite"]["epoch_id"]);
            }
        }
        if validators == 5 {
            assert!(steps.len() > 15, "a step an epoch, not {}", steps.len());
        }
        // A head upon a skipped height is not given until two blocks follow.
        started.localnet.cheats().advance_blocks(3).await.unwrap();
        assert!(client.walk(&started.node).await.is_empty());
        make(&started.localnet, 30).await;
        assert!(!client.walk(&started.node).await.is_empty());
    }
}

/// Take `<` for `<=` in `block_proof` and `outcome_proof`, and this fails.
#[tokio::test]
async fn the_proof_of_the_head_itself_is_empty() {
    let started = started(5, Faults::default(), 0).await;
    let (localnet, node) = (&started.localnet, &started.node);
    let root = Actor::new(&started.rpc.url(), localnet.root_id(), localnet.root_key());
    let transfer = Action::Transfer(TransferAction { deposit: Balance::from_near(1) });
    let sent = root.send(&"node1".parse().unwrap(), vec![transfer]).await.unwrap();
    while localnet.with(|chain| chain.has_work()).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let proof = async |head: &Value| {
        let id = sent.transaction_outcome.id;
        let params = json!({
            "type": "transaction", "transaction_hash": id, "sender_id": root.id, "light_client_head": head,
        });
        node.ask("light_client_proof", params).await
    };
    let last = node.header(json!({ "finality": "final" })).await;
    let long = proof(&last["hash"]).await;
    assert!(!long["block_proof"].as_array().unwrap().is_empty());
    let carrier = json!(base58(block_hash(&long["block_header_lite"])));
    let mut short = proof(&carrier).await;
    assert_eq!(short["block_proof"], json!([]));
    short["block_proof"] = long["block_proof"].clone();
    assert_eq!(short, long, "the rest is the same");

    let block = async |block: &Value, head: &Value| {
        let params = json!({ "block_hash": block, "light_client_head": head });
        node.answer("EXPERIMENTAL_light_client_block_proof", params).await
    };
    let own = block(&carrier, &carrier).await["result"].clone();
    assert_eq!(
        (&own["block_proof"], json!(base58(block_hash(&own["block_header_lite"])))),
        (&json!([]), carrier.clone())
    );
    assert_eq!(block(&last["hash"], &carrier).await["error"]["cause"]["name"], "UNKNOWN_BLOCK");
}

#[tokio::test]
async fn validators_are_told_of_the_running_epoch_and_of_those_that_are_over() {
    let started = started(5, Faults::default(), BLOCKS).await;
    let epochs = epochs(&started.node).await;
    let latest = started.node.ask("validators", json!([null])).await;
    assert_eq!((&latest["epoch_height"], &latest["epoch_start_height"]), (&json!(9), &json!(49)));
    let third = started.node.ask("validators", json!({ "epoch_id": epochs[2][0]["epoch_id"] })).await;
    assert_eq!((&third["epoch_height"], &third["epoch_start_height"]), (&json!(3), &json!(13)));
    let by_block = started.node.ask("validators", json!([epochs[2][5]["hash"]])).await;
    assert_eq!(by_block, third);
    let (own, next) = (ordered(&started.node, &epochs[2][0]).await, ordered(&started.node, &epochs[3][0]).await);
    for (told, expected) in [(&third["current_validators"], own), (&third["next_validators"], next)] {
        let of = |list: &Value| -> Vec<_> {
            let list = list.as_array().unwrap().iter();
            list.map(|one| (one["account_id"].clone(), one["stake"].clone())).collect()
        };
        assert_eq!(of(told), of(&expected));
    }
    let made = third["current_validators"].as_array().unwrap().iter().map(|one| one["num_produced_blocks"].as_u64());
    assert_eq!(made.sum::<Option<u64>>(), Some(6));
    let refused =
        async |params: Value| started.node.answer("validators", params).await["error"]["cause"]["name"].clone();
    assert_eq!(refused(json!([epochs[2][4]["hash"]])).await, "VALIDATOR_INFO_UNAVAILABLE");
    assert_eq!(refused(json!({ "epoch_id": epochs[8][0]["epoch_id"] })).await, "UNKNOWN_EPOCH");
    assert_eq!(refused(json!({ "epoch_id": base58([7; 32]) })).await, "UNKNOWN_EPOCH");
    let status = ask(&started.localnet, "status", json!([])).await["result"]["validators"].clone();
    let now = ordered(&started.node, &epochs[8][0]).await;
    let ids =
        |list: &Value| -> Vec<_> { list.as_array().unwrap().iter().map(|one| one["account_id"].clone()).collect() };
    assert_eq!(ids(&status), ids(&now));
}

/// Keys, producers and signers come of what is in the home.
#[tokio::test]
async fn a_chain_of_several_validators_is_the_same_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let config = || Config { genesis: genesis("kept", 4), home: Some(home.path().to_owned()), ..Config::default() };
    let first = Localnet::start(config()).await.unwrap();
    make(&first, 40).await;
    let head = first.with(|chain| *chain.head().header.hash()).await.unwrap();
    drop(first);
    let second = crate::restart::reopen(config).await;
    assert_eq!(second.with(|chain| *chain.head().header.hash()).await.unwrap(), head);
    let rpc = second.serve("127.0.0.1:0").await.unwrap();
    make(&second, 8).await;
    let node = Node::new(rpc.url());
    assert_eq!(newcomer(&node).await.walk(&node).await.len(), 8);
}

#[tokio::test]
async fn a_chain_that_could_not_sign_for_its_validators_does_not_start() {
    let mut short = genesis("short", 2);
    short.config.epoch_length = 3;
    let mut foreign = genesis("foreign", 3);
    foreign.config.validators[1].public_key = SecretKey::from_seed(KeyType::ED25519, "stranger").public_key();
    for (genesis, because) in [(short, "epochs of at least 4 heights"), (foreign, "a key of node1")] {
        let refused = Localnet::start(Config { genesis, ..Config::default() }).await;
        let Err(Error::Io(error)) = refused else { panic!("it started") };
        assert!(error.to_string().contains(because), "{error}");
    }
}
