//! The mirror takes what the chain takes: whatever a record may hold goes through decoding, Postgres and back, and compares
//! equal.
//!
//! Lines whose removal must fail these: either arm of `escape`, `undo_json` in `verify/part.rs`, `numeric(20,0)` in
//! `Kind::sql` with its migration, `remove_span` in `write`, `insert_by_halves`.

use charter_client::sha256;
use charter_indexer::{Contract, Database, Indexer, Report, letters, tables, verify};
use charter_types::event::PREFIX;
use charter_types::{Hash32, U128, escrow, governance, keys, registry};
use proptest::prelude::{BoxedStrategy, Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use sqlx::{PgPool, Row};

use crate::database::{self, TestDatabase};
use crate::node::{IDS, Node, World, changes, contracts};

#[path = "../../../../contracts/types/src/json/agreement/values.rs"]
mod values;

use values::values_of;

/// Events in one run.
const EVENTS: usize = 2_400;
const EVENTS_PER_RECEIPT: usize = 16;

/// Text that something on the way could take for something else.
const ODD_TEXT: [&str; 16] = [
    "\u{0}",
    "a\u{0}b",
    "\u{2400}",
    "\u{2400}0",
    "\u{2400}\u{2400}0",
    "\\u0000",
    "\\",
    "\"",
    "'",
    "%",
    "/",
    "a/b",
    "\u{1}\u{7f}",
    "\u{feff}",
    "\u{10ffff}",
    "",
];

pub struct Scene {
    pub node: Node,
    pub test: TestDatabase,
    pub pool: PgPool,
}

impl Scene {
    pub async fn start() -> Self {
        Self::over(database::open().await).await
    }

    /// With a database of the server's.
    pub async fn start_on(url: &str) -> Self {
        Self::over(TestDatabase::of(Database::connect(url).await.unwrap())).await
    }

    async fn over(test: TestDatabase) -> Self {
        let (node, pool) = (Node::start().await, test.database.pool().clone());
        Self { node, test, pool }
    }

    pub async fn open(&self) -> Indexer {
        Indexer::open(self.node.rpc(), &contracts(), self.pool.clone()).await.unwrap()
    }

    /// Mirrors all there is, and compares.
    pub async fn mirror(&self) -> Report {
        self.open().await.catch_up().await.unwrap();
        self.verify().await
    }

    pub async fn verify(&self) -> Report {
        verify(&self.pool, &self.node.rpc(), &contracts()).await.unwrap().unwrap()
    }

    pub async fn one(&self, text: &'static str) -> String {
        sqlx::query(text).fetch_one(&self.pool).await.unwrap().get(0)
    }

    pub async fn end(self) {
        self.test.close().await;
    }
}

/// What a wrap seals is smaller.
const SEALED_BYTES: u64 = 4_096;

fn facts() -> [(Contract, BoxedStrategy<Value>); 4] {
    [
        (Contract::Registry, values_of::<registry::Fact>()),
        (Contract::Keys, values_of::<keys::Fact>()),
        (Contract::Governance, values_of::<governance::Fact>()),
        (Contract::Escrow, values_of::<escrow::Fact>()),
    ]
}

fn is_fact(contract: Contract, new: &Value) -> bool {
    let new = new.clone();
    match contract {
        Contract::Registry => serde_json::from_value::<registry::Fact>(new).is_ok(),
        Contract::Keys => serde_json::from_value::<keys::Fact>(new).is_ok(),
        Contract::Governance => serde_json::from_value::<governance::Fact>(new).is_ok(),
        Contract::Escrow => serde_json::from_value::<escrow::Fact>(new).is_ok(),
    }
}

/// JSON pointers to all text in a value. Names of fields need no escapes.
fn texts(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| texts(item, &format!("{place}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| texts(field, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
}

/// Where arbitrary values come from.
pub struct Chance(TestRunner);

impl Chance {
    /// Another one each time; a failure names it.
    pub fn new() -> Self {
        let seed: [u8; 32] = match std::env::var("CHARTER_TEST_SEED") {
            Ok(text) => hex::decode(text).unwrap().try_into().unwrap(),
            Err(_) => sha256(format!("{:?}", std::time::SystemTime::now()).as_bytes()),
        };
        println!("CHARTER_TEST_SEED={}", hex::encode(seed));
        let config = Config { failure_persistence: None, ..Config::default() };
        Self(TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed)))
    }

    fn value<T: std::fmt::Debug>(&mut self, of: &impl Strategy<Value = T>) -> T {
        of.new_tree(&mut self.0).unwrap().current()
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.value(&(0..end))
    }

    /// A fact, in which text is odd wherever its type lets it be.
    fn fact(&mut self, contract: Contract, of: &BoxedStrategy<Value>) -> Value {
        let mut new = self.value(of);
        // The node shows what a wrap seals, whole: of gigabytes it would for minutes.
        let records = new.as_object_mut().into_iter().flat_map(|fact| fact.values_mut());
        for bytes in records.filter_map(|record| record.get_mut("bytes")) {
            *bytes = json!(bytes.as_u64().unwrap() % SEALED_BYTES);
        }
        let mut places = Vec::new();
        texts(&new, "", &mut places);
        for place in places {
            if self.value(&any::<bool>()) {
                let odd = ODD_TEXT[self.below(ODD_TEXT.len())];
                let before = std::mem::replace(new.pointer_mut(&place).unwrap(), json!(odd));
                if !is_fact(contract, &new) {
                    *new.pointer_mut(&place).unwrap() = before;
                }
            }
        }
        new
    }
}

/// Ids that contracts count are within what they counted.
fn counted(new: &mut Value) {
    let bound = |id: &mut Value| {
        if let Some(number) = id.as_u64() {
            *id = json!(number % IDS + 1);
        }
    };
    let Value::Object(fact) = new else { return };
    for (name, record) in fact {
        if name == "agents" {
            record["agents"].as_array_mut().unwrap().iter_mut().for_each(|agent| bound(&mut agent[0]));
        }
        let record = if name == "granted" { &mut record["grant"] } else { record };
        match record {
            Value::Object(fields) => {
                for field in ["id", "agent", "secret", "grant", "proposal"] {
                    fields.get_mut(field).into_iter().for_each(bound);
                }
                // A line's number is its rollout's.
                fields.get_mut("line").filter(|_| name == "rollout").into_iter().for_each(bound);
            }
            number => bound(number),
        }
    }
}

/// What contracts would never tell otherwise, because it follows from something else.
fn derived(world: &World, new: &mut Value) {
    if let Some(wrap) = new.get_mut("wrap") {
        let bytes = wrap["bytes"].as_u64().unwrap() % 64;
        wrap["bytes"] = json!(bytes);
        wrap["sha256"] = json!(Hash32(sha256(&vec![0; usize::try_from(bytes).unwrap()])));
        wrap["version"] = json!(wrap["version"].as_u64().unwrap() % 3);
        if !wrap["received"].is_null() {
            let known = world.all("recipient").filter(|row| row["secret"] == wrap["secret"]).count();
            wrap["received"] = json!(known);
        }
    }
    if let Some(secret) = new.get_mut("secret") {
        secret["version"] = json!(secret["version"].as_u64().unwrap() % 3);
    }
    if let Some(gone) = new.get_mut("recipients_removed") {
        let known = world.all("recipient").filter(|row| row["secret"] == gone["secret"]).count();
        let left = gone["left"].as_u64().unwrap() % 8;
        // All that come after those that are left.
        (gone["left"], gone["count"]) = (json!(left.min(u64::try_from(known).unwrap())), json!(u32::MAX));
    }
    if let Some(granted) = new.get_mut("granted") {
        let policy: keys::Policy = serde_json::from_value(granted["policy"].clone()).unwrap();
        granted["grant"]["policy_hash"] = json!(Hash32::of(&policy, sha256));
    }
    if let Some(grant) = new.get_mut("grant")
        && let Some(before) = world.all("key_grant").find(|row| row["id"] == grant["id"])
    {
        grant["policy_hash"] = before["policy_hash"].clone();
    }
}

/// A tally of a proposal that is there. While there is none, it is another fact.
fn tally(world: &World, chance: &mut Chance, new: &mut Value) {
    let Some(tally) = new.get_mut("tally") else { return };
    let proposals: Vec<_> = world.all("proposal").map(|row| row["id"].clone()).collect();
    if proposals.is_empty() {
        *new = json!({ "denied": { "agent": 1, "code": "none" } });
    } else {
        tally["proposal"] = proposals[chance.below(proposals.len())].clone();
    }
}

/// Claims and payouts of channels that are there, and rows of a batch that are.
fn claims(world: &World, chance: &mut Chance, new: &mut Value) {
    let channels: Vec<_> = world.all("channel").map(|row| row["id"].clone()).collect();
    for rows in ["/claims", "/claims_paid/rows", "/paid"] {
        let Some(rows) = new.pointer_mut(rows).and_then(Value::as_array_mut) else { continue };
        if channels.is_empty() {
            rows.clear();
        }
        for row in rows {
            row[0] = channels[chance.below(channels.len())].clone();
            row[1] = json!(U128(chance.value(&any::<u128>())));
        }
    }
    let Some(paid) = new.get_mut("claims_paid") else { return };
    let count = paid["rows"].as_array().unwrap().len();
    for indexes in ["raised", "due"] {
        let indexes = paid[indexes].as_array_mut().unwrap();
        if count == 0 {
            indexes.clear();
        }
        for index in indexes {
            let index = if index.is_array() { &mut index[0] } else { index };
            *index = json!(chance.below(count));
        }
    }
}

/// What rows of others belong to is there in the end, anew and with other content.
const PARENTS: [(Contract, &str); 4] = [
    (Contract::Registry, "recovery"),
    (Contract::Keys, "secret"),
    (Contract::Keys, "granted"),
    (Contract::Governance, "proposal"),
];

fn parents(chance: &mut Chance, facts: &[(Contract, BoxedStrategy<Value>); 4]) -> Vec<(Contract, Value)> {
    let mut made = Vec::new();
    for (contract, name) in PARENTS {
        let (_, strategy) = facts.iter().find(|(of, _)| *of == contract).unwrap();
        for id in 1..=IDS {
            let mut new = loop {
                let new = chance.fact(contract, strategy);
                if new.get(name).is_some() {
                    break new;
                }
            };
            let record = if name == "granted" { &mut new[name]["grant"] } else { &mut new[name] };
            record[if name == "recovery" { "agent" } else { "id" }] = json!(id);
            made.push((contract, new));
        }
    }
    // Recipients go many at once, maybe all that there are.
    let (_, strategy) = facts.iter().find(|(of, _)| *of == Contract::Keys).unwrap();
    let received = |new: &Value| new.pointer("/wrap/received").is_some_and(|received| !received.is_null());
    let wrap = std::iter::repeat_with(|| chance.fact(Contract::Keys, strategy)).find(received);
    made.push((Contract::Keys, wrap.unwrap()));
    made
}

#[tokio::test]
async fn arbitrary_values_of_every_fact_go_to_postgres_and_compare_equal() {
    let mut chance = Chance::new();
    let scene = Scene::start().await;
    let facts = facts();
    let parents = parents(&mut chance, &facts);
    let mut told: Vec<(Contract, Value)> = Vec::new();
    for _ in parents.len()..EVENTS {
        let (contract, strategy) = &facts[chance.below(facts.len())];
        told.push((*contract, chance.fact(*contract, strategy)));
    }
    told.extend(parents);
    let mut unknown = 0;
    for receipts in told.chunks(EVENTS_PER_RECEIPT) {
        let mut logs: Vec<(Contract, Vec<String>)> = Vec::new();
        for (contract, new) in receipts {
            let mut new = new.clone();
            counted(&mut new);
            scene.node.world(|world| {
                derived(world, &mut new);
                claims(world, &mut chance, &mut new);
                tally(world, &mut chance, &mut new);
                let name = ODD_TEXT[chance.below(ODD_TEXT.len())];
                logs.push((*contract, vec![world.emit(*contract, name, &new)]));
                if chance.below(200) == 0 {
                    unknown += 1;
                    logs.push((*contract, vec![world.emit_unknown(*contract)]));
                }
            });
        }
        scene.node.block(logs);
    }
    let report = scene.mirror().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    let found = letters::list(&scene.pool).await.unwrap();
    let unexpected: Vec<_> = found.iter().filter(|letter| letter.reason != "version \"2.0.0\"").collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert_eq!(report.dead_letters, unknown);
    let events: i64 = sqlx::query("select count(*) from event").fetch_one(&scene.pool).await.unwrap().get(0);
    assert_eq!(usize::try_from(events).unwrap(), EVENTS);
    for table in tables::all() {
        let filled = scene.node.world(|world| world.all(table.name).count());
        assert!(filled > 0, "{} has no row to compare", table.name);
    }
    scene.end().await;
}

#[tokio::test]
async fn ids_and_references_beyond_all_that_contracts_count_end_nothing() {
    let mut chance = Chance::new();
    let scene = Scene::start().await;
    let facts = facts();
    let mut refused = 0;
    for _ in 0..40 {
        let mut logs = Vec::new();
        for _ in 0..EVENTS_PER_RECEIPT {
            let (contract, strategy) = &facts[chance.below(facts.len())];
            let new = chance.fact(*contract, strategy);
            // Without its channel a claim or a payout can't be applied, and without its proposal no tally.
            let about_channels = ["claims", "claims_paid", "paid"].iter().any(|name| new.get(name).is_some());
            scene.node.world(|world| {
                let voted_on = new.get("tally").map(|tally| &tally["proposal"]);
                let is_known = |id: &Value| world.all("proposal").any(|row| row["id"] == *id);
                let is_lost = about_channels && !changes(*contract, &new).is_empty();
                refused += u64::from(is_lost || voted_on.is_some_and(|id| !is_known(id)));
                logs.push((*contract, vec![world.emit(*contract, "told", &new)]));
            });
        }
        scene.node.block(logs);
    }
    let report = scene.mirror().await;
    assert_eq!(report.dead_letters, refused, "{:?}", letters::list(&scene.pool).await.unwrap());
    scene.end().await;
}

fn agent(id: u64, handle: Option<&str>, uri: &str) -> Value {
    json!({ "agent": {
        "id": id, "owner": "alice.near", "status": { "state": "active" }, "handle": handle,
        "card": { "uri": uri, "sha256": Hash32::default() }, "card_revision": 1, "agent_account": null,
        "payout": "alice.near", "payout_offered_to": null, "operators": [], "guardians": [], "keys": [], "epoch": 1,
        "owner_epoch": 1, "offer": null, "transferable": false, "created_ms": 1, "unconfirmed": [],
    } })
}

/// An agent of a test.
pub fn plain_agent(id: u64) -> Value {
    agent(id, None, "https://a")
}

#[tokio::test]
async fn a_nul_in_a_card_is_mirrored_as_it_is() {
    let scene = Scene::start().await;
    let (nul, sign) = ("https://a/\u{0}", "https://a/\u{2400}0");
    scene.node.emit(Contract::Registry, &[agent(1, None, nul), agent(2, None, sign)]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    // In SQL both can be told apart, and from each other.
    let found = sqlx::query("select card_uri from agent order by id").fetch_all(&scene.pool).await.unwrap();
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, ["https://a/\u{2400}0", "https://a/\u{2400}\u{2400}0"]);
    // The log is what the contract wrote, byte for byte.
    let log: Vec<u8> = sqlx::query("select log from event where seq = 1").fetch_one(&scene.pool).await.unwrap().get(0);
    assert!(String::from_utf8(log).unwrap().contains("https://a/\\u0000"));
    scene.end().await;
}

#[tokio::test]
async fn a_nul_that_stands_in_a_log_as_it_is_does_not_stop_the_indexer() {
    let scene = Scene::start().await;
    let log = scene.node.world(|world| world.emit(Contract::Registry, "told", &plain_agent(1)));
    // No JSON; plain text; an event of another standard.
    let raw = vec![format!("{PREFIX}\u{0}"), "\u{0}".to_owned(), format!("{PREFIX}{{\"standard\":\"\\u0000\"}}"), log];
    scene.node.block(vec![(Contract::Registry, raw)]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 1), "{:?}", report.detail);
    let letters = letters::list(&scene.pool).await.unwrap();
    assert_eq!((letters[0].seq, letters[0].log.as_str()), (None, "EVENT_JSON:\u{0}"));
    scene.end().await;
}

