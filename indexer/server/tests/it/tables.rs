//! Every table is true, and notices a hand in it: walked from the descriptors, so that a new table is in it.
//!
//! Lines whose removal must fail these: `wrong.insert` and `against_events` in `verify/check.rs`, either side of `full
//! join` in `verify/shadows.rs`, any table in the `TABLES` of its contract, `store::write` and `swapping` in `reindex.rs`.

use std::collections::BTreeSet;

use charter_client::Rpc;
use charter_indexer::api::Server;
use charter_indexer::reindex::reindex;
use charter_indexer::table::{Column, Key, Kind, Source, Table};
use charter_indexer::tables;
use charter_indexer::{Indexer, Report, Watch, verify};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, Row};

use crate::database::{self, TestDatabase};
use crate::world::World;

struct Scene {
    world: World,
    database: TestDatabase,
    pool: PgPool,
    rpc: Rpc,
}

async fn scene() -> Scene {
    let world = World::start().await;
    let database = database::open().await;
    let (pool, rpc) = (database.database.pool().clone(), Rpc::new(world.harness.rpc_url()));
    let mut indexer = Indexer::open(rpc.clone(), world.contracts(), pool.clone()).await.unwrap();
    indexer.catch_up().await.unwrap();
    Scene { world, database, pool, rpc }
}

impl Scene {
    async fn verify(&self) -> Report {
        verify(&self.pool, &self.rpc, self.world.contracts()).await.unwrap().unwrap()
    }

    async fn run(&self, text: String) -> u64 {
        sqlx::query(AssertSqlSafe(text)).execute(&self.pool).await.unwrap().rows_affected()
    }

    async fn keys(&self, table: &Table) -> Vec<String> {
        let text = format!("select key from {} order by key", table.name);
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The first row, by its key, in which a column has a value.
    async fn first(&self, table: &Table, column: &Column) -> Option<String> {
        let (name, column) = (table.name, column.name);
        let text = format!("select key from {name} where {column} is not null order by key limit 1");
        let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&self.pool).await.unwrap();
        row.map(|row| row.get(0))
    }

    /// Changes one row in each of some tables, looks at what `verify` says of them, and undoes it.
    async fn tamper(&self, hands: &[Hand]) {
        for Hand { table, text, .. } in hands {
            self.run(format!("create table kept_{table} as select key, body, height from {table}")).await;
            assert_eq!(self.run(text.clone()).await, 1, "{text}");
        }
        let report = self.verify().await;
        let found: BTreeSet<&str> =
            report.detail.iter().map(|line| line.split_once(": the table has ").unwrap().0).collect();
        let wrong: BTreeSet<&str> = hands.iter().flat_map(|hand| &hand.wrong).map(String::as_str).collect();
        assert_eq!(found, wrong, "{:?}", hands.iter().map(|hand| &hand.text).collect::<Vec<_>>());
        assert_eq!(usize::try_from(report.mismatches).unwrap(), wrong.len(), "{:?}", report.detail);
        for Hand { table, .. } in hands {
            self.run(format!("delete from {table}")).await;
            self.run(format!("insert into {table} (key, body, height) select key, body, height from kept_{table}"))
                .await;
            self.run(format!("drop table kept_{table}")).await;
        }
    }

    async fn end(self) {
        self.database.close().await;
    }
}

/// What somebody does to a row, and which rows are wrong then, as `verify` names them.
struct Hand {
    table: &'static str,
    text: String,
    wrong: Vec<String>,
}

impl Hand {
    fn new(table: &Table, text: &str, wrong: &[&str]) -> Self {
        let table = table.name;
        let wrong = wrong.iter().map(|key| format!("{table} {key}")).collect();
        Self { table, text: text.replace("TABLE", table), wrong }
    }
}

/// Tables that are changed at once: a report names so many mismatches and no more, and two keys are wrong where a key
/// is changed.
const AT_ONCE: usize = 10;

