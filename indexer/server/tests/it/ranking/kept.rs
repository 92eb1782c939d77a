//! A ranking is computed once for a state of the tables, however many ask for it.

use charter_indexer::api::Server;
use sqlx::Executor;

use super::{NOW_MS, honest, page, serve, whole};
use crate::taken::Scene;

async fn height(server: &Server) -> u64 {
    let response = reqwest::get(format!("http://{}/v1/ranking", server.addr)).await.unwrap();
    response.headers()["x-indexed-height"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_asks_again_gets_what_was_computed_until_a_block_comes() {
    let scene = Scene::start().await;
    scene.node.set_time(NOW_MS);
    honest().tell(&scene.node, "story");
    let cursor = scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let (first, _) = page(&server, "").await;
    assert_eq!(first[0].payers, 3);
    // With a hand in the rows, whoever computes it now gets another one.
    scene.pool.execute("delete from payment").await.unwrap();
    let other = serve(&scene).await;
    assert!(whole(&other, "near").await.iter().all(|row| row.payers == 0));
    // What strangers ask for drives out nothing.
    for number in 0..20 {
        assert!(whole(&server, &format!("nep141:t{number}.near")).await.iter().all(|row| row.payers == 0));
    }
    assert_eq!(page(&server, "").await, (first.clone(), None));
    assert_eq!(whole(&server, "near").await, first);
    assert_eq!(height(&server).await, cursor.height);

    scene.node.block(Vec::new());
    let cursor = scene.open().await.catch_up().await.unwrap();
    assert!(whole(&server, "near").await.iter().all(|row| row.payers == 0));
    assert_eq!(height(&server).await, cursor.height);
    drop((server, other));
    scene.end().await;
}
