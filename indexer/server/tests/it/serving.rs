//! REST for whoever runs it: waiting for a height, when to ask again, figures, and a page for people.
//!
//! Lines whose removal must fail these: `reach` in `parameters.rs`, either side of the `if` and of the `select` in
//! `reach`, `RETRY_AFTER`, any line of `metrics.rs`, the policy in `browse.rs`, `VERSION` in `letters.rs`.

use std::time::{Duration, Instant};

use charter_indexer::api::Server;
use charter_indexer::{Contract, Watch};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::taken::{Scene, plain_agent};

async fn serve(scene: &Scene, watch: Watch) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", watch).await.unwrap()
}

async fn get(server: &Server, path: &str) -> Response {
    reqwest::get(format!("http://{}{path}", server.addr)).await.unwrap()
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_answer_waits_until_the_tables_stand_at_a_height() {
    let scene = Scene::start().await;
    let mut indexer = scene.open().await;
    // The indexer tells of its commits; or it is another process, for all that the API knows.
    for is_here in [true, false] {
        let watch = Watch::default();
        let server = serve(&scene, watch.clone()).await;
        if is_here {
            indexer = indexer.watched_by(watch);
        }
        scene.node.emit(Contract::Registry, &[plain_agent(1)]);
        scene.node.block(Vec::new());
        let stands = indexer.catch_up().await.unwrap().height;
        for path in ["/v1/agents?limit=1", "/v1/agents/1?", "/v1/events?contract=registry", "/v1/status?"] {
            let answer = get(&server, &format!("{path}&min_height={stands}")).await;
            assert_eq!(answer.status().as_u16(), 200, "{path}");
        }
        let wanted = stands + 2;
        let url = format!("http://{}/v1/agents?min_height={wanted}", server.addr);
        let waiting = tokio::spawn(async move { Client::new().get(url).send().await.unwrap() });
        for _ in 0..4 {
            scene.node.block(Vec::new());
            indexer.catch_up().await.unwrap();
        }
        let answer = waiting.await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert!(header(&answer, "x-indexed-height").unwrap().parse::<u64>().unwrap() >= wanted);
    }
    drop(indexer);
    scene.end().await;
}

#[tokio::test]
async fn a_height_that_does_not_come_is_not_waited_for_for_ever() {
    let scene = Scene::start().await;
    let here = Watch::default();
    let mut indexer = scene.open().await.watched_by(here.clone());
    let stands = indexer.catch_up().await.unwrap().height;
    let (first, second) = (serve(&scene, here).await, serve(&scene, Watch::default()).await);
    let asked = Instant::now();
    let (path, most) = (format!("/v1/agents?min_height={}", stands + 1), format!("/v1/agents?min_height={}", u64::MAX));
    let (one, other) = tokio::join!(get(&first, &path), get(&second, &most));
    assert!(asked.elapsed() >= Duration::from_secs(5));
    for answer in [one, other] {
        assert_eq!(answer.status().as_u16(), 409);
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((&problem["code"], &problem["height"]), (&json!("API_BEHIND"), &json!(stands)), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("the tables stand at block {stands}, and not at ")), "{detail}");
    }
    drop((first, second, indexer));
    scene.end().await;
}

