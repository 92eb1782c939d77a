//! `/v1/graphql`: rows, pages and steps between tables, walked from the descriptors and held against SQL; limits; one moment.
//!
//! Lines whose removal must fail these: either arm of `Plan::key`, `page.next` in `back`, `take` in `Session::page`,
//! `weight::of` in `execute`, the `get_or_insert_default` and what follows in `graphql`, `links` in `object`.

use std::collections::BTreeMap;
use std::fmt::Write;

use charter_client::Rpc;
use charter_indexer::api::Server;
use charter_indexer::table::{Column, Kind, Reference, Table};
use charter_indexer::{Contract, Indexer, Watch, tables};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, PgPool, Row};

use crate::database;
use crate::taken::{Scene, plain_agent};
use crate::world::World;

async fn send(server: &Server, body: impl Into<reqwest::Body>) -> Response {
    Client::new().post(format!("http://{}/v1/graphql", server.addr)).body(body).send().await.unwrap()
}

pub async fn ask(server: &Server, query: &str) -> Value {
    let answer = send(server, json!({ "query": query }).to_string()).await;
    assert_eq!(answer.status().as_u16(), 200, "{query}");
    let height: u64 = answer.headers()["x-indexed-height"].to_str().unwrap().parse().unwrap();
    let hash = answer.headers()["x-indexed-hash"].to_str().unwrap().to_owned();
    let mut answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null, "{query}: {answer}");
    assert_eq!(answer["extensions"]["block"], json!({ "height": height, "hash": hash, "trust": "node" }), "{query}");
    answer["data"].take()
}

/// The first error of a request that is answered.
async fn refused(server: &Server, query: &str) -> (String, String) {
    let answer = send(server, json!({ "query": query }).to_string()).await;
    assert_eq!(answer.status().as_u16(), 200, "{query}");
    let answer: Value = answer.json().await.unwrap();
    let error = &answer["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

/// A column as text, in SQL.
fn shown(column: &Column) -> String {
    match column.kind {
        Kind::Bytes => format!("encode({}, 'hex')", column.name),
        _ => format!("{}::text", column.name),
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// An argument of a kind.
fn literal(kind: Kind, text: &str) -> String {
    if matches!(kind, Kind::Number | Kind::Boolean) { text.to_owned() } else { json!(text).to_string() }
}

fn path(table: &Table) -> String {
    table.path.replace('-', "_")
}

async fn texts(pool: &PgPool, text: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn keys(items: &Value) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect()
}

struct Told {
    server: Server,
    pool: PgPool,
}

impl Told {
    async fn rows(&self, table: &Table) {
        let (name, path) = (table.name, path(table));
        let columns = table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(" ");
        let answer =
            ask(&self.server, &format!("{{ page: {path} {{ items {{ key record {columns} }} next }} }}")).await;
        let items = answer["page"]["items"].as_array().unwrap();
        let shown: Vec<String> = table.columns.iter().map(shown).collect();
        let all = [&["key".to_owned(), "body".to_owned()][..], &shown[..]].concat().join(", ");
        let text = format!("select {all} from {name} order by {}", table.order().name);
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        assert_eq!(items.len(), rows.len(), "{name}");
        for (item, row) in items.iter().zip(&rows) {
            let key: String = row.get(0);
            assert_eq!((&item["key"], &item["record"]), (&json!(key), &row.get::<Value, _>(1)), "{name}");
            for (index, column) in table.columns.iter().enumerate() {
                let value = &item[column.name];
                assert_eq!(as_text(value), row.get::<Option<String>, _>(index + 2), "{name}.{}", column.name);
                if column.kind == Kind::Amount {
                    assert!(value.is_string() || value.is_null(), "{name}.{} is {value}", column.name);
                }
            }
            let one =
                ask(&self.server, &format!("{{ one: {name}_by_key(key: {}) {{ key record }} }}", json!(key))).await;
            assert_eq!(one["one"], json!({ "key": item["key"], "record": item["record"] }), "{name} {key}");
        }
        // Page by page, from the other end.
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let query = format!("{{ page: {path}(limit: 1, order: desc{after}) {{ items {{ key }} next }} }}");
            let answer = ask(&self.server, &query).await;
            found.extend(keys(&answer["page"]["items"]));
            let Some(next) = answer["page"]["next"].as_str() else { break };
            after = format!(", after: {}", json!(next));
        }
        found.reverse();
        assert_eq!(found, keys(&answer["page"]["items"]), "{name}");
    }

    async fn filters(&self, table: &Table) {
        for column in table.columns.iter().filter(|column| column.filters) {
            let (name, shown, order) = (table.name, shown(column), table.order().name);
            let value =
                texts(&self.pool, format!("select {shown} from {name} where {shown} is not null limit 1")).await;
            let expected = format!("select key from {name} where {shown} = '{}' order by {order}", value[0]);
            let argument = literal(column.kind, &value[0]);
            let query = format!("{{ page: {}({}: {argument}) {{ items {{ key }} }} }}", path(table), column.name);
            assert_eq!(keys(&ask(&self.server, &query).await["page"]["items"]), texts(&self.pool, expected).await);
        }
    }

    /// To the rows that a column names, and back, for all rows of either table at once.
    async fn steps(&self, table: &Table, column: &Column, to: &Table) {
        let (name, path, shown) = (table.name, path(table), shown(column));
        let there = format!("{}_row", column.name.trim_end_matches("_id"));
        let query = format!("{{ page: {path} {{ items {{ key {there} {{ key }} }} }} }}");
        let answer = ask(&self.server, &query).await;
        for item in answer["page"]["items"].as_array().unwrap() {
            let text = format!(
                "select key from {} where key = (select {shown} from {name} where key = '{}')",
                to.name,
                item["key"].as_str().unwrap()
            );
            let expected = texts(&self.pool, text).await;
            assert_eq!(item[&there], expected.first().map_or(Value::Null, |key| json!({ "key": key })), "{query}");
        }
        if !column.filters && column.name != table.order().name {
            return;
        }
        let back = format!("{path}_by_{}", column.name);
        let parents = self::path(to);
        let query = format!(
            "{{ page: {parents}(limit: 40) {{ items {{ key first: {back}(limit: 1) {{ items {{ key }} next }}
               all: {back} {{ items {{ key {there} {{ key }} }} next }} }} }} }}"
        );
        let answer = ask(&self.server, &query).await;
        for item in answer["page"]["items"].as_array().unwrap() {
            let key = item["key"].as_str().unwrap();
            let text = format!("select key from {name} where {shown} = '{key}' order by {}", table.order().name);
            let expected = texts(&self.pool, text).await;
            assert_eq!(keys(&item["all"]["items"]), expected, "{query}");
            assert_eq!(keys(&item["first"]["items"]), expected.iter().take(1).cloned().collect::<Vec<_>>(), "{query}");
            assert_eq!(item["first"]["next"].is_null(), expected.len() < 2, "{query}");
            assert_eq!(item["all"]["next"], Value::Null, "{query}");
            for child in item["all"]["items"].as_array().unwrap() {
                assert_eq!(child[&there]["key"], key, "{query}");
            }
        }
    }
}

