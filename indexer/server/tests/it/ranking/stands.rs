//! Payments stand where the events of escrow do, or are made again when an indexer opens the database.

use charter_indexer::Contract;
use serde_json::{Value, json};
use sqlx::Executor;

use super::story::{Story, id_of};
use crate::taken::{Scene, plain_agent};

/// Where payments stand, and where the events of escrow do.
async fn stand(scene: &Scene) -> String {
    let seq = "select payments_seq || '/' || (select seq from contract where name = 'escrow') from cursor";
    scene.one(seq).await
}

/// Channels with something in them that was sent.
fn channels() -> Vec<Value> {
    let mut story = Story::default();
    story.pay_to("ben.near", "ann.near", 1, 3);
    story.pay_to("ben.near", "cid.near", 1, 4);
    (0..).zip(&story.payments).map(|(number, payment)| payment.fact(id_of("one", number))).collect()
}

fn paid(channel: u64, amount: &str) -> Value {
    json!({ "paid": [[id_of("one", channel), amount]] })
}

#[tokio::test]
async fn payments_move_with_the_events_of_escrow_and_with_no_others() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    assert_eq!(stand(&scene).await, "0/0");
    // The last one is of a channel that there is none of: it is a dead letter, and has its number all the same.
    for (contract, facts, expected) in [
        (Contract::Escrow, channels(), "2/2"),
        (Contract::Registry, vec![plain_agent(1)], "2/2"),
        (Contract::Escrow, vec![paid(0, "9"), paid(7, "9")], "4/4"),
    ] {
        scene.node.emit(contract, &facts);
        scene.open().await.catch_up().await.unwrap();
        assert_eq!(stand(&scene).await, expected);
    }
    let report = scene.verify().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 1), "{:?}", report.detail);
    scene.end().await;
}

/// An indexer of before goes on: all else is where it is now, and payments are where they were.
#[tokio::test]
async fn what_an_indexer_of_before_left_behind_is_made_again() {
    let opened = channels();
    for (more, wrong, amounts) in [
        // Rows that are old, rows that are missing, and both.
        (vec![paid(0, "9")], 1, "9"),
        (vec![opened[1].clone()], 1, "3 4"),
        (vec![paid(0, "9"), opened[1].clone()], 2, "4 9"),
    ] {
        let scene = Scene::start().await;
        scene.node.emit(Contract::Escrow, &opened[..1]);
        scene.open().await.catch_up().await.unwrap();
        scene.pool.execute("create table kept as select key, body, height from payment").await.unwrap();
        scene.node.emit(Contract::Escrow, &more);
        assert_eq!(scene.mirror().await.mismatches, 0);
        for text in [
            "delete from payment",
            "insert into payment (key, body, height) select key, body, height from kept",
            "update cursor set payments_seq = 1",
        ] {
            scene.pool.execute(text).await.unwrap();
        }
        let report = scene.verify().await;
        assert_eq!(report.mismatches, wrong, "{:?}", report.detail);

        let report = scene.mirror().await;
        assert_eq!(report.mismatches, 0, "{:?}", report.detail);
        assert_eq!(scene.one("select string_agg(paid::text, ' ' order by paid) from payment").await, amounts);
        let seq = 1 + more.len();
        assert_eq!(stand(&scene).await, format!("{seq}/{seq}"));
        scene.end().await;
    }
}

#[tokio::test]
async fn payments_that_stand_where_they_should_are_left_alone() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Escrow, &channels());
    assert_eq!(scene.mirror().await.mismatches, 0);
    scene.pool.execute("update payment set body = body || '{\"paid\": \"9\"}' where paid = 3").await.unwrap();
    // A hand in the rows is for whoever compares them, not for whoever opens the database.
    assert_eq!(scene.mirror().await.mismatches, 1);
    scene.pool.execute("update cursor set payments_seq = 0").await.unwrap();
    assert_eq!(scene.mirror().await.mismatches, 0);
    scene.end().await;
}
