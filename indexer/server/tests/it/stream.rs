//! `/v1/stream`: from whatever id on, each event comes exactly once, however often a client comes back.
//!
//! Lines whose removal must fail these: `line.ordinal > self.place` and `part.after <= self.place` in `stream.rs`, the empty
//! part in `tell_all`, `last.unwrap_or(end)` and `came.notify_one` in `feed.rs`, `telling.abort`, `pg_notify` in `store.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use charter_indexer::api::Server;
use charter_indexer::{Contract, Watch, letters};
use charter_types::Hash32;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sqlx::Executor;
use sqlx::postgres::PgListener;

use crate::database;
use crate::taken::{Chance, Scene, plain_agent};

/// Blocks of the property, and how often the server is another one meanwhile.
const BLOCKS: usize = 40;
const SERVERS: usize = 3;
const CLIENTS: usize = 4;

/// A client's end of a stream.
pub struct Stream {
    response: Response,
    read: Vec<u8>,
}

async fn ask(addr: SocketAddr, query: &str, last: Option<u64>) -> reqwest::Result<Response> {
    let mut request = Client::new().get(format!("http://{addr}/v1/stream{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    request.send().await
}

impl Stream {
    async fn try_open(addr: SocketAddr, query: &str, last: Option<u64>) -> reqwest::Result<Self> {
        let response = ask(addr, query, last).await?;
        assert_eq!(response.status().as_u16(), 200, "{query} {last:?}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("content-type").as_str(), header("cache-control").as_str()),
            ("text/event-stream", "no-cache")
        );
        Ok(Self { response, read: Vec::new() })
    }

    pub async fn open(server: &Server, query: &str, last: Option<u64>) -> Self {
        Self::try_open(server.addr, query, last).await.unwrap()
    }

    /// What comes next, with its id. `None`: the stream has ended.
    async fn next(&mut self) -> Option<(u64, Option<Value>)> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.read.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                let data = field("data: ").map(|data| serde_json::from_str(data).unwrap());
                return Some((field("id: ").unwrap().parse().unwrap(), data));
            }
            let chunk = self.response.chunk().await.ok()??;
            self.read.extend_from_slice(&chunk);
        }
    }

    /// The next event.
    async fn event(&mut self) -> Option<(u64, Value)> {
        loop {
            if let (id, Some(data)) = self.next().await? {
                return Some((id, data));
            }
        }
    }

    pub async fn events(&mut self, count: usize) -> Vec<(u64, Value)> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event().await.unwrap());
        }
        events
    }
}

async fn serve(scene: &Scene, watch: Watch) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", watch).await.unwrap()
}

/// A fact of a contract.
fn fact(contract: Contract, number: u64) -> Value {
    match contract {
        Contract::Registry => plain_agent(number % 5 + 1),
        Contract::Keys => json!({ "anchor": {
            "host": 1, "from": number, "to": number, "merkle_root": Hash32::default(), "at_ms": 1,
        } }),
        Contract::Governance | Contract::Escrow => json!({ "denied": { "agent": 1, "code": "none" } }),
    }
}

/// What a chain told: how many events each contract has.
type Told = BTreeMap<&'static str, u64>;

/// Makes blocks with events of several contracts, and mirrors them.
async fn tell(
    scene: &Scene,
    chance: &mut Chance,
    watch: Watch,
    addr: &Mutex<SocketAddr>,
    all: usize,
) -> (Told, Server) {
    let mut server = serve(scene, watch.clone()).await;
    *addr.lock().unwrap() = server.addr;
    let mut indexer = scene.open().await.watched_by(watch.clone());
    let (mut told, mut count) = (Told::new(), 0);
    for block in 0..BLOCKS {
        let mut receipts = Vec::new();
        let left = all - count;
        let events = if block + 1 == BLOCKS { left } else { chance.below(all / BLOCKS * 2).min(left) };
        for _ in 0..events {
            let contract = Contract::ALL[chance.below(Contract::ALL.len())];
            let seq = told.entry(contract.name()).or_default();
            *seq += 1;
            receipts
                .push((contract, vec![scene.node.world(|world| world.emit(contract, "told", &fact(contract, *seq)))]));
        }
        count += events;
        scene.node.block(receipts);
        if chance.below(3) > 0 {
            indexer.catch_up().await.unwrap();
        }
        if block % (BLOCKS / SERVERS) == BLOCKS / SERVERS - 1 {
            drop(server);
            server = serve(scene, watch.clone()).await;
            *addr.lock().unwrap() = server.addr;
        }
    }
    scene.node.block(Vec::new());
    indexer.catch_up().await.unwrap();
    (told, server)
}

