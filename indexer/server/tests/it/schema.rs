//! Descriptors and tables say the same, in both directions, and `docs/reference/schema.md` says it in words.
//!
//! `cargo xtask schema` writes the page.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use charter_indexer::Contract;
use charter_indexer::api::sdl;
use charter_indexer::page::{Order, Page};
use charter_indexer::table::{Column, Key, Kind, Source, Table};
use charter_indexer::tables;
use charter_indexer::truth::Truth;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, Row};

use crate::database;

/// Tables that hold no records, but what the indexer keeps of its work.
const OWN: [&str; 9] = [
    "contract",
    "cursor",
    "dead_letter",
    "event",
    "event_anchor",
    "event_default",
    "light_head",
    "trust_range",
    "verify_run",
];

/// What Postgres says of columns: by name, their type and how they are generated.
async fn columns(pool: &PgPool, table: &str) -> BTreeMap<String, (String, Option<String>)> {
    let text = "select column_name::text, coalesce(numeric_precision || ',' || numeric_scale, ''), data_type::text,
                  generation_expression::text from information_schema.columns where table_name = $1";
    let rows = sqlx::query(text).bind(table).fetch_all(pool).await.unwrap();
    let column = |row: &sqlx::postgres::PgRow| {
        let kind: String = row.get(2);
        let kind = if kind == "numeric" { format!("{kind}({})", row.get::<String, _>(1)) } else { kind };
        (row.get(0), (kind, row.get(3)))
    };
    rows.iter().map(column).collect()
}

/// A table as its descriptor has it.
fn create(table: &Table) -> String {
    let mut text = format!("create table described_{} (key text, body jsonb, height bigint", table.name);
    for column in table.columns {
        let (name, kind, expression) = (column.name, column.kind.sql(), column.expression());
        write!(text, ", {name} {kind} generated always as ({expression}) stored").unwrap();
    }
    text + ")"
}

#[tokio::test]
async fn descriptors_and_tables_are_the_same() {
    let test = database::open().await;
    let pool = test.database.pool().clone();
    let text = "select table_name::text from information_schema.tables where table_schema = 'public'
                and table_name <> '_sqlx_migrations'";
    let rows = sqlx::query(text).fetch_all(&pool).await.unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let described = tables::all().map(|table| table.name).chain(OWN);
    assert_eq!(found, described.map(str::to_owned).collect());
    for table in tables::all() {
        sqlx::query(AssertSqlSafe(create(table))).execute(&pool).await.unwrap();
        let described = columns(&pool, &format!("described_{}", table.name)).await;
        assert_eq!(columns(&pool, table.name).await, described, "{}", table.name);
        let comment = sqlx::query("select obj_description($1::regclass)").bind(table.name);
        let comment: String = comment.fetch_one(&pool).await.unwrap().get(0);
        assert_eq!(comment, table.about, "{}", table.name);
        let order = table.order().name;
        let indexed =
            sqlx::query("select 1 from pg_indexes where tablename = $1 and indexdef ~ ('\\(' || $2 || '[,)]')");
        let indexed = indexed.bind(table.name).bind(order).fetch_optional(&pool).await.unwrap();
        assert!(indexed.is_some(), "pages of {} are ordered by {order}, which has no index", table.name);
        for column in table.columns.iter().filter(|column| column.filters) {
            let wanted = format!("({}, {order})", column.name);
            let indexed = sqlx::query("select 1 from pg_indexes where tablename = $1 and strpos(indexdef, $2) > 0");
            let indexed = indexed.bind(table.name).bind(&wanted).fetch_optional(&pool).await.unwrap();
            assert!(indexed.is_some(), "{} is filtered by {}, and has no index of {wanted}", table.name, column.name);
        }
    }
    test.close().await;
}

/// Nodes of a plan, from the top down.
fn nodes<'a>(plan: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(plan);
    for below in plan["Plans"].as_array().into_iter().flatten() {
        nodes(below, found);
    }
}

