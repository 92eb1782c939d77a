//! What somebody new runs into on the first day: keys that are no keys, requests to approve that nobody showed, panic and
//! rearm, pipes that close, and processes that are told to stop.

use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::operator::{CARD, KEY, Office};
use crate::process::{charter, one_demo_at_a_time, run, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_alone_is_refused_before_anything_is_signed_and_never_shown() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.json("", "charter host init");
    let before = office.transactions_of("alice.test.near").await;
    for (content, named) in [
        ("a".to_owned(), "too short: 8 characters"),
        (format!("\"{KEY}\""), "quotes"),
        (format!("OPENAI_API_KEY={KEY}"), "NAME=value"),
        (format!("\u{feff}{KEY}"), "byte order mark"),
        (format!("Bearer {KEY}"), "scheme"),
    ] {
        std::fs::write(office.path("key.txt"), content).unwrap();
        let add = "charter key add openai --from-file key.txt --allow GET:a.example/v1 --yes";
        office.refused("", add, named);
    }
    let odd = [KEY.as_bytes(), &[0xff]].concat();
    let mut command = charter();
    command.args(["key", "add", "openai", "--from-env", "ODD", "--allow", "GET:a.example/v1", "--yes"]);
    let output = command.env("ODD", std::ffi::OsStr::from_bytes(&odd)).current_dir(office.path("")).output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("the key is not text") && !said.contains(KEY), "{said}");
    for (rule, named) in [
        ("GET:*.co.uk/", "POLICY_PUBLIC_SUFFIX"),
        ("GET:*.googleapis.com/", "POLICY_PUBLIC_SUFFIX"),
        ("GET:http://2130706433/", "POLICY_NUMERIC_HOST"),
        ("GET:http://api.openai.com/v1", "POLICY_PLAIN_HTTP"),
        ("GET:http://[::1]/v1", "IPv6"),
    ] {
        office.refused("", &format!("charter key add openai --from-env OPENAI_API_KEY --allow {rule} --yes"), named);
    }
    office.refused("", "charter key add 12 --from-env OPENAI_API_KEY --allow GET:a.example/v1 --yes", "is a number");
    assert_eq!(office.transactions_of("alice.test.near").await, before);
    std::fs::remove_file(office.path("key.txt")).unwrap();
    assert_eq!(office.leaks(KEY), 0);
    let wide = "charter key add openai --from-env OPENAI_API_KEY --allow GET:*.openai.com/v1 --yes";
    let said = text(&office.run_in("", wide).stderr);
    assert!(said.contains("WIDE: every host below openai.com"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_a_request_unseen() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.start_host();
    let add =
        "charter key add mail --from-env OPENAI_API_KEY --allow POST:http://localhost:PORT/v1 --needs-approval --yes";
    office.json("", add);
    let call = "charter host call mail POST /v1/send @req.json";
    let error = text(&office.run_in("", call).stderr);
    let digest = error.split("charter key approve 1 ").nth(1).unwrap().get(..64).unwrap().to_owned();
    office.json("", &format!("charter key ask 1 {digest} --host 1"));
    let approve = format!("charter key approve 1 {digest} --host 1");
    // Shown, and asked about.
    office.refused("", &approve, "say --yes");
    // Another request's digest is another.
    let kept = office.path("play/requests").join(format!("{digest}.json"));
    let mut request: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    request["url"] = json!(request["url"].as_str().unwrap().replace("send", "draft"));
    std::fs::write(office.path("other.json"), request.to_string()).unwrap();
    office.refused("", &format!("{approve} --request other.json --yes"), "is another request");
    std::fs::rename(&kept, office.path("copy.json")).unwrap();
    office.refused("", &format!("{approve} --yes"), "is not known here");
    office.refused("", call, "HOST_NEEDS_APPROVAL");
    let said = text(&office.run_in("", &format!("{approve} --request copy.json --yes")).stderr);
    assert!(said.contains("/v1/send") && said.contains(r#"{\"model\":\"tiny\""#), "{said}");
    office.json("", call);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_comes_back_after_panic_and_rearm() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.start_host();
    let add = "charter key add openai --from-env OPENAI_API_KEY --allow GET:http://localhost:PORT/v1 --yes";
    office.json("", add);
    office.json("", "charter agent panic");
    office.refused("", add, "`charter agent rearm` comes first");
    office.json("", "charter agent rearm");
    let grant = "charter key grant openai --allow GET:http://localhost:PORT/v1 --yes";
    for line in [grant, "charter key rotate openai --from-env NEW_KEY"] {
        office.refused("", line, "`charter key add openai` seals it anew");
    }
    office.refused("", "charter host call openai GET /v1/models", "EPOCH_MOVED");
    assert_eq!(office.json("", add)["grant"], 2);
    assert_eq!(office.json("", "charter host call openai GET /v1/models")["status"], 200);
    office.refused("", add, "there is a credential openai already");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_agent_is_the_one_that_commands_are_about_and_the_same_card_costs_nothing() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    assert_eq!(office.json("", "charter agent register --card card.json")["agent"], 1);
    let said = text(&office.run_in("", "charter agent register --card card.json").stdout);
    assert!(said.contains("no longer about agent 1"), "{said}");
    assert_eq!(office.json("", "charter agent show")["agent"]["id"], 2);
    let before = office.transactions_of("alice.test.near").await;
    assert_eq!(office.json("", "charter agent card --card card.json")["revision"], 1);
    assert_eq!(office.transactions_of("alice.test.near").await, before);
    // A card that says nothing, and one that readers take differently.
    for (content, named) in
        [("{}", "says nothing"), (r#"{"name":"a","name":"b"}"#, "is there twice"), ("\u{feff}{}", "byte order mark")]
    {
        std::fs::write(office.path("odd.json"), content).unwrap();
        office.refused("", "charter agent card --card odd.json", named);
    }
    std::fs::write(office.path("odd.json"), r#"{"agentId":1}"#).unwrap();
    let said = text(&office.run_in("", "charter agent card --card odd.json").stderr);
    assert!(said.contains("nobody can be expected to understand it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_for_machines_is_a_line_of_json_and_a_closed_pipe_is_none() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    let error = |output: &std::process::Output| -> Value {
        let said = text(&output.stderr);
        serde_json::from_str::<Value>(said.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{said}"))["error"].clone()
    };
    let missing = error(&office.run_in("", "charter agent show --agent 7 --json"));
    assert_eq!(missing, json!({ "code": null, "message": "there is no agent 7" }));
    let usage = error(&office.run_in("", "charter agent show --colour --json"));
    assert!(usage["message"].as_str().unwrap().contains("unexpected argument '--colour'"), "{usage}");
    office.json("", "charter agent register --card card.json");
    let refused = error(&office.run_in("", "charter agent accept --agent 1 --transfer --yes --json"));
    assert_eq!(refused["code"], "REGISTRY_NOT_OFFERED");
    let message = refused["message"].as_str().unwrap();
    assert_eq!(message.matches("REGISTRY_NOT_OFFERED").count(), 1, "{message}");

    // Nobody reads what is printed.
    for arguments in [["agent", "show"], ["key", "list"], ["status", "--data-dir=play"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = charter();
        let output = command.args(arguments).current_dir(office.path("")).stdout(writer).stderr(Stdio::piped()).spawn();
        let output = output.unwrap().wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

/// Waits for the line that a server says when it is ready.
fn wait_until(server: &mut Child, ready: &str) {
    let find = |output: &mut dyn BufRead| output.lines().map_while(Result::ok).any(|line| line.contains(ready));
    let found = match (&mut server.stdout, &mut server.stderr) {
        (Some(out), _) => find(&mut BufReader::new(out)),
        (None, Some(out)) => find(&mut BufReader::new(out)),
        (None, None) => false,
    };
    assert!(found, "it never said {ready}");
}

/// Stops a server as supervisors do.
fn stop(mut server: Child) {
    let stopped = Command::new("sh").args(["-c", &format!("kill -TERM {}", server.id())]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_is_told_to_stop_ends_well_and_the_demo_plays_on_a_used_folder() {
    let mut localnet =
        charter().args(["localnet", "--rpc-addr", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    wait_until(&mut localnet, "Ctrl-C stops it");
    stop(localnet);

    let _turn = one_demo_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let work = |line: &str| {
        let mut command = charter();
        command.args(line.split_whitespace()).current_dir(folder.path()).env("OPENAI_API_KEY", KEY);
        command
    };
    let demo = work("demo --serve --until deploy --data-dir play --api-addr 127.0.0.1:0");
    let mut demo = { demo }.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(&mut demo, "Ctrl-C stops");
    std::fs::write(folder.path().join("card.json"), CARD).unwrap();
    for line in [
        "init --data-dir play",
        "agent register --card card.json",
        "host init",
        "key add openai --from-env OPENAI_API_KEY --allow GET:a.example/v1 --yes",
        "key grant openai --to bob.test.near --allow GET:a.example/v1/x --yes",
        "agent panic",
        "agent rearm",
    ] {
        let output = work(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
    stop(demo);
    // Nothing is lost, and nothing is in the way: it goes on where it was.
    let output = work("demo --data-dir play --json").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["attacks_refused"], &summary["mismatches"]), (&json!(7), &json!(0)), "{summary}");
}

#[test]
fn an_option_of_run_means_the_same_in_front_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    assert!(run(&["localnet", "--home", home, "init", "--fast"]).status.success());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for arguments in [["--rpc-addr", &addr, "run"], ["run", "--rpc-addr", &addr]] {
        let output = run(&[&["localnet", "--home", home][..], &arguments].concat());
        assert!(text(&output.stderr).contains(&format!("{addr} can't be listened on")), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_listens_elsewhere_is_found_without_saying_where() {
    let mut office = Office::open();
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.start_host_with(&["--listen", "127.0.0.1:0"]);
    office.json("", "charter key add openai --from-env OPENAI_API_KEY --allow GET:http://localhost:PORT/v1 --yes");
    let answer = office.json("", "charter host call openai GET /v1/models");
    assert_eq!((&answer["status"], &answer["receipt"]), (&json!(200), &Value::Null));
    // Whoever names the request of an edge has the answer signed for it.
    let (edge, call) = ("07".repeat(32), "charter host call openai GET /v1/models");
    let answer = office.json("", &format!("{call} --answers {edge}:3"));
    let receipt = &answer["receipt"];
    assert_eq!((&receipt["edge"], &receipt["counter"]), (&json!(edge), &json!(3)));
    let said = text(&office.run_in("", &format!("{call} --answers {edge}:3")).stderr);
    assert!(said.contains(&format!("charter pay edge deliver {edge} 3 --response ")), "{said}");
    office.refused("", &format!("{call} --answers {edge}"), "expected EDGE:NUMBER");
    let asked = office.json("", &format!("{call} --asked"))["asked"].clone();
    assert_ne!(asked, office.json("", "charter host call openai GET /v1/other --asked")["asked"]);
    // Names of headers that are none, and those that the operator did not add, are refused in words.
    for (header, code) in [
        ("a@b:c", "HOST_HEADER: \"a@b\" is no name of a header"),
        ("x-mine:c", "HOST_HEADER: the header x-mine is not among those"),
        ("authorization:mine", "HOST_CREDENTIAL: leave the header \"authorization\" out"),
        ("x-http-method-override:DELETE", "HOST_OVERRIDE"),
    ] {
        office.refused("", &format!("charter host call openai GET /v1/models --header {header}"), code);
    }
    office.refused("", "charter host call openai GET /v1/models?mine=1", "HOST_QUERY");
    office.start_host_with(&["--header", "X-Mine", "--query", "mine"]);
    office.json("", "charter host call openai GET /v1/models?mine=1 --header x-mine:c");
    for (option, name) in [("--header", "x-api-key"), ("--header", "range"), ("--query", "_method")] {
        office.refused("", &format!("charter host run {option} {name}"), "leave");
    }
    office.refused("", "charter host call openai GET /v1 --token 00", "unexpected argument '--token'");
}
