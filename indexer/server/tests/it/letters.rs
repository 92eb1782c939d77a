//! Dead letters: what can't be read or applied is kept apart, whole, and the indexer goes on.
//!
//! Lines whose removal must fail these: `insert_by_halves` in `attempt`, `is_refusal`, `remake` in `letters::apply`, the
//! `union all` in `verify/events.rs`, `seq.unwrap_or(due)` in `read_receipt`.

use charter_indexer::{Contract, letters};
use charter_types::Hash32;
use charter_types::event::PREFIX;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::taken::{Scene, plain_agent};

fn named(id: u64, handle: &str) -> Value {
    let mut new = plain_agent(id);
    new["agent"]["handle"] = json!(handle);
    new
}

fn channel(id: u8) -> Value {
    json!({ "channel": {
        "id": Hash32([id; 32]), "payer": "alice.near", "payee": "bob.near", "agent": null,
        "voucher_key": "ed25519:11111111111111111111111111111111", "deposited": "10", "claimed": "0", "paid": "0",
        "refunded": "0", "withdraw_delay_ms": 1, "closes_ms": null, "closed": false,
    } })
}

fn claims(rows: &[(u8, &str)]) -> Value {
    json!({ "claims": rows.iter().map(|(id, claimed)| json!([Hash32([*id; 32]), claimed])).collect::<Vec<_>>() })
}

#[tokio::test]
async fn an_event_that_can_not_be_applied_is_kept_apart_whole_and_the_others_are_taken() {
    let scene = Scene::start().await;
    // A claim on a channel that there is none of stands beside one on a channel that is there.
    scene.node.emit(Contract::Escrow, &[channel(1), claims(&[(1, "5"), (9, "5")]), channel(2), claims(&[(2, "7")])]);
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let report = scene.mirror().await;
    assert_eq!(report.dead_letters, 1);
    // What it would have changed is seen by comparing, and nothing else; its place in the chain of events is not missed.
    assert_eq!(report.mismatches, 1, "{:?}", report.detail);
    assert!(report.detail[0].starts_with(&format!("channel {}: ", Hash32([1; 32]))), "{:?}", report.detail);
    let letters = letters::list(&scene.pool).await.unwrap();
    assert_eq!((letters[0].contract.as_str(), letters[0].seq, letters[0].height), ("escrow", Some(2), 2));
    assert!(letters[0].reason.contains("no row 0909"), "{:?}", letters[0]);
    let claimed = scene.one("select string_agg(claimed::text, ' ' order by key) from channel").await;
    assert_eq!(
        (claimed.as_str(), scene.one("select seq::text from contract where name = 'escrow'").await),
        ("0 7", "4".to_owned())
    );
    // The indexer goes on from there.
    scene.node.emit(Contract::Escrow, &[claims(&[(1, "6")])]);
    assert_eq!(scene.mirror().await.mismatches, 0);
    scene.end().await;
}

#[tokio::test]
async fn each_refused_event_of_a_step_is_found_and_only_those() {
    let scene = Scene::start().await;
    scene.pool.execute("alter table agent add constraint unwanted check (handle <> 'scout')").await.unwrap();
    let wanted = |id: u64| ![1, 7, 8, 16].contains(&id);
    let facts: Vec<_> = (1..=16).map(|id| if wanted(id) { plain_agent(id) } else { named(id, "scout") }).collect();
    scene.node.emit(Contract::Registry, &facts);
    let report = scene.mirror().await;
    assert_eq!(report.dead_letters, 4);
    let found = letters::list(&scene.pool).await.unwrap();
    assert_eq!(found.iter().map(|letter| letter.seq.unwrap()).collect::<Vec<_>>(), [1, 7, 8, 16]);
    assert_eq!(scene.one("select count(*)::text from agent").await, "12");
    scene.end().await;
}

#[tokio::test]
async fn a_dead_letter_that_comes_late_overwrites_nothing_newer() {
    let scene = Scene::start().await;
    scene.pool.execute("alter table agent add constraint unwanted check (handle <> 'scout')").await.unwrap();
    // Refused, then overtaken; refused and gone since; refused and still the newest.
    let end = json!({ "agent_retired": { "agent": 2, "owner": "alice.near", "at_ms": 1 } });
    scene.node.emit(Contract::Registry, &[named(1, "scout"), named(2, "scout")]);
    scene.open().await.catch_up().await.unwrap();
    scene.node.emit(Contract::Registry, &[named(1, "later"), end, named(3, "scout")]);
    let report = scene.mirror().await;
    assert_eq!((report.dead_letters, report.mismatches), (3, 1), "{:?}", report.detail);

    // What is still refused stays; what came after the others makes them harmless.
    let retried = letters::retry(&scene.pool).await.unwrap();
    assert_eq!((retried.applied, retried.left), (2, 1));
    assert_eq!(letters::list(&scene.pool).await.unwrap()[0].seq, Some(5));
    scene.pool.execute("alter table agent drop constraint unwanted").await.unwrap();
    let retried = letters::retry(&scene.pool).await.unwrap();
    assert_eq!((retried.applied, retried.left), (1, 0));
    let report = scene.verify().await;
    assert_eq!((report.dead_letters, report.mismatches), (0, 0), "{:?}", report.detail);
    let handles = scene.one("select string_agg(key || ' ' || handle, ', ' order by key) from agent").await;
    assert_eq!(handles, "1 later, 3 scout");
    // An indexer that is at work goes on.
    scene.node.emit(Contract::Registry, &[named(4, "next")]);
    assert_eq!(scene.mirror().await.mismatches, 0);
    scene.end().await;
}

#[tokio::test]
async fn an_event_of_an_unknown_version_or_shape_holds_nobody_up() {
    let scene = Scene::start().await;
    let unknown = scene.node.world(|world| world.emit_unknown(Contract::Registry));
    let known = scene.node.world(|world| world.emit(Contract::Registry, "told", &plain_agent(1)));
    scene.node.block(vec![(Contract::Registry, vec![unknown, known])]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 1), "{:?}", report.detail);
    // Of our standard and without anything else that is ours: it has its place in the chain of events all the same.
    let strange = [
        "}",
        r#","version":1,"data":{}}"#,
        r#","version":"1.0.0","data":[]}"#,
        r#","data":1e999}"#,
        r#","data":"\ud800"}"#,
        "",
    ];
    for rest in strange {
        let log = format!(r#"{PREFIX}{{"standard":"{}"{rest}"#, Contract::Registry.standard());
        let log = scene.node.world(|world| world.emit_raw(Contract::Registry, log));
        let next = scene.node.world(|world| world.emit(Contract::Registry, "told", &plain_agent(2)));
        scene.node.block(vec![(Contract::Registry, vec![log, next])]);
    }
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 7), "{:?}", report.detail);
    // None can be read today either, and all stay.
    let retried = letters::retry(&scene.pool).await.unwrap();
    assert_eq!((retried.applied, retried.left), (0, 7));
    scene.end().await;
}

#[tokio::test]
async fn a_key_that_no_index_holds_is_a_dead_letter() {
    let scene = Scene::start().await;
    // Long, and not to be compressed.
    let mut long = String::new();
    for number in 0_u32..400 {
        long.push_str(&hex::encode(charter_client::sha256(&number.to_le_bytes())));
    }
    let handle = json!({ "handle_rests": { "handle": long, "until_ms": 1 } });
    scene.node.emit(Contract::Registry, &[plain_agent(1), handle, plain_agent(2)]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 1), "{:?}", report.detail);
    assert_eq!(scene.one("select count(*)::text from agent").await, "2");
    scene.end().await;
}
