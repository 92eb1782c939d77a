//! An operator's day, command by command: the five that make one use of a key, with their transcript in
//! `docs/operator.md` (`CHARTER_WRITE_TRANSCRIPT=1` writes it), and then everything else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::{Arc, Mutex};

use charter_client::Rpc;
use charter_harness::scanner;
use serde_json::{Value, json};

use crate::process::{charter, text};

/// A registration file of ERC-8004.
pub const CARD: &str = r#"{"type":"https://eips.ethereum.org/EIPS/eip-8004#registration-v1","name":"scout","description":"reads the news","services":[{"name":"MCP","endpoint":"https://mcp.scout.example/"}]}"#;
pub const KEY: &str = "sk-live-0123456789abcdef";
const NEW_KEY: &str = "sk-live-fedcba9876543210";

/// A service that writes down what it is asked, and answers with all of it: the key too, in several spellings.
struct EchoService {
    port: u16,
    log: Arc<Mutex<String>>,
}

impl EchoService {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&log);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let mut reader = BufReader::new(socket.try_clone().unwrap());
                let (mut head, mut length, mut key) = (String::new(), 0, String::new());
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                    match name.to_ascii_lowercase().as_str() {
                        "content-length" => length = value.trim().parse().unwrap(),
                        "authorization" => value.trim().trim_start_matches("Bearer ").clone_into(&mut key),
                        _ => {}
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let asked = format!("{head}\n{}", String::from_utf8(body).unwrap());
                seen.lock().unwrap().push_str(&asked);
                let answer = format!("your key is {key}, which is {} in hex\n", hex::encode(&key));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
                socket.write_all(format!("{head}{answer}").as_bytes()).unwrap();
            }
        });
        Self { port, log }
    }

    fn uses(&self, key: &str) -> usize {
        self.log.lock().unwrap().matches(&format!("Bearer {key}")).count()
    }
}

/// A process that is stopped with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a chain and its contracts, and somebody who works there.
pub struct Office {
    folder: tempfile::TempDir,
    service: EchoService,
    rpc: Rpc,
    /// Everything that any command printed.
    printed: Vec<u8>,
    pub transcript: String,
    /// Where the indexer of the chain serves its tables.
    pub api: String,
    _chain: Running,
    host: Option<Running>,
}

/// Starts a command that goes on, and waits until it says so.
fn start(folder: &Path, arguments: &[&str], ready: &str) -> (Running, String) {
    let mut command = charter();
    command.args(arguments).current_dir(folder).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains(ready)).unwrap_or_else(|| panic!("{arguments:?} ended"));
    // Nobody reads on: what a daemon says later must not block it.
    std::thread::spawn(move || lines.for_each(drop));
    (running, line)
}

