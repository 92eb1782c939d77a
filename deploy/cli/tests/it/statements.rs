//! What was stated of a release, shown to who votes on it: an index says who, the chain says what.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::dao::{open, proposed, says, start};
use crate::operator::Office;
use crate::process::{charter, text};

/// Stands in for an indexer that says what it wants: the same to whatever it is asked.
pub fn stand_in(status: &'static str, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut reader = BufReader::new(socket.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > "\r\n".len() {
                line.clear();
            }
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            socket.write_all(format!("{head}{answer}").as_bytes()).unwrap();
        }
    });
    url
}

/// A release of which bob says good things and carol does not.
fn disputed(office: &mut Office) {
    start(office);
    let create = "charter line create scout --member alice.test.near --vote 1h --timelock 1h --yes";
    office.json("alice", create);
    office.json("alice", &proposed("1.0.0"));
    let shown = office.json("alice", "charter release show 1");
    let digest = shown["release"]["content"]["artifacts"][0]["digest"].as_str().unwrap();
    let evidence = format!("--digest {digest} --sha256 {}", "0".repeat(64));
    for (name, verdict) in [("bob", "--ok"), ("carol", "--bad")] {
        let uri = format!("https://{name}.example/audit");
        office.json(name, &format!("charter statement add 1 --kind audit {evidence} {verdict} --uri {uri}"));
    }
}

/// What machines are told of it.
fn known(office: &mut Office, sources: &str) -> Value {
    office.json("alice", &format!("charter release show 1 {sources}"))["statements"].clone()
}

const GOOD: &str = "statement   bob.test.near: good, audited: OCI image, sha256 ";
const BAD: &str = "statement   carol.test.near: BAD, audited: OCI image, sha256 ";

#[tokio::test(flavor = "multi_thread")]
async fn voters_see_what_was_stated_and_the_chain_has_the_last_word() {
    let mut office = open();
    disputed(&mut office);
    let unlisted = "statements  are not listed without `--index` or `--said-by`\n";
    says(&mut office, "alice", "charter vote 1 yes --yes", &[unlisted]);
    assert_eq!(known(&mut office, "")["listing"], "not_asked");
    let named = "--said-by carol.test.near --said-by hal.test.near";
    let shown = [
        BAD,
        "; https://carol.example/audit, sha256 000",
        "statement   hal.test.near: has stated nothing\n",
        "statements  of others are not listed without",
    ];
    says(&mut office, "alice", &format!("charter vote 1 yes --yes {named}"), &shown);

    // The index that runs beside the chain, as soon as it has both.
    let index = format!("--index {}/", office.api);
    while known(&mut office, &index)["statements"].as_array().unwrap().len() < 2 {}
    assert_eq!(known(&mut office, &index)["listing"], "all");
    for verb in ["vote 1 yes --yes", "release show 1"] {
        let line = format!("charter {verb} {index}");
        says(&mut office, "alice", &line, &[GOOD, BAD]);
        let said = office.run_in("alice", &line);
        assert!(!format!("{}{}", text(&said.stderr), text(&said.stdout)).contains("statements "), "{said:?}");
    }

    // One that still has what was taken back, and says of bob what he never did.
    office.json("carol", "charter statement retract 1");
    let items = r#"{"items":[{"by":"carol.test.near","ok":true},{"by":"bob.test.near","ok":false}],"next":null}"#;
    let stale = format!("--index {}", stand_in("200 OK", items));
    let gone = "statement   carol.test.near: in the index only, the chain has none: taken back, or never made\n";
    says(&mut office, "alice", &format!("charter vote 1 yes --yes {stale}"), &[GOOD, gone]);
    let told = known(&mut office, &stale);
    assert_eq!((&told["only_in_index"], &told["silent"]), (&json!(["carol.test.near"]), &json!([])), "{told}");
    assert_eq!(told["statements"][0]["ok"], true, "{told}");
    let part = stand_in("200 OK", r#"{"items":[],"next":"1/z.near"}"#);
    says(&mut office, "alice", &format!("charter release show 1 --index {part}"), &["there are more than these 100"]);
    // What is no release has no statements.
    office.json("alice", "charter council change 2 --quorum 66.7 --yes");
    let shown = office.json("alice", &format!("charter release show 2 {stale}"));
    assert_eq!(shown["statements"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_fails_keeps_nobody_from_voting() {
    let mut office = open();
    disputed(&mut office);
    for (index, why) in [
        ("http://127.0.0.1:1/secret".to_owned(), "can't be reached\n"),
        (stand_in("503 Service Unavailable", ""), "answers 503 Service Unavailable\n"),
        (stand_in("200 OK", "<html>"), "answers with no list of statements\n"),
        (stand_in("200 OK", r#"{"items":[{"by":"No Account"}],"next":null}"#), "answers with no list of statements\n"),
    ] {
        let origin = index.trim_end_matches("/secret");
        let missing = format!("statements  are not listed: the index at {origin} {why}");
        let shown = [missing.as_str(), "voted yes on proposal 1"];
        says(&mut office, "alice", &format!("charter vote 1 yes --yes --index {index}"), &shown);
        let shown = [BAD, "statements  of others are not listed: the index at "];
        let line = format!("charter release show 1 --index {index} --said-by carol.test.near");
        says(&mut office, "alice", &line, &shown);
    }

    // By the environment, which an empty option overrules.
    let with = |more: &[&str]| {
        let mut command = charter();
        command.args(["vote", "1", "yes", "--yes"]).args(more).env("CHARTER_INDEX", "http://127.0.0.1:1");
        let output = command.current_dir(office.path("alice")).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stderr)
    };
    assert!(with(&[]).contains("the index at http://127.0.0.1:1 can't be reached"));
    assert!(with(&["--index", ""]).contains("are not listed without"));
    office.refused("alice", "charter vote 1 yes --yes --index 127.0.0.1:1", "expected an indexer's URL");
    office.refused("alice", "charter vote 1 yes --yes --said-by Bob", "invalid value 'Bob'");
}
