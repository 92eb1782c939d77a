//! What the binary says when it is ready, for programs that start it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

struct Started {
    process: Child,
    output: BufReader<ChildStdout>,
    ready: Value,
}

/// The address stands before the subcommand and the rest behind it.
fn start(arguments: &[&str]) -> Started {
    let mut process = Command::new(env!("CARGO_BIN_EXE_charter-localnet"))
        .args(["--rpc-addr", "127.0.0.1:0"])
        .args(arguments)
        .arg("--json")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    Started { process, output, ready: serde_json::from_str(&line).unwrap() }
}

/// Ends it as a supervisor does, and checks that it said nothing else.
fn stop(mut started: Started) {
    kill(Pid::from_raw(i32::try_from(started.process.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(started.process.wait().unwrap().success());
    let rest: Vec<String> = started.output.lines().map(Result::unwrap).collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn one_line_says_where_it_is_and_two_chains_take_two_ports() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let chains = [start(&["--chain-id", "one"]), start(&["--home", home, "--chain-id", "two"])];
    for (started, chain) in chains.iter().zip(["one", "two"]) {
        let ready = &started.ready;
        let url = ready["rpc"].as_str().unwrap();
        assert_eq!(url, format!("http://{}:{}", ready["address"].as_str().unwrap(), ready["port"]));
        let asked = json!({ "jsonrpc": "2.0", "id": 1, "method": "status", "params": [] });
        let answer = reqwest::Client::new().post(url).json(&asked).send().await.unwrap();
        let status: Value = answer.json().await.unwrap();
        assert_eq!(status["result"]["chain_id"], chain);
        assert_eq!(ready["chain_id"], chain);
        assert_eq!(ready["protocol_version"], status["result"]["protocol_version"]);
        let key: Value = serde_json::from_slice(&std::fs::read(ready["root_key"].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(key["account_id"], ready["root_account"]);
    }
    assert_ne!(chains[0].ready["port"], chains[1].ready["port"]);
    chains.into_iter().for_each(stop);
    // The kept chain as near-sandbox's command line runs it.
    for arguments in [["--home", home, "run"], ["run", "--home", home]] {
        let resumed = start(&arguments);
        assert_eq!(resumed.ready["chain_id"], "two");
        stop(resumed);
    }
}

async fn validators(started: &Started) -> usize {
    let asked = json!({ "jsonrpc": "2.0", "id": 1, "method": "status", "params": [] });
    let answer = reqwest::Client::new().post(started.ready["rpc"].as_str().unwrap()).json(&asked).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["result"]["validators"].as_array().unwrap().len()
}

#[tokio::test]
async fn validators_and_epochs_are_asked_for_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let started = start(&["--home", home, "--validators", "4", "--epoch-length", "6", "--seed", "5"]);
    assert_eq!(validators(&started).await, 4);
    stop(started);
    for (option, value, because) in
        [("--validators", "3", "has 4 validators"), ("--epoch-length", "7", "has epochs of 6 heights")]
    {
        let refused = Command::new(env!("CARGO_BIN_EXE_charter-localnet"))
            .args(["--rpc-addr", "127.0.0.1:0", "--home", home, option, value])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(because), "{said}");
    }
    let resumed = start(&["--home", home, "run"]);
    assert_eq!(validators(&resumed).await, 4);
    stop(resumed);
}