/// Whatever is asked, and at whichever end: a page is read from an index, in its order, and no other row is. So the
/// last page is as fast as the first, among however many rows.
#[tokio::test]
async fn every_page_is_read_from_an_index_in_its_order() {
    let test = database::open().await;
    let mut tx = test.database.pool().begin().await.unwrap();
    // What reads a whole table, or sorts, is not done unless nothing else will do.
    for way in ["seqscan", "bitmapscan", "sort", "incremental_sort"] {
        sqlx::query(AssertSqlSafe(format!("set local enable_{way} = off"))).execute(&mut *tx).await.unwrap();
    }
    for table in tables::all() {
        let filters = table.columns.iter().filter(|column| column.filters).map(|column| Some(*column));
        for (filter, order, goes_on) in std::iter::once(None)
            .chain(filters)
            .flat_map(|filter| Order::ALL.map(|order| (filter, order)))
            .flat_map(|(filter, order)| [false, true].map(|goes_on| (filter, order, goes_on)))
        {
            let filters: Vec<Column> = filter.into_iter().collect();
            let page = Page { table, filters: &filters, goes_on, order, rows: 101 };
            let mut text = page.statement();
            let place = goes_on.then(|| table.order());
            for (index, column) in filters.iter().copied().chain(place).enumerate() {
                let value = match column.kind {
                    Kind::Boolean => "true",
                    _ => "77",
                };
                text = text.replace(&format!("${}::text", index + 1), &format!("'{value}'::text"));
            }
            let explained = sqlx::query(AssertSqlSafe(format!("explain (format json) {text}")));
            let plan: Value = explained.fetch_one(&mut *tx).await.unwrap().get(0);
            let mut found = Vec::new();
            nodes(&plan[0]["Plan"], &mut found);
            let kinds: Vec<_> = found.iter().map(|node| node["Node Type"].as_str().unwrap()).collect();
            let (scan, above) = (found.last().unwrap(), &kinds[..kinds.len() - 1]);
            assert!(["Index Scan", "Index Only Scan"].contains(kinds.last().unwrap()), "{text}: {plan}");
            assert_eq!(above, ["Limit"], "{text}: {plan}");
            // What the index does not answer is looked up row by row.
            assert!(scan["Filter"].is_null(), "{text}: {plan}");
        }
    }
    tx.rollback().await.unwrap();
    test.close().await;
}

/// The migration after which rows may hold everything.
const WIDE: &str = "0009_as_wide_as_the_chain.sql";

#[tokio::test]
async fn an_older_database_is_brought_up_to_date_with_its_rows() {
    let test = database::open().await;
    let mut connection = test.database.pool().acquire().await.unwrap();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    sqlx::raw_sql("create schema older; set search_path to older").execute(&mut *connection).await.unwrap();
    for file in files {
        if file.ends_with(WIDE) {
            let rows =
                "insert into agent (key, body, height) values ('1', '{\"id\": 1, \"card\": {\"uri\": \"␀0\"}}', 1);
                insert into resting_handle (key, body, height) values ('␀', '{\"handle\": \"␀\", \"until_ms\": 2}', 1);
                insert into event values (1, 'r', 0, 'registry', 1, 'told␀', 'a.near', 'a line␀', '[\"␀\"]');
                insert into dead_letter values (1, 'r', 1, 'registry', 'because', 'another line');
                insert into cursor (height, hash, chain_id) values (7, '', 'told')";
            sqlx::raw_sql(rows).execute(&mut *connection).await.unwrap();
        }
        let text = std::fs::read_to_string(file).unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await.unwrap();
    }
    // What has the sign that text is escaped with is escaped; all else is as it was.
    for (text, expected) in [
        ("select card_uri || id from agent", "␀␀01"),
        ("select key || handle || until_ms from resting_handle", "␀␀␀␀2"),
        ("select event || (body ->> 0) || convert_from(log, 'UTF8') from event", "told␀␀␀␀a line␀"),
        ("select reason || convert_from(log, 'UTF8') from dead_letter where seq is null", "becauseanother line"),
        ("select chain_id || height from cursor where genesis is null", "told7"),
        ("select ordinal || ',' || nextval('event_ordinal') from event", "1,2"),
    ] {
        let found: String = sqlx::query(text).fetch_one(&mut *connection).await.unwrap().get(0);
        assert_eq!(found, expected, "{text}");
    }
    connection.close().await.unwrap();
    test.close().await;
}