/// Listens until it has so many events, and comes back after each number of events that it is given, or when it is sent away.
async fn listen(addr: &Mutex<SocketAddr>, all: usize, mut pauses: Vec<usize>) -> Vec<(u64, Value)> {
    let mut heard: Vec<(u64, Value)> = Vec::new();
    while heard.len() < all {
        let last = heard.last().map_or(0, |(id, _)| *id);
        let place = *addr.lock().unwrap();
        let Ok(mut stream) = Stream::try_open(place, "", Some(last)).await else {
            // Between two servers.
            tokio::task::yield_now().await;
            continue;
        };
        let until = heard.len() + pauses.pop().unwrap_or(all);
        while heard.len() < until.min(all) {
            let Some(event) = stream.event().await else { break };
            heard.push(event);
        }
    }
    heard
}

#[tokio::test]
async fn from_any_id_each_event_comes_exactly_once_while_an_indexer_commits() {
    let mut chance = Chance::new();
    let (scene, all) = (Scene::start().await, 200);
    let addr = Mutex::new(SocketAddr::from(([127, 0, 0, 1], 1)));
    let pauses: Vec<Vec<usize>> = (0..CLIENTS).map(|_| (0..20).map(|_| chance.below(20)).collect()).collect();
    let clients = futures_util::future::join_all(pauses.into_iter().map(|pauses| listen(&addr, all, pauses)));
    let ((told, server), heard) = tokio::join!(tell(&scene, &mut chance, Watch::default(), &addr, all), clients);
    // Each contract's events are there once and in their order, by its own numbers.
    let first = &heard[0];
    assert_eq!(first.len(), all);
    assert!(first.is_sorted_by(|one, other| one.0 < other.0), "{first:?}");
    for contract in Contract::ALL.map(Contract::name) {
        let of = first.iter().filter(|(_, event)| event["contract"] == contract);
        let found: Vec<u64> = of.map(|(_, event)| event["seq"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = (1..=told.get(contract).copied().unwrap_or_default()).collect();
        assert_eq!(found, expected, "{contract}");
    }
    // Blocks come in their order, too, and everybody hears the same.
    assert!(first.is_sorted_by_key(|(_, event)| event["height"].as_u64()), "{first:?}");
    for other in &heard[1..] {
        assert_eq!(other, first);
    }
    // From every id on, those that there is no event of among them, and from before the first.
    for last in 0..first.last().unwrap().0 {
        let rest: Vec<_> = first.iter().filter(|(id, _)| *id > last).cloned().collect();
        assert_eq!(Stream::open(&server, "", Some(last)).await.events(rest.len()).await, rest, "{last}");
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn a_stream_has_what_is_wanted_and_begins_where_it_is_told() {
    let scene = Scene::start().await;
    let watch = Watch::default();
    let server = serve(&scene, watch.clone()).await;
    let mut indexer = scene.open().await.watched_by(watch);
    let block = |name: &str| {
        let contracts = [Contract::Registry, Contract::Keys];
        let log = |contract| scene.node.world(|world| world.emit(contract, name, &fact(contract, 1)));
        scene.node.block(contracts.map(|contract| (contract, vec![log(contract)])).to_vec());
        scene.node.block(Vec::new());
    };
    for name in ["first", "second"] {
        block(name);
    }
    indexer.catch_up().await.unwrap();
    let names = |events: Vec<(u64, Value)>| {
        let name = |(_, event): (u64, Value)| format!("{} {}", event["contract"], event["event"]).replace('"', "");
        events.into_iter().map(name).collect::<Vec<_>>()
    };
    let mut all = Stream::open(&server, "?after=0", None).await;
    assert_eq!(names(all.events(4).await).len(), 4);
    // Without an id it begins at the end, and says where that is. A header counts for more than what is in the address.
    let mut now = Stream::open(&server, "", None).await;
    let (newest, nothing) = now.next().await.unwrap();
    assert_eq!((newest, nothing), (4, None));
    let mut keys = Stream::open(&server, "?contract=keys&after=0", Some(2)).await;
    let mut second = Stream::open(&server, "?event=second&contract=registry&after=0", None).await;
    let mut none = Stream::open(&server, "?event=third&after=0", None).await;
    block("third");
    indexer.catch_up().await.unwrap();
    block("second");
    indexer.catch_up().await.unwrap();
    assert_eq!(names(now.events(4).await), ["registry third", "keys third", "registry second", "keys second"]);
    assert_eq!(names(keys.events(3).await), ["keys second", "keys third", "keys second"]);
    assert_eq!(names(second.events(2).await), ["registry second", "registry second"]);
    assert_eq!(names(none.events(2).await), ["registry third", "keys third"]);
    for (query, last, status, code) in [
        ("?after=x", None, 400, "API_BAD_REQUEST"),
        ("?after=-1", None, 400, "API_BAD_REQUEST"),
        ("?after=18446744073709551616", None, 400, "API_BAD_REQUEST"),
        ("?contract=nobody", None, 400, "API_BAD_REQUEST"),
        ("?limit=1", None, 400, "API_BAD_REQUEST"),
        ("", Some(9), 409, "API_AHEAD"),
        ("?after=18446744073709551615", None, 409, "API_AHEAD"),
    ] {
        let refused = ask(server.addr, query, last).await.unwrap();
        assert_eq!(refused.status().as_u16(), status, "{query}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], code, "{query}: {problem}");
    }
    // A name is any text, as it is on the chain.
    Stream::open(&server, "?event=%00%E2%90%80'", None).await;
    drop((server, indexer));
    scene.end().await;
}

#[tokio::test]
async fn an_event_that_comes_late_is_told_last() {
    let scene = Scene::start().await;
    scene.pool.execute("alter table agent add constraint unwanted check (handle <> 'scout')").await.unwrap();
    let mut refused = plain_agent(1);
    refused["agent"]["handle"] = json!("scout");
    scene.node.emit(Contract::Registry, &[refused, plain_agent(2)]);
    scene.node.block(Vec::new());
    scene.open().await.catch_up().await.unwrap();
    // Nobody tells this server of commits; it looks.
    let server = serve(&scene, Watch::default()).await;
    let mut stream = Stream::open(&server, "?after=0", None).await;
    let (first, event) = stream.event().await.unwrap();
    assert_eq!(event["seq"], 2);
    scene.pool.execute("alter table agent drop constraint unwanted").await.unwrap();
    assert_eq!(letters::retry(&scene.pool).await.unwrap().applied, 1);
    let (second, event) = stream.event().await.unwrap();
    assert_eq!((&event["seq"], &event["height"]), (&json!(1), &json!(2)));
    assert!(second > first);
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn who_listens_holds_nobody_up_and_there_are_so_many_places() {
    let scene = Scene::start().await;
    let watch = Watch::default();
    let server = serve(&scene, watch.clone()).await;
    let mut indexer = scene.open().await.watched_by(watch);
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(Stream::open(&server, "?after=0", None).await);
    }
    let refused = ask(server.addr, "", None).await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "API_BUSY", "{problem}");
    // The embedded database has one connection, and it is free.
    scene.node.emit(Contract::Registry, &[plain_agent(1)]);
    scene.node.block(Vec::new());
    indexer.catch_up().await.unwrap();
    let answer = reqwest::get(format!("http://{}/v1/agents", server.addr)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    for stream in &mut streams {
        assert_eq!(stream.event().await.unwrap().1["seq"], 1);
    }
    let figures = reqwest::get(format!("http://{}/metrics", server.addr)).await.unwrap().text().await.unwrap();
    assert!(figures.contains("\ncharter_stream_listeners 256\n"), "{figures}");
    // Who leaves makes room.
    drop(streams.pop());
    while ask(server.addr, "", None).await.unwrap().status().as_u16() == 503 {
        tokio::task::yield_now().await;
    }
    // A server that stops sends everybody away.
    drop(server);
    let mut first = streams.swap_remove(0);
    while first.next().await.is_some() {}
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn a_server_tells_of_each_commit() {
    let Some(url) = database::on_server().await else { return };
    let scene = Scene::start_on(&url).await;
    let mut told = PgListener::connect(&url).await.unwrap();
    told.listen("charter_indexed").await.unwrap();
    scene.node.block(Vec::new());
    let stands = scene.open().await.catch_up().await.unwrap().height;
    assert_eq!(told.recv().await.unwrap().payload(), stands.to_string());
    drop(told);
    scene.end().await;
}