/// What changes a row as a whole. What is added is as plausible as can be: a record that is there once more, under a
/// key of the same form.
fn whole(table: &Table, last: &str) -> [Hand; 5] {
    let added = format!("{last}9");
    let put =
        format!("insert into TABLE (key, body, height) select '{added}', body, height from TABLE where key = '{last}'");
    let by_hand = format!(
        "update TABLE set body = case jsonb_typeof(body) when 'object' then body || '{{\"by_hand\": 1}}'
         else '\"by_hand\"' end where key = '{last}'"
    );
    [
        Hand::new(table, &format!("delete from TABLE where key = '{last}'"), &[last]),
        Hand::new(table, &put, &[&added]),
        Hand::new(table, &by_hand, &[last]),
        Hand::new(table, &format!("update TABLE set key = '{added}' where key = '{last}'"), &[last, &added]),
        Hand::new(table, &format!("update TABLE set height = height + 1 where key = '{last}'"), &[last]),
    ]
}

/// Another value of a kind, as JSON in SQL.
fn another(column: &Column) -> String {
    match column.kind {
        Kind::Text | Kind::Account | Kind::Word => "'\"by_hand\"'".to_owned(),
        Kind::Number => "'7777777'".to_owned(),
        Kind::Boolean => format!("to_jsonb(not {})", column.name),
        Kind::Amount => "'\"7777777\"'".to_owned(),
        Kind::Bytes => format!("'\"{}\"'", "77".repeat(32)),
    }
}

/// What a column is generated from is another value of its kind.
fn field(table: &Table, column: &Column, key: &str) -> Option<Hand> {
    let Source::Field(field) = column.source else { return None };
    let (path, value) = (field.replace('.', ","), another(column));
    let text = format!("update TABLE set body = jsonb_set(body, '{{{path}}}', {value}) where key = '{key}'");
    Some(Hand::new(table, &text, &[key]))
}

const KINDS: [Kind; 7] =
    [Kind::Text, Kind::Account, Kind::Word, Kind::Number, Kind::Boolean, Kind::Amount, Kind::Bytes];

#[tokio::test]
async fn a_row_deleted_added_or_changed_by_hand_is_reported_in_every_table() {
    let scene = scene().await;
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    let mut rounds: Vec<Vec<Hand>> = std::iter::repeat_with(Vec::new).take(5 + KINDS.len()).collect();
    for table in tables::all() {
        let keys = scene.keys(table).await;
        let Some(last) = keys.last() else { panic!("{} has no row to try", table.name) };
        for (round, hand) in rounds.iter_mut().zip(whole(table, last)) {
            round.push(hand);
        }
        for (round, kind) in rounds[5..].iter_mut().zip(KINDS) {
            for column in table.columns.iter().filter(|column| column.kind == kind) {
                let Some(key) = scene.first(table, column).await else { continue };
                if let Some(hand) = field(table, column, &key) {
                    round.push(hand);
                    break;
                }
            }
        }
    }
    for round in &rounds {
        assert!(!round.is_empty(), "nothing of a kind was tried");
        for hands in round.chunks(AT_ONCE) {
            scene.tamper(hands).await;
        }
    }
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    scene.end().await;
}

#[tokio::test]
async fn every_table_is_made_again_from_events_whatever_was_done_to_it() {
    let scene = scene().await;
    let mut damaged = 0;
    for table in tables::all() {
        let name = table.name;
        let (first, last) = (format!("(select min(key) from {name})"), format!("(select max(key) from {name})"));
        // One row more, one less if there are enough, and one that is another.
        let added = format!(
            "insert into {name} (key, body, height) select key || '9', body, height from {name} where key = {last}"
        );
        let changed = format!(
            "update {name} set height = height + 1, body = case jsonb_typeof(body)
             when 'object' then body || '{{\"by_hand\": 1}}' else '\"by_hand\"' end where key = {first}"
        );
        let gone = format!("delete from {name} where key = {first} and (select count(*) from {name}) > 2");
        for text in [added, gone, changed] {
            damaged += scene.run(text).await;
        }
    }
    let report = scene.verify().await;
    assert!(report.mismatches > 0 && damaged >= 2 * u64::try_from(tables::all().count()).unwrap(), "{damaged}");
    let made = reindex(&scene.pool).await.unwrap().unwrap();
    assert_eq!((made.height, made.tables), (report.height, tables::all().count()));
    let report = scene.verify().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    scene.end().await;
}