#[tokio::test]
async fn who_gets_no_answer_for_now_is_told_when_to_ask_again() {
    let scene = Scene::start().await;
    let server = serve(&scene, Watch::default()).await;
    let (empty, missing, good) =
        (get(&server, "/readyz").await, get(&server, "/v1/agents/1").await, get(&server, "/v1/agents").await);
    scene.pool.close().await;
    let gone = get(&server, "/v1/agents").await;
    for (answer, status, expected) in
        [(empty, 503, Some("1")), (missing, 404, None), (good, 200, None), (gone, 503, Some("1"))]
    {
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(header(&answer, "retry-after").as_deref(), expected, "{status}");
    }
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn readiness_tells_of_age_dead_letters_and_versions_to_come() {
    let scene = Scene::start().await;
    let server = serve(&scene, Watch::default()).await;
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    scene.node.set_time(u64::try_from(now_ms).unwrap() - 3_600_000);
    let strange = r#"EVENT_JSON:{"standard":"charter_keys","version":"1.0.0","event":"e","data":[]}"#.to_owned();
    for contract in [Contract::Keys, Contract::Registry, Contract::Registry] {
        let log = scene.node.world(|world| world.emit_unknown(contract));
        scene.node.block(vec![(contract, vec![log])]);
    }
    let log = scene.node.world(|world| world.emit_raw(Contract::Keys, strange));
    scene.node.block(vec![(Contract::Keys, vec![log])]);
    scene.node.block(Vec::new());
    assert_eq!(scene.mirror().await.mismatches, 0);
    let ready: Value = get(&server, "/readyz").await.json().await.unwrap();
    // It is an answer of now for all that.
    assert_eq!((&ready["ready"], &ready["dead_letters"]), (&json!(true), &json!(4)), "{ready}");
    let version =
        |contract: &str, events: u64| json!({ "contract": contract, "version": "\"2.0.0\"", "events": events });
    assert_eq!(ready["unknown_versions"], json!([version("keys", 1), version("registry", 2)]), "{ready}");
    let hours = 3_600_000..7_200_000;
    assert!(hours.contains(&ready["age_ms"].as_u64().unwrap()), "{ready}");
    assert!(ready["verification"]["age_ms"].as_u64().unwrap() < 60_000, "{ready}");
    drop(server);
    scene.end().await;
}

/// The value of a sample.
fn sample(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

#[tokio::test]
async fn figures_are_those_of_the_tables_and_of_what_was_asked() {
    let scene = Scene::start().await;
    let watch = Watch::default();
    let server = serve(&scene, watch.clone()).await;
    scene.node.emit(Contract::Registry, &[plain_agent(1), plain_agent(2)]);
    let unknown = scene.node.world(|world| world.emit_unknown(Contract::Keys));
    scene.node.block(vec![(Contract::Keys, vec![unknown])]);
    scene.node.block(Vec::new());
    let mut indexer = scene.open().await.watched_by(watch);
    indexer.catch_up().await.unwrap();
    let rows = scene.verify().await.rows;
    for path in ["/v1/agents", "/v1/agents?limit=1", "/v1/agents?limit=0", "/v1/agents/9", "/secret", "/another"] {
        get(&server, path).await;
    }
    let answer = get(&server, "/metrics").await;
    assert_eq!(header(&answer, "content-type").unwrap(), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    for (name, expected) in [
        ("charter_database_up", "1"),
        ("charter_head_height", "4"),
        ("charter_indexed_height", "4"),
        ("charter_lag_blocks", "0"),
        ("charter_node_trouble", "0"),
        ("charter_dead_letters", "1"),
        ("charter_events_total{contract=\"registry\"}", "2"),
        ("charter_events_total{contract=\"keys\"}", "1"),
        ("charter_events_total{contract=\"escrow\"}", "0"),
        ("charter_verify_mismatches", "0"),
        ("charter_verify_rows", &rows.to_string()),
        ("charter_requests_total{route=\"/v1/agents\",class=\"2xx\"}", "2"),
        ("charter_requests_total{route=\"/v1/agents\",class=\"4xx\"}", "1"),
        ("charter_requests_total{route=\"/v1/agents/{key}\",class=\"4xx\"}", "1"),
        ("charter_requests_total{route=\"none\",class=\"4xx\"}", "2"),
    ] {
        assert_eq!(sample(&text, name).as_deref(), Some(expected), "{name}: {text}");
    }
    for name in ["charter_indexed_age_seconds", "charter_verify_age_seconds"] {
        assert!(sample(&text, name).unwrap().parse::<f64>().unwrap() >= 0.0, "{name}: {text}");
    }
    // The head, blocks, receipts and what contracts say of their events: each is a question or more.
    assert!(sample(&text, "charter_node_requests_total").unwrap().parse::<u64>().unwrap() > 8, "{text}");
    // What nobody could know beforehand is no label, and each family says what it is, once.
    assert!(!text.contains("secret"), "{text}");
    let said: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    assert_eq!(said.len(), said.iter().collect::<std::collections::BTreeSet<_>>().len(), "{text}");
    // A database that is gone is a figure, too.
    scene.pool.close().await;
    let text = get(&server, "/metrics").await.text().await.unwrap();
    assert_eq!(sample(&text, "charter_database_up").as_deref(), Some("0"), "{text}");
    assert_eq!(
        sample(&text, "charter_requests_total{route=\"/metrics\",class=\"2xx\"}").as_deref(),
        Some("1"),
        "{text}"
    );
    drop((server, indexer));
    scene.end().await;
}

#[tokio::test]
async fn the_page_for_people_loads_nothing_from_elsewhere() {
    let scene = Scene::start().await;
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene, Watch::default()).await;
    let page = get(&server, "/").await;
    let text = page.text().await.unwrap();
    let named: Vec<&str> = text.split('"').filter(|part| part.starts_with('/')).collect();
    assert!(named.contains(&"/browse.js") && named.contains(&"/browse.css"), "{named:?}");
    for path in std::iter::once("/").chain(named) {
        let answer = get(&server, path).await;
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        if path == "/openapi.json" {
            continue;
        }
        let policy = header(&answer, "content-security-policy").unwrap();
        for directive in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|part| part == directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&answer, "x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        let kind = header(&answer, "content-type").unwrap();
        let text = answer.text().await.unwrap();
        let expected = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript",
            Some((_, "css")) => "text/css",
            _ => "text/html",
        };
        assert!(kind.starts_with(expected), "{path}: {kind}");
        // Nothing of elsewhere, nothing that the policy would forbid, and nothing that takes an answer for HTML.
        for forbidden in ["http:", "https:", "style=", "onclick=", "<script>", "innerHTML", "eval(", "import("] {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
    }
    drop(server);
    scene.end().await;
}
