//! Bad input: one sentence, a non-zero exit, no backtrace.

use crate::process::{run, text};

fn refused(arguments: &[&str], expected: &str) {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?} went through");
    let error = text(&output.stderr);
    assert!(error.contains(expected), "{arguments:?}: {error}");
    assert!(!error.contains("panicked") && !error.contains("stack backtrace"), "{error}");
}

#[test]
fn unknown_flags_and_values_are_named() {
    refused(&["demo", "--colour"], "unexpected argument '--colour'");
    refused(&["demo", "--until", "lunch"], "invalid value 'lunch'");
    refused(&["fly"], "unrecognized subcommand 'fly'");
}

#[test]
fn amounts_that_are_none_are_named() {
    let amount = "expected an amount like 2 or 0.05";
    let nothing = "expected an amount of more than 0";
    for (verb, wrong, expected) in [
        ("lock", "much", amount),
        ("lock", "1e3", amount),
        ("lock", "1.2.3", amount),
        ("lock", "0", nothing),
        ("lock", "0.0", nothing),
        ("unlock", "2NEAR", amount),
        ("unlock", "0", nothing),
        // 2^128.
        ("unlock", "340282366920938463463374607431768211456", amount),
    ] {
        refused(&["stake", verb, "2", wrong], expected);
    }
    refused(&["stake", "lock", "scout", "1"], "invalid value 'scout'");
    refused(&["stake", "lock", "2", "-1"], "unexpected argument '-1'");
    refused(&["stake", "withdraw"], "required arguments");
    refused(&["delegate", "to", "2", "bob.near", "some"], amount);
    refused(&["delegate", "to", "2", "Bob", "1"], "invalid value 'Bob'");
    refused(&["delegate", "to", "2", "bob.near"], "required arguments");
    refused(&["delegate", "stand", "2", "--agent", "scout"], "invalid value 'scout'");
    refused(&["vote", "1", "yes", "--as-agent", "scout"], "invalid value 'scout'");
    refused(&["line", "forget-ballots", "1"], "required arguments");
    let create = ["line", "create", "scout"];
    for (option, wrong, expected) in [
        ("--stake-asset", "Near", "expected near, or the account of a token"),
        ("--stake-floor", "0", nothing),
        ("--stake-floor", "half", amount),
        ("--stake-unlock", "soon", "expected a time like 90s"),
    ] {
        refused(&[&create[..], &[option, wrong]].concat(), expected);
    }
    refused(&["council", "change", "2", "--no-stake", "--stake-floor", "5"], "cannot be used with");
}

#[test]
fn a_busy_port_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    refused(&["localnet", "--rpc-addr", &addr], &format!("{addr} can't be listened on"));
}

#[test]
fn an_unreachable_database_or_node_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    refused(&["index", "verify", "--data-dir", path], "has no deployment");
    let deployment = r#"{"registry":"r.near","keys":"k.near","governance":"g.near","escrow":"e.near","tasks":"t.near","verifier":"v.near"}"#;
    std::fs::write(folder.path().join("deployment.json"), deployment).unwrap();
    refused(&["index", "verify", "--data-dir", path], "has no chain");
    let node = ["--rpc-url", "http://127.0.0.1:1"];
    // Who runs for long waits for either.
    let place = ["index", "verify", "--data-dir", path, "--database-url", "postgres://nobody@127.0.0.1:1/none"];
    refused(&[&place[..], &node].concat(), "the database can't be opened");
    refused(
        &["index", "run", "--data-dir", path, "--database-url", "nonsense", node[0], node[1]],
        "is no database URL",
    );
    // Nobody is believed by oversight.
    let elsewhere = ["index", "verify", "--data-dir", path, "--rpc-url", "http://192.0.2.1:1"];
    refused(&elsewhere, "whom should the index believe? --checkpoint HASH");
    refused(&[&elsewhere[..], &["--checkpoint", "latest"]].concat(), "expected the hash of a block");
    let hash = "11111111111111111111111111111111";
    refused(&[&elsewhere[..], &["--checkpoint", hash, "--trust-node"]].concat(), "cannot be used with");
    refused(&["index", "verify", "--data-dir", path, node[0], node[1], "--prove"], "name a --checkpoint");
    refused(&["index", "anchor", "--data-dir", path, node[0], node[1]], "name --account or --credentials");
    refused(&["index", "serve", "--data-dir", path, "--trust-node"], "means nothing without a node");
}

#[test]
fn deploy_wants_a_key_file_and_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let key = folder.path().join("key.json");
    refused(&["deploy", "--credentials", key.to_str().unwrap(), "--data-dir", path], "can't be read");
    std::fs::write(&key, "{}").unwrap();
    refused(&["deploy", "--credentials", key.to_str().unwrap(), "--data-dir", path], "is no key file");
    refused(&["deploy", "--chain", "moon", "--credentials", key.to_str().unwrap(), "--data-dir", path], "--chain is");
}
