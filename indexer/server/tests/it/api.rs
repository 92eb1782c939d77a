//! REST: pages, filters, and answers to bad questions.

use charter_client::Rpc;
use charter_harness::Harness;
use charter_indexer::api::Server;
use charter_indexer::{Indexer, Watch};
use serde_json::Value;

use crate::database;
use crate::mirror::register;

async fn get(server: &Server, path: &str) -> (u16, Option<String>, Value) {
    let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
    let status = response.status().as_u16();
    let height = response.headers().get("x-indexed-height").map(|value| value.to_str().unwrap().to_owned());
    (status, height, response.json().await.unwrap())
}

#[tokio::test]
async fn lists_are_paged_and_filtered_and_bad_questions_get_a_code() {
    let harness = Harness::start().await.unwrap();
    let (alice, bob) = (harness.account("alice").await.unwrap(), harness.account("bob").await.unwrap());
    for number in 0..3 {
        register(&harness, &alice, &format!("https://a/{number}")).await;
    }
    register(&harness, &bob, "https://b/0").await;
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let mut indexer = Indexer::open(Rpc::new(harness.rpc_url()), &harness.contracts, pool.clone()).await.unwrap();
    let cursor = indexer.catch_up().await.unwrap();
    let server = Server::start(pool, "127.0.0.1:0", Watch::default()).await.unwrap();

    let (status, height, page) = get(&server, "/v1/agents?limit=3").await;
    assert_eq!((status, height), (200, Some(cursor.height.to_string())));
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (3, &"3".into()));
    let (_, _, rest) = get(&server, "/v1/agents?limit=3&after=3").await;
    assert_eq!((rest["items"][0]["id"].as_u64(), &rest["next"]), (Some(4), &Value::Null));
    let (_, _, own) = get(&server, &format!("/v1/agents?owner={}", bob.id())).await;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    let (_, _, one) = get(&server, "/v1/agents/2").await;
    assert_eq!(one["card"]["uri"], "https://a/1");
    let (_, _, events) = get(&server, "/v1/events?contract=registry&after=2&limit=2").await;
    assert_eq!(events["items"][0]["seq"], 3);
    for (path, expected, code) in [
        ("/v1/agents/99", 404, "API_NOT_FOUND"),
        ("/v1/agents/x", 400, "API_BAD_REQUEST"),
        ("/v1/agents?limit=0", 400, "API_BAD_REQUEST"),
        ("/v1/agents?limit=101", 400, "API_BAD_REQUEST"),
        ("/v1/agents?after=x", 400, "API_BAD_REQUEST"),
        ("/v1/agents?colour=red", 400, "API_BAD_REQUEST"),
        ("/v1/agents?owner=%27%3B+drop+table+agent%3B--", 400, "API_BAD_REQUEST"),
        ("/v1/lines?name=%27%3B+drop+table+agent%3B--", 200, ""),
        ("/v1/grants?revoked=maybe", 400, "API_BAD_REQUEST"),
        ("/v1/events", 400, "API_BAD_REQUEST"),
    ] {
        let (status, _, body) = get(&server, path).await;
        assert_eq!((status, body["code"].as_str().unwrap_or_default()), (expected, code), "{path}: {body}");
    }
    let (_, _, document) = get(&server, "/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    for path in ["/v1/agents", "/v1/grants", "/v1/proposals", "/v1/channels", "/v1/events"] {
        assert!(document["paths"][path]["get"].is_object(), "{path} is not documented");
        let question = if path == "/v1/events" { "/v1/events?contract=keys" } else { path };
        assert_eq!(get(&server, question).await.0, 200, "{path}");
    }
    drop((server, indexer));
    test.close().await;
}