#[tokio::test]
async fn what_columns_say_is_the_databases_business_alone() {
    let scene = scene().await;
    for table in tables::all() {
        for column in table.columns {
            let (name, column) = (table.name, column.name);
            for text in [
                format!("update {name} set {column} = {column}"),
                format!(
                    "insert into {name} (key, body, height, {column}) select '', body, height, {column} from {name}"
                ),
            ] {
                let refused = sqlx::query(AssertSqlSafe(text.clone())).execute(&scene.pool).await.unwrap_err();
                let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap();
                // "generated_always"
                assert_eq!(code, "428C9", "{text}: {refused}");
            }
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn what_only_events_tell_is_as_they_tell_it() {
    let scene = scene().await;
    for (text, reported) in [
        // A data key of an older version, and the height of a row: no view shows them.
        ("update wrap set body = body || '{\"bytes\": 1}' where key = '1/1/1'", "wrap 1/1/1: "),
        ("update lease set height = height + 1", "lease 1: the table has it of block "),
        // A policy that is not the one whose hash is in the grant.
        ("update key_policy set body = body || '{\"rate\": 1}' where key = '1'", "key_policy 1: "),
        // Columns of an event whose log is as it was.
        ("update event set body = '{}' where contract = 'escrow' and seq = 1", "event 1 of escrow: "),
        ("update event set by_account = 'eve.near' where contract = 'escrow' and seq = 1", "event 1 of escrow: "),
        // Events of a contract that there is none of.
        ("update contract set name = 'other' where name = 'escrow'", "head of other: "),
    ] {
        assert!(scene.run(text.to_owned()).await >= 1, "{text}");
        let report = scene.verify().await;
        assert!(report.mismatches >= 1, "{text}");
        assert!(report.detail.iter().any(|line| line.starts_with(reported)), "{text}: {:?}", report.detail);
    }
    scene.end().await;
}

#[tokio::test]
async fn every_table_is_served_in_pages_and_by_key() {
    let scene = scene().await;
    let server = Server::start(scene.pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap();
    let get = async |path: String| {
        let response = reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.json::<Value>().await.unwrap()
    };
    let document = get("/openapi.json".to_owned()).await;
    let mut untried = Vec::new();
    for table in tables::all() {
        let path = format!("/v1/{}", table.path);
        assert!(document["paths"][&path]["get"].is_object(), "{path} is not documented");
        assert!(document["paths"][format!("{path}/{{key}}")]["get"].is_object(), "{path}/ is not documented");
        let keys = scene.keys(table).await;
        let walk = async |order: &str| {
            let (mut items, mut next) = (Vec::new(), String::new());
            loop {
                let page = get(format!("{path}?limit=1{order}{next}")).await;
                items.extend(page["items"].as_array().unwrap().clone());
                let Some(after) = page["next"].as_str() else { return items };
                next = format!("&after={after}");
            }
        };
        let items = walk("").await;
        assert_eq!(items.len(), keys.len(), "{path}");
        // From the other end the same rows come, the other way round.
        let mut newest_first = walk("&order=desc").await;
        newest_first.reverse();
        assert_eq!((&walk("&order=asc").await, &newest_first), (&items, &items), "{path}");
        for item in &items {
            let key = match table.key {
                Key::Fields(_) => table.key_of(item).unwrap(),
                Key::Beside(name) => item[name].as_str().unwrap().to_owned(),
            };
            assert!(keys.contains(&key), "{path} shows {key}");
            assert_eq!(get(format!("{path}/{key}")).await, *item, "{path}/{key}");
        }
        for column in table.columns.iter().filter(|column| column.filters) {
            let (name, column_name) = (table.name, column.name);
            let text = format!("select {column_name}::text from {name} where {column_name} is not null limit 1");
            let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(&scene.pool).await.unwrap();
            let Some(row) = row else {
                untried.push(format!("{name}.{column_name}"));
                continue;
            };
            let value = row.get::<String, _>(0);
            // Postgres writes bytes with two characters before their digits.
            let value = value.trim_start_matches("\\x");
            let found = get(format!("{path}?{}={value}", column.name)).await;
            assert!(!found["items"].as_array().unwrap().is_empty(), "{path}?{}={value}", column.name);
        }
    }
    assert!(untried.is_empty(), "no row of this world has {untried:?}");
    drop(server);
    scene.end().await;
}
