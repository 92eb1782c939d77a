//! Compares the tables with the contracts, both at the block of the cursor.

use std::collections::BTreeMap;

use charter_client::{At, Contracts, Rpc, sha256};
use charter_types::escrow::args::Channels;
use charter_types::event::{EventHead, next_head};
use charter_types::governance::args::{AgentRef, ProposalRef};
use charter_types::keys::SealedKey;
use charter_types::keys::args::WrapRef;
use charter_types::{AccountId, Hash32, Named, Nothing, Page};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::run::named;
use crate::store::{self, Cursor};

/// The result of one comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub height: u64,
    /// Rows and events compared.
    pub rows: u64,
    pub mismatches: u64,
    /// The first mismatches, in words.
    pub detail: Vec<String>,
}

/// Mismatches described one by one; more are only counted.
const DETAIL_MAX: usize = 20;

type Rows = BTreeMap<String, Value>;

/// Everything in the tables, read under one transaction.
struct Mirror {
    cursor: Cursor,
    tables: BTreeMap<&'static str, Rows>,
    /// Per contract: events counted, the hash over their logs, and what the contract table says.
    chains: Vec<(String, EventHead, EventHead)>,
}

const TABLES: [&str; 23] = [
    "agent",
    "owner",
    "heartbeat",
    "recovery",
    "recovery_proposal",
    "attestation",
    "reputation",
    "registry_setting",
    "host",
    "secret",
    "wrap",
    "key_grant",
    "recipient",
    "budget",
    "lease",
    "approval",
    "keys_setting",
    "line",
    "release",
    "proposal",
    "ballot",
    "enrolment",
    "channel",
];

/// Compares every table with the contracts' views at the cursor's block. `None`: the database is still empty.
pub async fn verify(pool: &PgPool, rpc: &Rpc, contracts: &Contracts) -> Result<Option<Report>, IndexerError> {
    let mut connection = pool.acquire().await?;
    let Some(mirror) = read_mirror(&mut connection).await? else { return Ok(None) };
    // The connection goes back before the chain is asked: with the embedded database there is only one.
    drop(connection);
    let mut check =
        Check { rpc, contracts, at: At::Hash(mirror.cursor.hash), mirror: &mirror, rows: 0, found: Vec::new() };
    check.run().await?;
    let report = Report {
        height: mirror.cursor.height,
        rows: check.rows,
        mismatches: u64::try_from(check.found.len()).unwrap_or(u64::MAX),
        detail: check.found.into_iter().take(DETAIL_MAX).collect(),
    };
    let mut connection = pool.acquire().await?;
    sqlx::query("insert into verify_run (height, rows, mismatches, detail) values ($1, $2, $3, $4)")
        .bind(i64::try_from(report.height).unwrap_or(i64::MAX))
        .bind(i64::try_from(report.rows).unwrap_or(i64::MAX))
        .bind(i64::try_from(report.mismatches).unwrap_or(i64::MAX))
        .bind(json!(report.detail))
        .execute(&mut *connection)
        .await?;
    Ok(Some(report))
}

async fn read_mirror(connection: &mut PgConnection) -> Result<Option<Mirror>, IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await?;
    let Some((cursor, _)) = store::cursor(&mut tx).await? else { return Ok(None) };
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let text = format!("select key, body from {table}");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut *tx).await?;
        let rows = rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("body")?)));
        tables.insert(table, rows.collect::<Result<Rows, sqlx::Error>>()?);
    }
    let mut chains = Vec::new();
    for row in sqlx::query("select name, seq, head from contract order by name").fetch_all(&mut *tx).await? {
        let name: String = row.try_get("name")?;
        let seq: i64 = row.try_get("seq")?;
        let head: Vec<u8> = row.try_get("head")?;
        let kept =
            EventHead { seq: u64::try_from(seq).unwrap_or(0), head: Hash32(head.try_into().unwrap_or_default()) };
        let logs = sqlx::query("select log from event where contract = $1 order by seq")
            .bind(&name)
            .fetch_all(&mut *tx)
            .await?;
        let mut counted = EventHead::default();
        for log in &logs {
            let log: String = log.try_get("log")?;
            counted = EventHead { seq: counted.seq + 1, head: next_head(&counted.head, &log, sha256) };
        }
        chains.push((name, counted, kept));
    }
    tx.commit().await?;
    Ok(Some(Mirror { cursor, tables, chains }))
}