#[tokio::test]
async fn the_largest_numbers_are_stored_as_they_are() {
    let scene = Scene::start().await;
    let anchor = json!({ "anchor": {
        "host": 1, "from": 0, "to": u64::MAX, "merkle_root": Hash32::default(), "at_ms": u64::MAX,
    } });
    let lease = json!({ "lease": {
        "id": 1, "grant": 1, "host": 1, "amount": u128::MAX.to_string(), "expires_ms": u64::MAX, "digest": null,
    } });
    scene.node.emit(Contract::Keys, &[anchor, lease]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    assert_eq!(scene.one("select last_use::text from anchor").await, u64::MAX.to_string());
    assert_eq!(scene.one("select expires_ms::text from lease").await, u64::MAX.to_string());
    assert_eq!(scene.one("select amount::text from lease").await, u128::MAX.to_string());
    scene.end().await;
}

#[tokio::test]
async fn a_handle_moves_between_agents_within_a_block() {
    for (from, to) in [(9, 5), (5, 9)] {
        let scene = Scene::start().await;
        let named = agent(from, Some("scout"), "https://a");
        scene.node.emit(Contract::Registry, &[named, plain_agent(to)]);
        scene.open().await.catch_up().await.unwrap();
        scene.node.emit(Contract::Registry, &[plain_agent(from), agent(to, Some("scout"), "https://a")]);
        let report = scene.mirror().await;
        assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
        // And with an agent that is retired.
        let end = json!({ "agent_retired": { "agent": to, "owner": "alice.near", "at_ms": 1 } });
        scene.node.emit(Contract::Registry, &[end, agent(from, Some("scout"), "https://a")]);
        let report = scene.mirror().await;
        assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
        assert_eq!(scene.one("select string_agg(key, ',') from agent where handle = 'scout'").await, from.to_string());
        scene.end().await;
    }
}

#[tokio::test]
async fn what_happens_to_a_row_in_one_block_happens_in_its_order() {
    let scene = Scene::start().await;
    let wrap = |version: u32, received: u32| {
        json!({ "wrap": {
            "secret": 1, "version": version, "host": 1, "host_generation": 0, "sha256": Hash32(sha256(&[0])), "bytes": 1,
            "received": received, "at_ms": 1,
        } })
    };
    let gone = |left: u32, count: u32| json!({ "recipients_removed": { "secret": 1, "left": left, "count": count } });
    // Four hosts; those from the second on are forgotten, all that could ever be; a new one takes that place.
    let facts = [wrap(1, 0), wrap(2, 1), wrap(3, 2), wrap(4, 3), gone(1, u32::MAX), wrap(5, 1)];
    // In one block, and each in its own.
    scene.node.emit(Contract::Keys, &facts);
    scene.open().await.catch_up().await.unwrap();
    let rows = "select string_agg(key || ':' || (body #>> '{recipient,version}'), ' ' order by key) from recipient";
    assert_eq!(scene.one(rows).await, "1/0:1 1/1:5");
    for fact in &facts {
        scene.node.emit(Contract::Keys, std::slice::from_ref(fact));
        scene.open().await.catch_up().await.unwrap();
    }
    assert_eq!(scene.one(rows).await, "1/0:1 1/1:5");
    scene.end().await;
}

#[tokio::test]
async fn votes_by_stake_that_are_forgotten_leave_no_row() {
    let scene = Scene::start().await;
    let ballot = json!({ "stake_ballot": {
        "proposal": 1, "voter": "alice.near", "choice": "yes", "own": "10", "received": "0", "number": 0, "agent": false,
        "round": 0,
    } });
    let taken = json!({ "overridden": {
        "proposal": 1, "delegate": "bob.near", "number": 1, "round": 0, "amount": "4",
    } });
    let gone = json!({ "ballots_forgotten": { "proposal": 1, "accounts": ["alice.near", "bob.near"] } });
    for (facts, left) in [(vec![ballot, taken], "2"), (vec![gone], "0")] {
        scene.node.emit(Contract::Governance, &facts);
        let report = scene.mirror().await;
        assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
        let rows = "select ((select count(*) from stake_ballot) + (select count(*) from overridden))::text";
        assert_eq!(scene.one(rows).await, left);
    }
    scene.end().await;
}

#[tokio::test]
async fn of_a_history_a_column_has_the_last_entry() {
    let scene = Scene::start().await;
    let pool = |line: u64, asset: Value, locked: &[&str]| {
        let locked: Vec<_> = locked.iter().map(|amount| json!({ "from_ms": 1, "amount": amount })).collect();
        json!({ "pool": {
            "line": line, "asset": asset, "unlock_ms": 8, "books": { "held": "9", "in_flight": "1" }, "delegates": 0,
            "locked": locked,
        } })
    };
    let most = u128::MAX.to_string();
    let token = json!({ "nep141": "usdc.near" });
    scene.node.emit(Contract::Governance, &[pool(1, json!("near"), &[]), pool(2, token, &["5", &most])]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    let rows = "select string_agg(concat_ws(':', line, token, locked, held), ' ' order by line) from stake_pool";
    assert_eq!(scene.one(rows).await, format!("1:9 2:usdc.near:{most}:9"));
    scene.end().await;
}
