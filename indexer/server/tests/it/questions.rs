//! REST: what is asked wrongly, from a browser, or for text that Postgres can't hold.
//!
//! Lines whose removal must fail these: `fits`, `only` and the test for `contains_key` in `Parameters`, `escape` in `page`
//! and `one`, either fallback and `cors` in `router`, the transaction in `Snapshot::open`.

use charter_indexer::api::Server;
use charter_indexer::table::Key;
use charter_indexer::{Contract, Watch, tables};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::taken::{Scene, plain_agent};

async fn serve(scene: &Scene) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap()
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let expected = if status == 200 { "application/json" } else { "application/problem+json" };
    assert_eq!(kind.as_deref(), Some(expected), "{path}");
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn what_means_nothing_is_refused_and_says_what_would_not_be() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    for (path, expected) in [
        // Accounts, words, numbers and hex digits have an alphabet, and U+0000 is in none.
        ("/v1/agents?owner=%00", "owner is a NEAR account"),
        ("/v1/agents?owner=", "owner is a NEAR account"),
        ("/v1/agents?agent_account=a%00.near", "agent_account is a NEAR account"),
        ("/v1/agents?status=%00", "status is a word"),
        ("/v1/agents?after=%00", "after is a number"),
        ("/v1/agents?after=-1", "after is a number from 0 to 2^64-1"),
        ("/v1/agents?after=18446744073709551616", "after is a number"),
        ("/v1/agents/%00", "the key of agents is a number"),
        ("/v1/agents/1%00", "the key of agents is a number"),
        ("/v1/channels?payer=%00", "payer is a NEAR account"),
        ("/v1/grants?revoked=%00", "revoked is true or false"),
        // What nobody knows, or knows twice, or elsewhere.
        ("/v1/agents?colour=red", "there are after, limit, order, min_height, owner"),
        ("/v1/agents?owner=a.near&owner=b.near", "owner is there twice"),
        ("/v1/agents?limit=1&limit=2", "limit is there twice"),
        ("/v1/agents/1?owner=a.near", "unknown parameter owner"),
        ("/v1/events?contract=registry&colour=red", "there are contract, event, after, limit"),
        ("/v1/events?contract=registry&after=-1", "after is a number"),
        ("/v1/events?contract=%00", "contract is one of"),
        ("/v1/events?contract=registry&order=newest", "order is asc or desc, not newest"),
        ("/v1/agents?order=", "order is asc or desc"),
        ("/v1/agents?order=DESC", "order is asc or desc"),
        ("/v1/agents/1?order=desc", "unknown parameter order"),
        ("/v1/agents?min_height=-1", "min_height is a number from 0 to 2^64-1"),
        ("/v1/status?min_height=now", "min_height is a number"),
        ("/v1/permissions", "either owner or agent"),
        ("/v1/permissions?owner=a.near&agent=1", "either owner or agent"),
        ("/v1/permissions?owner=%00", "owner is a NEAR account"),
        ("/v1/permissions?agent=one", "agent is a number"),
        ("/v1/permissions?agent=1&after=1", "after is the `next` of another page"),
        ("/v1/permissions?agent=1&after=1/x", "after is the `next` of another page"),
        ("/v1/permissions?agent=1&revoked=true", "unknown parameter revoked; there are owner, agent, after"),
        ("/v1/status?contract=registry", "unknown parameter contract"),
        ("/v1/verify?height=1", "unknown parameter height"),
        // Bytes that are no text.
        ("/v1/agents/%ff", ""),
    ] {
        let (status, problem) = get(&server, path).await;
        assert_eq!((status, &problem["code"]), (400, &json!("API_BAD_REQUEST")), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{path}: {problem}");
    }
    for path in [
        "/index.html",
        "/v1",
        "/v1/",
        "/v1/agent",
        "/v1/agents/",
        "/v2/agents",
        "/v1/agents/1/card",
        "/%00",
        "/V1/agents",
    ] {
        let (status, problem) = get(&server, path).await;
        assert_eq!((status, &problem["code"]), (404, &json!("API_NOT_FOUND")), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("/openapi.json"), "{path}: {problem}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let url = format!("http://{}/v1/agents", server.addr);
        let response = reqwest::Client::new().request(method, url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 405);
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "API_METHOD_NOT_ALLOWED");
    }
    // As large as on the chain.
    for path in [
        "/v1/agents?after=18446744073709551615",
        "/v1/grants?secret=18446744073709551615",
        "/v1/events?contract=registry&after=18446744073709551615",
    ] {
        assert_eq!(get(&server, path).await, (200, json!({ "items": [], "next": null })), "{path}");
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn text_that_postgres_can_not_hold_is_found_and_shown_as_it_is() {
    let scene = Scene::start().await;
    let (nul, sign, encoded) = ("a\u{0}/b", "a\u{2400}0/b", "a%00%2Fb");
    let line = |id: u64, name: &str| {
        let params = charter_types::governance::Params::default();
        json!({ "line": {
            "id": id, "name": name, "owner": "a.near", "council": [], "params": params, "head": 0, "seq": 0,
            "version": 0, "guardian": null,
        } })
    };
    let earned = |asset: &str| {
        json!({ "reputation": {
            "agent": 1, "epoch": 1, "reporter": "r.near", "asset": asset, "earned": "1", "payments": 1, "reported_ms": 1,
            "earned_before": "0", "payments_before": 0,
        } })
    };
    let rests = |handle: &str| json!({ "handle_rests": { "handle": handle, "until_ms": 1 } });
    scene.node.emit(Contract::Registry, &[earned(nul), earned(sign), rests(nul), rests(sign)]);
    scene.node.emit(Contract::Governance, &[line(1, nul), line(2, sign)]);
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    for (path, field) in [("/v1/lines?name=", "name"), ("/v1/reputations?asset=", "asset")] {
        let (_, found) = get(&server, &format!("{path}{encoded}")).await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{path}: {found}");
        assert_eq!(found["items"][0][field], nul, "{path}");
    }
    for path in ["/v1/resting-handles/", "/v1/reputations/1/1/r.near/"] {
        let (status, found) = get(&server, &format!("{path}{encoded}")).await;
        assert_eq!(status, 200, "{path}: {found}");
        assert!([&found["handle"], &found["asset"]].contains(&&json!(nul)), "{path}: {found}");
    }
    // Pages go on behind such a key.
    let (_, first) = get(&server, "/v1/resting-handles?limit=1").await;
    let next =
        first["next"].as_str().unwrap().replace('\u{0}', "%00").replace('\u{2400}', "%E2%90%80").replace('/', "%2F");
    let (_, second) = get(&server, &format!("/v1/resting-handles?limit=1&after={next}")).await;
    let handles = [&first, &second].map(|page| page["items"][0]["handle"].as_str().unwrap().to_owned());
    assert!(handles.contains(&nul.to_owned()) && handles.contains(&sign.to_owned()), "{handles:?}");
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn events_are_filtered_by_their_name() {
    let scene = Scene::start().await;
    let logs = scene.node.world(|world| {
        ["a", "b", "\u{0}", "b"].map(|name| world.emit(Contract::Registry, name, &plain_agent(1))).to_vec()
    });
    scene.node.block(vec![(Contract::Registry, logs)]);
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    for (name, expected) in [("a", vec![1]), ("b", vec![2, 4]), ("%00", vec![3]), ("c", vec![])] {
        let (_, page) = get(&server, &format!("/v1/events?contract=registry&event={name}")).await;
        let found: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{name}");
    }
    // A full page is not the promise of another one.
    let (_, page) = get(&server, "/v1/events?contract=registry&event=b&limit=1").await;
    assert_eq!((&page["items"][0]["seq"], &page["next"]), (&json!(2), &json!(2)));
    let (_, page) = get(&server, "/v1/events?contract=registry&event=b&limit=1&after=2").await;
    assert_eq!((&page["items"][0]["seq"], &page["next"]), (&json!(4), &Value::Null));
    // The newest first, and on from there.
    for (question, expected) in
        [("", vec![4, 3, 2, 1]), ("&after=3", vec![2, 1]), ("&after=1", vec![]), ("&event=b&after=4", vec![2])]
    {
        let (_, page) = get(&server, &format!("/v1/events?contract=registry&order=desc{question}")).await;
        let found: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{question}");
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn a_page_of_another_origin_may_ask() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    for path in ["/v1/agents", "/v1/agents/1", "/v1/status", "/openapi.json", "/nothing"] {
        let url = format!("http://{}{path}", server.addr);
        let ask = |method: Method| {
            let request = reqwest::Client::new().request(method, &url).header("origin", "https://app.example");
            request.header("access-control-request-method", "GET").send()
        };
        for method in [Method::OPTIONS, Method::GET] {
            let response = ask(method.clone()).await.unwrap();
            assert_eq!(response.headers()["access-control-allow-origin"], "*", "{method} {path}");
        }
        let before = ask(Method::OPTIONS).await.unwrap();
        assert_eq!(before.status().as_u16(), 200, "{path}");
        assert!(before.headers()["access-control-allow-methods"].to_str().unwrap().contains("GET"), "{path}");
        let exposed = ask(Method::GET).await.unwrap().headers()["access-control-expose-headers"].clone();
        for header in ["x-indexed-height", "x-indexed-hash"] {
            assert!(exposed.to_str().unwrap().contains(header), "{path}: {exposed:?}");
        }
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn rows_and_the_block_they_stand_for_are_of_one_moment() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let pool = scene.pool.clone();
    // Row and cursor always move together; whoever sees one of another block than the other saw two moments.
    let writer = tokio::spawn(async move {
        loop {
            let mut tx = pool.begin().await.unwrap();
            tx.execute("update cursor set height = height + 1").await.unwrap();
            tx.execute(
                "update agent set body = body || jsonb_build_object('created_ms', (select height from cursor)),
                   height = (select height from cursor)",
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 100 {
        for path in ["/v1/agents/1", "/v1/agents"] {
            let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
            let height: u64 = response.headers()["x-indexed-height"].to_str().unwrap().parse().unwrap();
            let body: Value = response.json().await.unwrap();
            let row = if path == "/v1/agents" { &body["items"][0] } else { &body };
            // The first one is as the contract wrote it.
            if row["created_ms"] != 1 {
                assert_eq!(row["created_ms"], height, "{path}");
                seen.insert(height);
            }
        }
    }
    writer.abort();
    let _ = writer.await;
    drop(server);
    scene.end().await;
}

/// A schema with what it refers to.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}")),
        None => schema,
    }
}

/// All references in a document lead somewhere.
fn references(document: &Value, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(document, item)),
        Value::Object(fields) => {
            if fields.get("$ref").is_some_and(Value::is_string) {
                resolve(document, value);
            }
            fields.values().for_each(|field| references(document, field));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_answer_has_a_schema() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let (_, document) = get(&server, "/openapi.json").await;
    references(&document, &document);
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), tables::all().count() * 2 + 8);
    for (path, operations) in paths {
        let method = if path == "/v1/graphql" { "post" } else { "get" };
        let responses = operations[method]["responses"].as_object().unwrap();
        for (status, response) in responses {
            let content = response["content"].as_object().unwrap();
            let kind = match (status.as_str(), path.as_str()) {
                ("200", "/v1/stream") => "text/event-stream",
                ("200", _) => "application/json",
                _ => "application/problem+json",
            };
            let schema = &content[kind]["schema"];
            assert!(schema.as_object().is_some_and(|schema| !schema.is_empty()), "{path} {status}");
        }
        assert!(responses.contains_key("200") && responses.len() > 1, "{path}");
    }
    // Every column is in its record's schema.
    for table in tables::all() {
        let schema = &paths[&format!("/v1/{}/{{key}}", table.path)]["get"]["responses"]["200"];
        let schema = resolve(&document, &schema["content"]["application/json"]["schema"]);
        match table.key {
            Key::Beside(name) => assert!(schema["properties"][name].is_object(), "{}", table.name),
            Key::Fields(fields) => {
                for field in fields {
                    assert!(schema["properties"][field].is_object(), "{} has no {field}: {schema}", table.name);
                }
            }
        }
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn status_names_height_and_lag() {
    let scene = Scene::start().await;
    let watch = Watch::default();
    let server = Server::start(scene.pool.clone(), "127.0.0.1:0", watch.clone()).await.unwrap();
    let (status, ready) = get(&server, "/readyz").await;
    assert_eq!((status, &ready["detail"]), (503, &json!("the database is empty")));
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    let unknown = scene.node.world(|world| world.emit_unknown(Contract::Registry));
    scene.node.block(vec![(Contract::Registry, vec![unknown])]);
    let mut indexer = scene.open().await.watched_by(watch);
    indexer.catch_up().await.unwrap();
    let (_, status) = get(&server, "/v1/status").await;
    assert_eq!(
        (&status["height"], &status["head"], &status["lag_blocks"]),
        (&json!(3), &json!(3), &json!(0)),
        "{status}"
    );
    assert_eq!((&status["chain_id"], &status["dead_letters"]), (&json!("told"), &json!(1)), "{status}");
    assert!(
        status["contracts"].as_array().unwrap().contains(&json!({
            "name": "registry", "account": "registry.charter.near", "events": 2,
        })),
        "{status}"
    );
    scene.verify().await;
    let (_, verified) = get(&server, "/v1/verify").await;
    assert_eq!((&verified["mismatches"], &verified["dead_letters"]), (&json!(0), &json!(1)), "{verified}");
    let (code, ready) = get(&server, "/readyz").await;
    assert_eq!((code, &ready["ready"], &ready["verification"]["height"]), (200, &json!(true), &json!(3)), "{ready}");
    // A node that can't be asked is named.
    scene.node.lie(|_, _, answer| *answer = json!({ "error": { "message": "gone" } }));
    indexer.step().await.unwrap_err();
    let (code, ready) = get(&server, "/readyz").await;
    assert_eq!(code, 503);
    assert!(ready["detail"].as_str().unwrap().contains("gone"), "{ready}");
    assert!(get(&server, "/v1/status").await.1["trouble"].as_str().unwrap().contains("gone"));
    drop((server, indexer));
    scene.end().await;
}