impl Office {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = ["demo", "--serve", "--until", "deploy", "--data-dir", "play", "--api-addr", "127.0.0.1:0"];
        let (chain, said) = start(folder.path(), &demo, "Ctrl-C stops");
        let (_, api) = said.split_once("API at ").unwrap();
        let (api, _) = api.split_once(',').unwrap();
        let url: String =
            serde_json::from_slice(&std::fs::read(folder.path().join("play/node.json")).unwrap()).unwrap();
        std::fs::write(folder.path().join("card.json"), CARD).unwrap();
        std::fs::write(folder.path().join("req.json"), r#"{"model":"tiny","messages":[]}"#).unwrap();
        Self {
            folder,
            service: EchoService::start(),
            rpc: Rpc::new(url),
            printed: Vec::new(),
            transcript: String::new(),
            api: api.to_owned(),
            _chain: chain,
            host: None,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command line in a folder of its own below; words are split at blanks, `PORT` is the service's.
    pub fn run_in(&mut self, place: &str, line: &str) -> Output {
        let line = line.replace("PORT", &self.service.port.to_string());
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        let mut command = charter();
        command.args(arguments).current_dir(self.path(place)).stdin(Stdio::null());
        let output = command.env("OPENAI_API_KEY", KEY).env("NEW_KEY", NEW_KEY).output().unwrap();
        self.printed.extend([&output.stdout[..], &output.stderr].concat());
        output
    }

    /// Starts a command line that goes on, in a folder of its own below.
    pub fn start_in(&self, place: &str, line: &str) -> Running {
        let mut command = charter();
        command.args(line.split_whitespace().skip(1)).current_dir(self.path(place)).stdin(Stdio::null());
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// What a command that works prints, as JSON.
    pub fn json(&mut self, place: &str, line: &str) -> Value {
        let output = self.run_in(place, &format!("{line} --json"));
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{line}: {}", text(&output.stdout)))
    }

    pub fn refused(&mut self, place: &str, line: &str, expected: &str) {
        let output = self.run_in(place, line);
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{line} went through: {}", text(&output.stdout));
        assert!(error.contains(expected), "{line}: {error}");
        assert!(!error.contains("panicked"), "{line}: {error}");
    }

    /// A command of the transcript.
    fn show(&mut self, line: &str) {
        self.show_in("", line);
    }

    /// The same in a folder of its own below, which the prompt names.
    pub fn show_in(&mut self, place: &str, line: &str) {
        let output = self.run_in(place, line);
        let (said, printed) = (text(&output.stderr), text(&output.stdout));
        assert!(output.status.success(), "{line}: {said}");
        let prompt = if place.is_empty() { String::new() } else { format!("{place} ") };
        self.write_down_at(&prompt, line, &format!("{said}{printed}"));
    }

    /// A line between commands.
    pub fn note(&mut self, line: &str) {
        self.transcript.extend([line, "\n"]);
    }

    fn write_down(&mut self, line: &str, said: &str) {
        self.write_down_at("", line, said);
    }

    fn write_down_at(&mut self, prompt: &str, line: &str, said: &str) {
        let said = said.replace(self.folder.path().to_str().unwrap(), "/home/alice");
        let text = format!("{prompt}$ {line}\n{}\n", said.trim_end()).replace(&self.service.port.to_string(), "8080");
        self.transcript.push_str(&text.replace("PORT", "8080"));
    }

    pub fn start_host(&mut self) -> String {
        self.start_host_with(&[])
    }

    /// Starts the host anew, with other options.
    pub fn start_host_with(&mut self, more: &[&str]) -> String {
        self.host = None;
        let upstream = format!("127.0.0.1:{}", self.service.port);
        let arguments = [&["host", "run", "--upstream", &upstream][..], more].concat();
        let (host, said) = start(self.folder.path(), &arguments, "Ctrl-C stops");
        self.printed.extend(said.as_bytes());
        self.host = Some(host);
        said
    }

    pub async fn transactions_of(&self, account: &str) -> u64 {
        let params = json!({ "request_type": "view_access_key_list", "finality": "final", "account_id": account });
        let keys: Value = self.rpc.call("query", params).await.unwrap();
        keys["keys"][0]["access_key"]["nonce"].as_u64().unwrap()
    }

    /// In how much of what was printed, and in how many files of the folder, a key is. Who judges is the scanner.
    pub fn leaks(&self, key: &str) -> usize {
        let printed = scanner::leaks(key, [("printed", self.printed.as_slice())]).len();
        let (searched, found) = scanner::files_with(key, self.folder.path());
        assert!(searched > 10, "only {searched} files were searched");
        printed + found.len()
    }

    /// Lets an hour pass on the chain.
    pub async fn wait_an_hour(&self) {
        let before = self.now_ms().await;
        while self.now_ms().await < before + 3_600_000 {
            let _: Value = self.rpc.call("sandbox_fast_forward", json!({ "delta_height": 600 })).await.unwrap();
        }
    }

    async fn now_ms(&self) -> u64 {
        self.rpc.block(charter_client::At::Final).await.unwrap().header.timestamp_nanosec / 1_000_000
    }
}

/// The block of the transcript in the document.
pub fn check_transcript(document: &str, transcript: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let name = document;
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("```console\n").unwrap();
    let (known, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("CHARTER_WRITE_TRANSCRIPT").is_some() {
        std::fs::write(path, format!("{before}```console\n{transcript}```\n{after}")).unwrap();
    } else {
        assert_eq!(known, transcript, "docs/{name} is out of date: CHARTER_WRITE_TRANSCRIPT=1 writes it");
    }
}

/// Times differ from run to run.
fn without_times(transcript: &str) -> String {
    let line = |line: &str| match line.split_once(' ') {
        Some(("until", _)) => "until       30 days from now, in UTC".to_owned(),
        // Keys are random.
        Some(("host", key)) if key.starts_with("key ") => {
            let (_, known) = key.split_once(',').unwrap_or_default();
            format!("host key    0f1e 2d3c 4b5a 6978 8796 a5b4 c3d2 e1f0,{known}")
        }
        _ => line.to_owned(),
    };
    transcript.lines().map(|text| line(text) + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_commands_and_three_transactions_make_one_use_of_a_key_that_nobody_sees() {
    let mut office = Office::open();
    let before = office.transactions_of("alice.test.near").await;
    office.show("charter init --data-dir play");
    office.show("charter agent register --card card.json");
    let said = office.start_host();
    office.write_down("charter host run --upstream 127.0.0.1:PORT &", &said);
    office.show(
        "charter key add openai --from-env OPENAI_API_KEY --allow POST:http://localhost:PORT/v1 --uses 100/day --yes",
    );
    office.show("charter host call openai POST /v1/chat/completions @req.json");
    assert_eq!(office.transactions_of("alice.test.near").await - before, 3);
    assert_eq!(office.service.uses(KEY), 1);
    assert!(office.service.log.lock().unwrap().contains(r#"{"model":"tiny","messages":[]}"#));
    assert!(office.transcript.contains("your key is [redacted], which is [redacted] in hex"), "{}", office.transcript);
    assert_eq!(office.leaks(KEY), 0);
    check_transcript("operator.md", &without_times(&office.transcript));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_are_passed_on_narrowed_rotated_and_revoked() {
    let mut office = Office::open();
    std::fs::create_dir(office.path("bob")).unwrap();
    office.json("bob", "charter init --data-dir ../play --account bob.test.near");
    office.json("", "charter init --data-dir play");
    office.json("", "charter agent register --card card.json");
    office.start_host();
    let service = "http://localhost:PORT";
    let add = format!("charter key add openai --from-env OPENAI_API_KEY --allow GET,POST:{service}/v1 --yes");
    let added = office.json("", &add);
    assert_eq!((&added["secret"], &added["grant"]), (&json!(1), &json!(1)));
    office.refused("", &add, "there is a credential openai already");

    // Bob gets a part, and a token for the host; he passes a part of that on.
    let granted =
        office.json("", &format!("charter key grant openai --to bob.test.near --allow GET:{service}/v1/models --yes"));
    assert_eq!(granted["grant"], 2);
    office.refused("", &format!("charter key grant openai --allow GET:{service}/ --yes"), "KEYS_NOT_WITHIN");
    let permit = office.json("", "charter key permit 2");
    std::fs::write(office.path("bob/permit.json"), permit.to_string()).unwrap();
    let token = office.json("", "charter host token bob.test.near")["token"].as_str().unwrap().to_owned();
    std::fs::write(office.path("bob/token"), format!("{token}\n")).unwrap();
    std::fs::write(office.path("bob/other"), "00").unwrap();
    let as_bob = "--permit permit.json --token-file token";
    let answer = office.json("bob", &format!("charter host call 2 GET /v1/models {as_bob}"));
    assert_eq!(answer["status"], 200);
    office.refused("", "charter host call 2 GET /v1/models", "NOT_GRANTEE");
    office.refused("bob", "charter host call 2 GET /v1/models --permit permit.json --token-file other", "HOST_TOKEN");
    let delegated = office.json("bob", &format!("charter key delegate 2 --permit permit.json --to carol.test.near --allow GET:{service}/v1/models/tiny --yes"));
    assert_eq!(delegated["grant"], 3);
    let check = format!("charter key check 3 GET {service}/v1/models/tiny --as carol.test.near --host 1");
    office.json("bob", &check);

    // Alice narrows bob's grant: what hangs below is dead, and so is bob's old policy.
    office.json("", &format!("charter key narrow 2 --allow GET:{service}/v1/models/big --yes"));
    office.refused("bob", &check, "REVOKED");
    office.refused("bob", &format!("charter host call 2 GET {service}/v1/models {as_bob}"), "WRONG_POLICY");

    // A new value reaches the service; the old one does no longer.
    office.json("", "charter key rotate openai --from-env NEW_KEY");
    office.json("", "charter host call openai GET /v1/models");
    assert_eq!((office.service.uses(KEY), office.service.uses(NEW_KEY)), (1, 1));

    // A request that has to be approved is made once, after it was.
    let approval = format!("charter key grant openai --allow POST:{service}/v1/mail --needs-approval --yes");
    assert_eq!(office.json("", &approval)["grant"], 4);
    let call = "charter host call 4 POST /v1/mail @req.json";
    let output = office.run_in("", call);
    let error = text(&output.stderr);
    assert!(error.contains("HOST_NEEDS_APPROVAL"), "{error}");
    let digest = error.split("charter key approve 4 ").nth(1).unwrap().get(..64).unwrap().to_owned();
    office.json("", &format!("charter key ask 4 {digest} --host 1"));
    office.refused("", call, "HOST_NEEDS_APPROVAL");
    let said = text(&office.run_in("", &format!("charter key approve 4 {digest} --host 1 --yes")).stderr);
    for line in
        ["request     POST http://localhost:", "header      content-type: application/json", "body        30 bytes: {"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    office.json("", call);
    office.refused("", call, "HOST_NEEDS_APPROVAL");

    // Three radii.
    office.json("", "charter key revoke --grant 4");
    office.refused("", call, "REVOKED");
    let revoked = office.json("", "charter key revoke --key openai");
    assert_eq!(revoked["received_by"], json!([1]));
    office.refused("", "charter host call openai GET /v1/models", "SECRET_REVOKED");
    office.json("", "charter key revoke --host 1");
    let listed = office.json("", "charter key list");
    let states: Vec<&str> =
        listed["grants"].as_array().unwrap().iter().filter_map(|row| row["state"].as_str()).collect();
    assert_eq!(states, ["SECRET_REVOKED", "SECRET_REVOKED", "REVOKED", "REVOKED"]);
    assert_eq!((office.leaks(KEY), office.leaks(NEW_KEY)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_stopped_rearmed_handed_over_and_recovered() {
    let mut office = Office::open();
    for name in ["bob", "carol", "hal"] {
        std::fs::create_dir(office.path(name)).unwrap();
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
    }
    office.json("", "charter init --data-dir play");
    let agent = office
        .json("", "charter agent register --card card.json --guardian hal.test.near --operator bob.test.near:card");
    assert_eq!(agent["agent"], 1);
    office.start_host();
    let service = "http://localhost:PORT";
    office.json("", &format!("charter key add openai --from-env OPENAI_API_KEY --allow GET:{service}/v1 --yes"));
    let call = "charter host call openai GET /v1/models";
    office.json("", call);

    // The operator replaces the card, which shows.
    std::fs::write(office.path("bob/card.json"), r#"{"name":"scout","version":2}"#).unwrap();
    let card = office.json("bob", "charter agent card --agent 1 --card card.json --uri https://a.example/card.json");
    assert_eq!(card["revision"], 2);

    // A guardian stops it for a while, nobody else does.
    office.refused("hal", "charter agent pause --agent 1", "say how long");
    office.refused("carol", "charter agent pause --agent 1 --for 1h", "neither the owner");
    office.json("hal", "charter agent pause --agent 1 --for 2h");
    office.refused("", call, "AGENT_PAUSED");
    office.json("", "charter agent pause --end");
    office.json("", call);

    // Panic kills what was granted, for good.
    office.json("", "charter agent panic");
    assert_eq!(office.json("", "charter agent show")["armed"], false);
    office.refused("", call, "EPOCH_MOVED");
    office.json("", "charter agent rearm");
    assert_eq!(office.json("", "charter agent show")["armed"], true);
    office.refused("", call, "EPOCH_MOVED");

    // Alice gives it to bob.
    office.json("", "charter agent transfer --to carol.test.near");
    office.json("", "charter agent transfer --cancel");
    office.refused("carol", "charter agent transfer --accept --agent 1", "REGISTRY_NOT_OFFERED");
    office.json("", "charter agent transfer --to bob.test.near");
    office.json("bob", "charter agent transfer --accept --agent 1");
    assert_eq!(office.json("bob", "charter agent show")["agent"]["owner"], "bob.test.near");

    // Bob loses his key: carol and hal get it back, after the time he had to object.
    office.refused("bob", "charter agent recover set --recoverer nobody.test.near", "is no account");
    office.json("bob", "charter agent recover set --recoverer carol.test.near --recoverer hal.test.near --delay 1h");
    let proposed = office.json("carol", "charter agent recover propose --agent 1 --new-owner alice.test.near");
    assert_eq!(proposed["ready_ms"], 0);
    let execute = "charter agent recover execute --agent 1 --proposer carol.test.near";
    office.refused("carol", execute, "REGISTRY_NO_RECOVERY");
    office.json("bob", "charter agent recover veto");
    let approve = "charter agent recover approve --agent 1 --proposer carol.test.near --new-owner";
    office.refused("hal", &format!("{approve} alice.test.near"), "there is no such proposal");
    office.json("carol", "charter agent recover propose --agent 1 --new-owner alice.test.near");
    office.refused("hal", &format!("{approve} bob.test.near"), "REGISTRY_PROPOSAL_CHANGED");
    let approved = office.json("hal", &format!("{approve} alice.test.near"));
    assert!(approved["ready_ms"].as_u64().unwrap() > 0);
    office.refused("carol", execute, "REGISTRY_NOT_YET");
    office.wait_an_hour().await;
    office.json("", "charter agent recover prepare");
    office.json("carol", execute);
    assert_eq!(office.json("", "charter agent show")["agent"]["owner"], "alice.test.near");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_one_sentence_and_changes_nothing() {
    let mut office = Office::open();
    office.refused("", "charter agent show", "run `charter init` first");
    office.refused("", "charter init --data-dir nowhere", "has no deployment");
    office.refused("", "charter init --data-dir play --account nobody.test.near", "has no key of nobody.test.near");
    office.refused("", "charter init --data-dir play --chain http://127.0.0.1:1", "can't be reached");
    office.json("", "charter init --data-dir play");
    office.refused("", "charter init --data-dir play", "is there already");
    office.refused("", "charter agent show", "this profile has none yet");
    office.refused("", "charter agent show --agent 7", "there is no agent 7");
    office.refused("", "charter agent register --card none.json", "none.json can't be read");
    std::fs::write(office.path("list.json"), "[1]").unwrap();
    office.refused("", "charter agent register --card list.json", "a JSON object is expected");
    let add = "charter key add openai --allow GET:a.example/v1";
    office.refused("", &format!("{add} --from-env OPENAI_API_KEY --yes"), "name the agent");
    office.json("", "charter agent register --card card.json");
    office.refused("", &format!("{add} --from-env OPENAI_API_KEY --yes"), "charter host init");
    assert_eq!(office.json("", "charter host init")["host"], 1);
    assert_eq!(office.json("", "charter host init")["host"], 1);
    let before = office.transactions_of("alice.test.near").await;
    office.refused("", add, "--from-env");
    office.refused("", &format!("{add} --from-env NOT_SET --yes"), "NOT_SET is not set");
    office.refused("", &format!("{add} --from-env OPENAI_API_KEY"), "say --yes");
    office.refused("", &format!("{add} --from-stdin --yes"), "the key is empty");
    std::fs::write(office.path("two.txt"), "one two\n").unwrap();
    office.refused("", &format!("{add} --from-file two.txt --yes"), "without blanks");
    let yes = "--from-env OPENAI_API_KEY --yes";
    office.refused("", &format!("charter key add openai --allow GET:a_b.example/ {yes}"), "KEYS_BAD_POLICY");
    office.refused("", &format!("charter key add openai --allow a.example/ {yes}"), "expected METHODS:HOST/PATH");
    office.refused("", &format!("{add} {yes} --uses many"), "expected a count and a time");
    office.refused("", &format!("{add} {yes} --expires never"), "expected a time");
    office.refused("", &format!("{add} {yes} --to Bob"), "is no account id");
    office.refused("", &format!("{add} {yes} --host 9"), "there is no host 9");
    office.refused("", &format!("{add} {yes} --ceiling GET:b.example/"), "--ceiling does not allow");
    office.refused("", "charter key grant openai --allow GET:a.example/ --yes", "there is no credential openai");
    office.refused("", "charter key permit 9", "grant 9 is not known here");
    office.refused("", "charter key revoke", "required");
    office.refused("", "charter host call openai GET /", "there is no grant of openai");
    office.refused("", "charter host run --listen 0.0.0.0:0", "no loopback address");
    assert_eq!(office.transactions_of("alice.test.near").await, before);
    office.json("", &format!("{add} {yes}"));
    office.refused("", "charter host call openai GET /v1", "no host answers");
    office.refused("", "charter host call openai GET /v2", "no grant of openai allows /v2");
}
