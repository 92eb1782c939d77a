//! `deploy/indexer/`: what runs the indexer and watches it speaks of options and figures that there are.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use charter_client::{At, Rpc};
use charter_harness::Harness;
use serde_json::Value;

use crate::index_trust::folder;
use crate::index_verbs::{ends_well, start};
use crate::process::{run, text};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../indexer").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// YAML, as JSON has it.
fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&read(name)).unwrap()
}

/// Every text at a key, however deep.
fn at_key(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == key => found.push(text.to_owned()),
                    _ => at_key(value, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| at_key(item, key, found)),
        _ => {}
    }
}

/// Names in an expression that begin as ours do.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("charter_"))
}

/// The figures that an indexer with a light client serves once it has compared its tables.
async fn served() -> BTreeSet<String> {
    let harness = Harness::start_among(5, 8).await.unwrap();
    harness.make_blocks(16).await.unwrap();
    let (folder, url) = (folder(&harness), harness.rpc_url());
    let trusted = Rpc::new(url.clone()).block(At::Height(3)).await.unwrap().header.hash.to_string();
    let path = folder.path().to_str().unwrap();
    let place = ["run", "--data-dir", path, "--rpc-url", &url, "--from", "3", "--checkpoint", &trusted];
    let more = ["--serve", "127.0.0.1:0", "--verify-every", "100ms", "--json"];
    let mut child = start(&[&place[..], &more].concat());
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = tokio::task::block_in_place(|| said.find(|line| line.as_ref().unwrap().contains("\"api\"")));
    let ready: Value = serde_json::from_str(&ready.unwrap().unwrap()).unwrap();
    let metrics = format!("{}/metrics", ready["api"].as_str().unwrap());
    let figures = loop {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let figures: BTreeSet<String> = typed.map(str::to_owned).collect();
        let last = ["charter_verify_age_seconds", "charter_indexed_age_seconds", "charter_head_height"];
        if last.iter().all(|name| figures.contains(*name)) {
            break figures;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    };
    ends_well(child, "-TERM");
    figures
}

/// Rename a figure in `metrics.rs`, or misspell one in a file, and this fails.
#[tokio::test(flavor = "multi_thread")]
async fn the_board_and_the_alerts_ask_for_figures_that_are_served() {
    let served = served().await;
    let (board, alerts): (Value, Value) = (serde_json::from_str(&read("grafana.json")).unwrap(), yaml("alerts.yaml"));
    for (name, file, least) in [("grafana.json", board, 12), ("alerts.yaml", alerts, 10)] {
        let mut expressions = Vec::new();
        at_key(&file, "expr", &mut expressions);
        assert!(expressions.len() >= least, "{name} has {expressions:?}");
        for expression in &expressions {
            let closes =
                |open: char, close: char| expression.matches(open).count() == expression.matches(close).count();
            assert!(closes('(', ')') && closes('{', '}') && closes('[', ']'), "{name}: {expression}");
            for asked in names(expression) {
                assert!(served.contains(asked), "{name} asks for {asked}; there are {served:?}");
            }
            assert!(names(expression).next().is_some() || expression.starts_with("up{"), "{name}: {expression}");
        }
    }
}

#[test]
fn alerts_and_panels_say_what_they_are_about() {
    let alerts = yaml("alerts.yaml");
    let mut seen = BTreeSet::new();
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(seen.insert(name.to_owned()), "{name} is there twice");
        assert!(rule["annotations"]["summary"].is_string(), "{rule}");
        assert!(["page", "warn"].map(Value::from).contains(&rule["labels"]["severity"]), "{rule}");
        let operations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATIONS.md");
        assert!(
            std::fs::read_to_string(operations).unwrap().contains(name),
            "OPERATIONS.md does not say what {name} is"
        );
    }
    let board: Value = serde_json::from_str(&read("grafana.json")).unwrap();
    for panel in board["panels"].as_array().unwrap() {
        assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
    }
}

#[test]
fn containers_and_the_unit_use_options_that_there_are() {
    let help = text(&run(&["index", "run", "--help"]).stdout);
    let compose = yaml("compose.yaml");
    let indexer = &compose["services"]["indexer"];
    let set = indexer["environment"].as_object().unwrap();
    assert!(set.len() > 4);
    for name in set.keys() {
        assert!(help.contains(&format!("[env: {name}]")), "{name} is no option's: {help}");
    }
    assert_eq!(indexer["depends_on"]["postgres"]["condition"], "service_healthy");
    let built = file("../..").join(indexer["build"]["dockerfile"].as_str().unwrap());
    assert!(built.exists(), "{}", built.display());

    let unit = read("charter-index.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    assert_eq!((value("RestartForceExitStatus"), value("Restart")), ("75", "on-failure"));
    let (variable, _) = value("Environment").split_once('=').unwrap();
    assert!(help.contains(&format!("[env: {variable}]")), "{variable}");
    // What it starts, with the file beside it: whatever either names that does not exist is refused.
    let started =
        value("ExecStart").replace("${CREDENTIALS_DIRECTORY}/index.toml", file("index.toml").to_str().unwrap());
    let mut words = started.split(' ');
    assert_eq!(words.next(), Some("/usr/local/bin/charter"));
    let words: Vec<&str> = words.chain(["--help"]).collect();
    let output = run(&words);
    assert!(output.status.success(), "{}", text(&output.stderr));
}