#[tokio::test]
async fn every_table_is_served_and_leads_where_its_columns_do() {
    let world = World::start().await;
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let mut indexer = Indexer::open(Rpc::new(world.harness.rpc_url()), world.contracts(), pool.clone()).await.unwrap();
    indexer.catch_up().await.unwrap();
    let told = Told { server: Server::start(pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap(), pool };
    let mut steps = BTreeMap::new();
    for table in tables::all() {
        told.rows(table).await;
        told.filters(table).await;
        for column in table.columns {
            if let Some(Reference(to)) = column.refers {
                told.steps(table, column, to).await;
                *steps.entry(to.name).or_insert(0) += 1;
            }
        }
    }
    assert!(steps["agent"] > 9, "{steps:?}");
    drop((told, indexer));
    test.close().await;
}

/// A reference has the key's kind, so that the two can be compared.
#[test]
fn references_lead_to_tables_of_one_key() {
    for table in tables::all() {
        for column in table.columns {
            let Some(Reference(to)) = column.refers else { continue };
            let key = to.key_of(&json!({ "id": "7", "account": "7", "agent": "7" }));
            assert_eq!(key.unwrap(), "7", "{}.{}", table.name, column.name);
            let is_number = to.order().kind == Kind::Number;
            assert_eq!(column.kind == Kind::Number, is_number, "{}.{}", table.name, column.name);
        }
    }
}

async fn serve(scene: &Scene) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap()
}