#[test]
fn what_a_table_is_read_by_is_listed_and_names_are_given_once() {
    let mut seen = BTreeSet::new();
    let mut paths = BTreeSet::from(["events", "graphql", "permissions", "ranking", "status", "stream", "verify"]);
    for table in tables::all() {
        if let Truth::PerParent { parent, of, .. } = table.truth {
            assert!(matches!(parent.truth, Truth::Pages { .. }), "{} is not listed", parent.name);
            assert!(table.column(of).is_some_and(|column| column.kind == Kind::Number), "{} has no {of}", table.name);
        }
        assert!(seen.insert(table.name), "{} is there twice", table.name);
        assert!(paths.insert(table.path), "{} is served twice", table.path);
    }
}

fn row(column: &Column) -> String {
    let from = match column.source {
        Source::Key => "the key".to_owned(),
        Source::Field(field) => format!("`{field}`"),
    };
    let filter = if column.filters { "yes" } else { "" };
    format!("| `{}` | {} | {from} | {filter} |\n", column.name, column.kind.sql())
}

fn section(table: &Table) -> String {
    let key = match table.key {
        Key::Fields(fields) => fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(" / "),
        Key::Beside(name) => format!("the {name}, which is not in the record"),
    };
    let (name, about, path, truth) = (table.name, table.about, table.path, table.truth.describe());
    let mut text = format!(
        "\n### {name}\n\n{about}\n\n* Key: {key}\n* REST: `/v1/{path}`, by `{order}`\n* Truth: {truth}\n",
        order = table.order().name
    );
    if !table.columns.is_empty() {
        text.push_str("\n| column | type | from | REST filters |\n|---|---|---|---|\n");
        text.extend(table.columns.iter().map(row));
    }
    text
}

fn markdown() -> String {
    let mut text = "# Tables\n\nWritten by `cargo xtask schema`, from the descriptors in `indexer/server/src/tables/`.\n\n\
                    Every table has `key`, `body` (the record as the contract's views show it, JSON), `height` (the \
                    block that changed\nit last), and columns generated from these, so that a column can't say anything else \
                    than the record. `charter index\nverify` compares every row with its truth at one block, in both \
                    directions.\n\nWhat the indexer keeps of its work is in tables of its own: `cursor`, `contract`, `event` (every \
                    event, append-only),\n`dead_letter`, `verify_run`, and `light_head`, `trust_range` and `event_anchor`, which say what is \
                    proven of the rest;\ntheir comments say more.\n\n\
                    Columns are as wide as the chain's types: `numeric(20,0)` is 64 bits, `numeric(39,0)` 128. Text may \
                    hold U+0000, which\nPostgreSQL can't: in `key`, `body` and columns it stands as `␀0`, and `␀` (U+2400) \
                    itself as `␀␀`. REST takes and shows\ntext as it is on the chain. `event.log` and `dead_letter.log` are \
                    bytes, as the contract wrote them.\n"
        .to_owned();
    for contract in Contract::ALL {
        write!(text, "\n## {}\n", contract.name()).unwrap();
        text.extend(tables::all().filter(|table| table.contract == contract).map(section));
    }
    text
}

#[test]
fn the_reference_page_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schema.md");
    if std::env::var_os("CHARTER_WRITE_SCHEMA").is_some() {
        std::fs::write(path, markdown()).unwrap();
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(known, markdown(), "docs/reference/schema.md is out of date: cargo xtask schema writes it");
}

#[test]
fn the_schema_of_graphql_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schema.graphql");
    let told = format!(
        "# Written by `cargo xtask schema`, from the descriptors in `indexer/server/src/tables/`.\n\n{}",
        sdl()
    );
    if std::env::var_os("CHARTER_WRITE_SCHEMA").is_some() {
        std::fs::write(path, told).unwrap();
        return;
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(known, told, "docs/reference/schema.graphql is out of date: cargo xtask schema writes it");
}