struct Check<'a> {
    rpc: &'a Rpc,
    contracts: &'a Contracts,
    at: At,
    mirror: &'a Mirror,
    rows: u64,
    found: Vec<String>,
}

impl Check<'_> {
    async fn run(&mut self) -> Result<(), IndexerError> {
        self.event_heads().await?;
        let contracts = self.contracts;
        self.paged(&contracts.registry, "agents", "agent").await?;
        self.owners().await?;
        self.paged(&contracts.registry, "heartbeats", "heartbeat").await?;
        self.paged(&contracts.registry, "recoveries", "recovery").await?;
        self.recovery_proposals().await?;
        self.paged(&contracts.registry, "attestations", "attestation").await?;
        self.reputations().await?;
        self.settings(&contracts.registry, "registry_setting").await?;
        self.paged(&contracts.keys, "hosts", "host").await?;
        self.paged(&contracts.keys, "secrets", "secret").await?;
        self.paged(&contracts.keys, "grants", "key_grant").await?;
        self.wraps().await?;
        self.recipients().await?;
        self.paged(&contracts.keys, "budgets", "budget").await?;
        self.one_by_one("lease", |body| json!({ "lease": body["id"] })).await?;
        self.one_by_one("approval", |body| json!({ "grant": body["grant"], "digest": body["digest"] })).await?;
        self.settings(&contracts.keys, "keys_setting").await?;
        self.paged(&contracts.governance, "lines", "line").await?;
        self.paged(&contracts.governance, "releases", "release").await?;
        self.paged(&contracts.governance, "proposals", "proposal").await?;
        self.ballots().await?;
        self.enrolments().await?;
        self.channels().await
    }

    fn rows(&self, table: &str) -> &Rows {
        static EMPTY: Rows = Rows::new();
        self.mirror.tables.get(table).unwrap_or(&EMPTY)
    }

    /// Counts a row, and a mismatch if the two sides differ.
    fn compare(&mut self, what: &str, ours: Option<&Value>, theirs: Option<&Value>) {
        self.rows += 1;
        if ours != theirs {
            let show = |side: Option<&Value>| side.map_or_else(|| "nothing".to_owned(), Value::to_string);
            self.found.push(format!("{what}: the table has {}, the contract {}", show(ours), show(theirs)));
        }
    }

    fn compare_all(&mut self, table: &'static str, theirs: &Rows) {
        let ours = self.rows(table).clone();
        for (key, body) in &ours {
            self.compare(&format!("{table} {key}"), Some(body), theirs.get(key));
        }
        for (key, body) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
            self.compare(&format!("{table} {key}"), None, Some(body));
        }
    }

    /// The tables hold every event, in order and unaltered, exactly if these hashes agree.
    async fn event_heads(&mut self) -> Result<(), IndexerError> {
        let accounts: BTreeMap<_, _> = named(self.contracts).into_iter().collect();
        for (name, counted, kept) in self.mirror.chains.clone() {
            let Some(account) = accounts.get(name.as_str()) else {
                self.compare(&format!("head of {name}"), Some(&json!(kept)), None);
                continue;
            };
            let theirs: EventHead = self.rpc.raw_view(account, "event_head", &Nothing {}, self.at).await?;
            self.rows += counted.seq;
            let theirs = json!(theirs);
            self.compare(&format!("events of {name}"), Some(&json!(counted)), Some(&theirs));
            self.compare(&format!("head of {name}"), Some(&json!(kept)), Some(&theirs));
        }
        Ok(())
    }

    /// Tables with dense ids, of their own or of the agent they belong to: the contract's list, page by page.
    async fn paged(&mut self, contract: &AccountId, method: &str, table: &'static str) -> Result<(), IndexerError> {
        let highest = self.highest_id(contract, table).await?;
        let mut theirs = Rows::new();
        let mut from = 1;
        while from <= highest {
            let page = Page { from, limit: None };
            let list: Vec<Value> = self.rpc.raw_view(contract, method, &page, self.at).await?;
            let id = |body: &Value| {
                let mut names = ["id", "agent", "grant"].iter();
                names.find_map(|name| body[*name].as_u64()).unwrap_or(0).to_string()
            };
            theirs.extend(list.into_iter().map(|body| (id(&body), body)));
            from += charter_types::PAGE_MAX;
        }
        self.compare_all(table, &theirs);
        Ok(())
    }

    async fn highest_id(&self, contract: &AccountId, table: &str) -> Result<u64, IndexerError> {
        if *contract == self.contracts.registry {
            let (highest, _): (u64, u64) = self.rpc.raw_view(contract, "agent_count", &Nothing {}, self.at).await?;
            return Ok(highest);
        }
        let (first, second, third): (u64, u64, u64) =
            self.rpc.raw_view(contract, "counts", &Nothing {}, self.at).await?;
        Ok(match table {
            "host" | "line" => first,
            "secret" | "release" => second,
            _ => third,
        })
    }

    async fn owners(&mut self) -> Result<(), IndexerError> {
        for (key, body) in self.rows("owner").clone() {
            let Ok(account) = key.parse() else { continue };
            let theirs: Option<Value> =
                self.rpc.raw_view(&self.contracts.registry, "owner", &Named { account }, self.at).await?;
            self.compare(&format!("owner {key}"), Some(&body), theirs.as_ref());
        }
        Ok(())
    }

    async fn recovery_proposals(&mut self) -> Result<(), IndexerError> {
        let mut theirs = Rows::new();
        for key in self.rows("recovery").keys().cloned().collect::<Vec<_>>() {
            let question = AgentRef { agent: key.parse().unwrap_or(0) };
            let list: Vec<Value> =
                self.rpc.raw_view(&self.contracts.registry, "recovery_proposals", &question, self.at).await?;
            let keyed = |body: Value| (format!("{key}/{}", body["proposer"].as_str().unwrap_or_default()), body);
            theirs.extend(list.into_iter().map(keyed));
        }
        self.compare_all("recovery_proposal", &theirs);
        Ok(())
    }

    /// The contract can't list what was reported; that nothing is missing here follows from the hash over its events.
    async fn reputations(&mut self) -> Result<(), IndexerError> {
        for (key, body) in self.rows("reputation").clone() {
            let question = json!({
                "agent": body["agent"], "epoch": body["epoch"], "reporter": body["reporter"], "asset": body["asset"],
            });
            let theirs: Option<Value> =
                self.rpc.raw_view(&self.contracts.registry, "reputation", &question, self.at).await?;
            self.compare(&format!("reputation {key}"), Some(&body), theirs.as_ref());
        }
        Ok(())
    }

    async fn settings(&mut self, contract: &AccountId, table: &'static str) -> Result<(), IndexerError> {
        for (key, body) in self.rows(table).clone() {
            let theirs: Value = self.rpc.raw_view(contract, &key, &Nothing {}, self.at).await?;
            self.compare(&format!("{table} {key}"), Some(&body), Some(&theirs));
        }
        Ok(())
    }

    /// Rows of keys that can't be listed on chain; that none is missing here follows from the hash over its events.
    async fn one_by_one(&mut self, table: &'static str, question: fn(&Value) -> Value) -> Result<(), IndexerError> {
        for (key, body) in self.rows(table).clone() {
            let theirs: Option<Value> =
                self.rpc.raw_view(&self.contracts.keys, table, &question(&body), self.at).await?;
            self.compare(&format!("{table} {key}"), Some(&body), theirs.as_ref());
        }
        Ok(())
    }

    async fn recipients(&mut self) -> Result<(), IndexerError> {
        let mut theirs = Rows::new();
        for key in self.rows("secret").keys().cloned().collect::<Vec<_>>() {
            let secret: u64 = key.parse().unwrap_or(0);
            let mut from = 0;
            loop {
                let question = json!({ "secret": secret, "from": from });
                let list: Vec<Value> =
                    self.rpc.raw_view(&self.contracts.keys, "who_received", &question, self.at).await?;
                let found = u64::try_from(list.len()).unwrap_or(u64::MAX);
                let keyed = list.into_iter().zip(from..).map(|(recipient, index)| {
                    (format!("{key}/{index}"), json!({ "secret": secret, "index": index, "recipient": recipient }))
                });
                theirs.extend(keyed);
                from += found;
                if found < charter_types::PAGE_MAX {
                    break;
                }
            }
        }
        self.compare_all("recipient", &theirs);
        Ok(())
    }

    /// A ciphertext is not in the tables; its hash and length are.
    async fn wraps(&mut self) -> Result<(), IndexerError> {
        for (key, body) in self.rows("wrap").clone() {
            let number = |field: &str| body[field].as_u64().unwrap_or(0);
            let question = WrapRef { secret: number("secret"), host: number("host") };
            // The contract shows data keys of the newest version only; older ones are as their events said.
            let newest = self.rows("secret").get(&number("secret").to_string()).map(|secret| secret["version"].clone());
            if newest.is_some_and(|newest| newest != body["version"]) {
                continue;
            }
            let theirs: Option<SealedKey> = self.rpc.raw_view(&self.contracts.keys, "wrap", &question, self.at).await?;
            let theirs = theirs.map(|key| {
                let mut expected = body.clone();
                expected["host_generation"] = json!(key.host_generation);
                expected["sha256"] = json!(Hash32(sha256(&key.sealed.0)));
                expected["bytes"] = json!(key.sealed.0.len());
                expected
            });
            self.compare(&format!("wrap {key}"), Some(&body), theirs.as_ref());
        }
        Ok(())
    }

    async fn ballots(&mut self) -> Result<(), IndexerError> {
        let mut theirs = Rows::new();
        for key in self.rows("proposal").keys().cloned().collect::<Vec<_>>() {
            let proposal = key.parse().unwrap_or(0);
            let list: Vec<Value> =
                self.rpc.raw_view(&self.contracts.governance, "ballots", &ProposalRef { proposal }, self.at).await?;
            let keyed = list.into_iter().map(|body| {
                let voter = body["voter"].as_str().unwrap_or_default().to_owned();
                (format!("{key}/{voter}"), body)
            });
            theirs.extend(keyed);
        }
        self.compare_all("ballot", &theirs);
        Ok(())
    }

    async fn enrolments(&mut self) -> Result<(), IndexerError> {
        let mut agents: Vec<String> = self.rows("agent").keys().cloned().collect();
        agents.extend(self.rows("enrolment").keys().cloned());
        agents.sort();
        agents.dedup();
        let mut theirs = Rows::new();
        for key in agents {
            let question = AgentRef { agent: key.parse().unwrap_or(0) };
            let found: Option<Value> =
                self.rpc.raw_view(&self.contracts.governance, "enrolment", &question, self.at).await?;
            theirs.extend(found.map(|body| (key, body)));
        }
        self.compare_all("enrolment", &theirs);
        Ok(())
    }

    /// The contract can't list its channels; that none is missing here follows from the hash over its events.
    async fn channels(&mut self) -> Result<(), IndexerError> {
        let keys: Vec<String> = self.rows("channel").keys().cloned().collect();
        let mut theirs = Rows::new();
        for page in keys.chunks(usize::try_from(charter_types::PAGE_MAX).unwrap_or(1)) {
            let channels = page.iter().filter_map(|key| key.parse().ok()).collect();
            let list: Vec<Value> =
                self.rpc.raw_view(&self.contracts.escrow, "channels", &Channels { channels }, self.at).await?;
            theirs.extend(list.into_iter().map(|body| (body["id"].as_str().unwrap_or_default().to_owned(), body)));
        }
        self.compare_all("channel", &theirs);
        Ok(())
    }
}