#[tokio::test]
async fn what_is_asked_for_has_limits_and_what_is_wrong_a_code() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1), plain_agent(2)]);
    scene.node.block(Vec::new());
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let deep = |levels: usize| {
        let step = "secrets_by_agent(limit: 1) { items { agent_row { ";
        format!("{{ agents(limit: 1) {{ items {{ {}key{} }} }} }}", step.repeat(levels), " } } }".repeat(levels))
    };
    let wide =
        |count: usize| (0..count).map(|number| format!("a{number}: agents {{ next }}")).collect::<Vec<_>>().join(" ");
    let mut bomb = "{ ...F0 }".to_owned();
    for number in 0..60 {
        write!(bomb, " fragment F{number} on Query {{ ...F{next} ...F{next} }}", next = number + 1).unwrap();
    }
    bomb += " fragment F60 on Query { agents { next } }";
    let asked_twice = "{ agents { a: items { x: secrets_by_agent(limit: 1) { next } }
                                  b: items { x: secrets_by_agent(limit: 2) { next } } } }";
    let many = "{ agents { items { secrets_by_agent { next } grants_by_agent { next } } } }";
    let (deeper, wider) = (deep(9), format!("{{ {} }}", wide(41)));
    let longer = format!("{{ {} }}", "key ".repeat(1_001));
    for (query, code) in [
        (deeper.as_str(), "API_TOO_COMPLEX"),
        (bomb.as_str(), "API_TOO_COMPLEX"),
        (wider.as_str(), "API_TOO_COMPLEX"),
        (longer.as_str(), "API_TOO_COMPLEX"),
        (many, "API_TOO_COMPLEX"),
        (asked_twice, "API_BAD_REQUEST"),
        ("{ agents(limit: 0) { next } }", "API_BAD_REQUEST"),
        ("{ agents(limit: 101) { next } }", "API_BAD_REQUEST"),
        ("{ agents(order: up) { next } }", "API_BAD_REQUEST"),
        ("{ agents(after: \"x\") { next } }", "API_BAD_REQUEST"),
        ("{ agents(owner: \"'; drop table agent;--\") { next } }", "API_BAD_REQUEST"),
        ("{ agents(owner: [\"a.near\"]) { next } }", "API_BAD_REQUEST"),
        ("{ grants(secret: {a: 1}) { next } }", "API_BAD_REQUEST"),
        ("{ grants(secret: -1) { next } }", "API_BAD_REQUEST"),
        ("{ agent_by_key(key: \"x\") { key } }", "API_BAD_REQUEST"),
        ("{ agents(colour: \"red\") { next } }", "API_BAD_REQUEST"),
        ("{ nothing }", "API_BAD_REQUEST"),
        ("{", "API_BAD_REQUEST"),
        ("", "API_BAD_REQUEST"),
        ("mutation { agents { next } }", "API_BAD_REQUEST"),
        ("subscription { agents { next } }", "API_BAD_REQUEST"),
        ("{ ...A } fragment A on Query { ...A }", "API_TOO_COMPLEX"),
    ] {
        let (found, message) = refused(&server, query).await;
        assert_eq!(found, code, "{query}: {message}");
    }
    // Within the limits it is answered, and what is not there is null.
    ask(&server, &deep(3)).await;
    ask(&server, &format!("{{ {} }}", wide(40))).await;
    assert_eq!(ask(&server, "{ agent_by_key(key: \"9\") { key } }").await, json!({ "agent_by_key": null }));
    let skipped =
        "{ agents { items { key @skip(if: true) secrets_by_agent(limit: 1) @include(if: false) { next } } } }";
    assert_eq!(ask(&server, skipped).await["agents"]["items"], json!([{}, {}]));
    // Numbers may be strings; variables are as good as what stands in the request.
    let query = "query Of($agent: Number, $limit: Int) { secrets(agent: $agent, limit: $limit) { next } }";
    let request =
        json!({ "query": query, "operationName": "Of", "variables": { "agent": u64::MAX.to_string(), "limit": 5 } });
    let answer: Value = send(&server, request.to_string()).await.json().await.unwrap();
    assert_eq!(answer["data"], json!({ "secrets": { "next": null } }), "{answer}");
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn what_is_no_request_is_a_problem() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let long = json!({ "query": format!("{{ agents {{ next }} }} #{}", " ".repeat(64 * 1024)) }).to_string();
    for (body, status, code) in [
        ("", 400, "API_BAD_REQUEST"),
        ("no JSON", 400, "API_BAD_REQUEST"),
        ("\u{0}", 400, "API_BAD_REQUEST"),
        ("7", 400, "API_BAD_REQUEST"),
        (r#"{"query": 7}"#, 400, "API_BAD_REQUEST"),
        (long.as_str(), 413, "API_TOO_LARGE"),
    ] {
        let answer = send(&server, body.to_owned()).await;
        assert_eq!(answer.status().as_u16(), status, "{body:.20}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{problem}");
    }
    let answer = reqwest::get(format!("http://{}/v1/graphql", server.addr)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 405);
    assert!(answer.text().await.unwrap().contains("takes POST, not GET"));
    // A question about the schema needs no database, and one about tables says that there is none.
    scene.pool.close().await;
    let about = send(&server, json!({ "query": "{ __schema { queryType { name } } }" }).to_string()).await;
    assert_eq!(about.status().as_u16(), 200);
    let gone = send(&server, json!({ "query": "{ agents { next } }" }).to_string()).await;
    assert_eq!((gone.status().as_u16(), &gone.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let answer: Value = gone.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "API_UNAVAILABLE", "{answer}");
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn all_of_an_answer_is_of_one_moment() {
    let scene = Scene::start().await;
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let pool = scene.pool.clone();
    let writer = tokio::spawn(async move {
        loop {
            let mut tx = pool.begin().await.unwrap();
            tx.execute("update cursor set height = height + 1").await.unwrap();
            let row = "update agent set body = body || jsonb_build_object('created_ms', (select height from cursor))";
            tx.execute(row).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    let query = "{ a: agents { items { record } } b: agent_by_key(key: \"1\") { record } }";
    while seen.len() < 50 {
        let answer = send(&server, json!({ "query": query }).to_string()).await;
        let answer: Value = answer.json().await.unwrap();
        let (data, height) = (&answer["data"], &answer["extensions"]["block"]["height"]);
        let (one, other) = (&data["a"]["items"][0]["record"], &data["b"]["record"]);
        assert_eq!(one, other, "{answer}");
        if one["created_ms"] != 1 {
            assert_eq!(one["created_ms"], *height, "{answer}");
            seen.insert(height.as_u64().unwrap());
        }
    }
    writer.abort();
    let _ = writer.await;
    drop(server);
    scene.end().await;
}
