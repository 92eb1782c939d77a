//! Twenty images are labelled by two people and an agent and judged by six reviewers, command by command, with the transcript in
//! `docs/tasks.md` (`CHARTER_WRITE_TRANSCRIPT=1` writes it); then what is refused, what is appealed, and who falls silent.

use std::collections::BTreeMap;
use std::fmt::Write;

use charter_client::task::{Hand, Notes};
use charter_client::{Account, Contracts, Rpc, sha256};
use charter_types::tasks::{Answer, Domains, SetId};
use charter_types::{AccountId, Base64Bytes};
use near_crypto::SecretKey;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::operator::{Office, check_transcript};
use crate::process::text;

const REVIEWERS: [&str; 6] = ["rita", "ruth", "rolf", "remy", "rosa", "rene"];
const OTHERS: [&str; 4] = ["alice", "bob", "carol", "scout"];
const IMAGES: u32 = 20;
/// What bob takes for a cat.
const WRONG: u32 = 5;
const TERMS: &str = "--instructions ask.md --answer cat --answer dog --spec-uri https://alice.example/pets.json \
                     --reward 0.05 --fee 0.01";

/// An index's answer that is none.
const LIE: &str = r#"{"answer":{"inline":{"bytes":"ZG9n"}}}"#;

fn label(index: u32) -> &'static str {
    if index % 3 == 2 { "dog" } else { "cat" }
}

/// Everybody has a folder; alice's has what she posts, the others' what they find.
fn open() -> Office {
    let mut office = Office::open();
    for name in OTHERS.into_iter().chain(REVIEWERS) {
        std::fs::create_dir(office.path(name)).unwrap();
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
    }
    let (mut images, mut labels, mut judged) =
        ("image\n".to_owned(), "index,answer\n".to_owned(), "index,verdict\n".to_owned());
    for index in 0..IMAGES {
        writeln!(images, "https://alice.example/{}.png", index + 1).unwrap();
        writeln!(labels, "{index},{}", if index == WRONG { "cat" } else { label(index) }).unwrap();
        writeln!(judged, "{index},{}", if index == WRONG { "bad" } else { "good" }).unwrap();
    }
    std::fs::write(office.path("alice/images.csv"), images).unwrap();
    std::fs::write(office.path("alice/ask.md"), "Is it a cat or a dog?\n").unwrap();
    for name in ["bob", "carol"] {
        std::fs::write(office.path(&format!("{name}/labels.csv")), &labels).unwrap();
    }
    for name in REVIEWERS {
        std::fs::write(office.path(&format!("{name}/judged.csv")), &judged).unwrap();
    }
    std::fs::write(office.path("carol/card.json"), r#"{"name":"scout"}"#).unwrap();
    office.json("carol", "charter agent register --card card.json --agent-account scout.test.near");
    office
}

fn bond_all(office: &mut Office, names: &[&str], slots: u8) {
    for name in names {
        office.json(name, &format!("charter task bond {slots} --yes"));
    }
}

/// A file of the data folder that all of them share.
fn read<T: DeserializeOwned>(office: &Office, name: &str) -> T {
    serde_json::from_slice(&std::fs::read(office.path("play").join(name)).unwrap()).unwrap()
}

/// Scout is a program: it takes what is left, and answers it.
async fn scout_works(office: &Office, set: SetId, count: u64) {
    let (contracts, url): (Contracts, String) = (read(office, "deployment.json"), read(office, "node.json"));
    let (rpc, mut secrets): (_, BTreeMap<String, SecretKey>) = (Rpc::new(url), read(office, "keys.json"));
    let status: Value = rpc.call("status", json!([])).await.unwrap();
    let domains = Domains::of(status["chain_id"].as_str().unwrap(), &contracts.tasks, sha256);
    let id: AccountId = "scout.test.near".parse().unwrap();
    let scout = Account::new(id.clone(), secrets.remove(id.as_str()).unwrap(), rpc);
    let notes = Notes::new(&office.path("scout/commitments"), domains, id);
    for _ in 0..count {
        let hand = Hand::new(&scout, &contracts, notes.clone());
        let task = hand.take(set, Some(1), 50_000_000_000_000_000_000_000).await.unwrap();
        let answer = Answer::Inline { bytes: Base64Bytes(label(task.index).as_bytes().to_vec()) };
        hand.commit_work(task, answer.clone()).await.unwrap();
        // As if it had been killed here: whoever starts again finds on disk what to reveal.
        let again = Hand::new(&scout, &contracts, notes.clone());
        assert_eq!(again.reveal_work(task).await.unwrap(), answer);
    }
}

/// Who is drawn for which tasks is chance, and so is how many each judges: it is 10 on average.
fn without_chance(transcript: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in transcript.lines() {
        let step = line.trim_start();
        let line = if step.starts_with("commit  task ") || step.starts_with("reveal  task ") {
            format!("{}…", &line[..line.find("task ").unwrap() + 5])
        } else if let Some(rest) = line.strip_prefix("committed to ").or(line.strip_prefix("revealed ")) {
            let (_, after) = rest.split_once(' ').unwrap();
            format!("{}10 {after}", &line[..line.len() - rest.len()])
        } else if let Some((judged, _)) = line.split_once("; ").filter(|_| line.ends_with(" to appeal")) {
            format!("{judged}; 59m to appeal")
        } else {
            line.to_owned()
        };
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_images_are_labelled_judged_and_paid_for() {
    let mut office = open();
    office.show_in("rita", "charter task bond 16 --yes");
    bond_all(&mut office, &REVIEWERS[1..], 16);
    office.note("# five others do the same");
    office.show_in("alice", &format!("charter task post images.csv {TERMS} --appeal 1h --yes"));
    office.show_in("bob", "charter task list");
    office.show_in("bob", "charter task take 1 --yes");
    office.show_in("bob", "charter task work 1 0 --answer cat");
    office.show_in("bob", "charter task work 1 --from labels.csv --count 6 --yes");
    office.json("carol", "charter task work 1 --from labels.csv --count 7 --yes");
    scout_works(&office, 1, 6).await;
    office.note("# carol answers seven more, and scout, a program, the other six");
    office.show_in("rita", "charter task review 1 --from judged.csv --no-wait");
    for name in &REVIEWERS[1..] {
        office.json(name, "charter task review 1 --from judged.csv --no-wait");
    }
    office.note("# the five others do the same");
    office.show_in("rita", "charter task review 1");
    for name in &REVIEWERS[1..] {
        office.json(name, "charter task review 1");
    }
    office.note("# so do they");
    office.show_in("bob", "charter task show 1 5");
    office.wait_an_hour().await;
    office.note("# an hour later nobody has appealed");
    office.show_in("carol", "charter task settle 1");
    office.show_in("bob", "charter task withdraw");

    let listed = office.json("alice", "charter task list 1");
    assert_eq!(listed.as_array().unwrap().len(), 0);
    // Six of bob's seven were good.
    let account = office.json("bob", "charter task account");
    assert_eq!((&account["record"]["done_good"], &account["record"]["done_bad"]), (&json!(6), &json!(1)));
    let account = office.json("alice", "charter task account");
    let back: u128 = account["balances"][0]["amount"].as_str().unwrap().parse().unwrap();
    assert!(back >= 50_000_000_000_000_000_000_000, "{account}");
    let judged: u64 = REVIEWERS
        .iter()
        .map(|name| office.json(name, "charter task account")["record"]["majority"].as_u64().unwrap())
        .sum();
    assert_eq!(judged, u64::from(3 * IMAGES));
    check_transcript("tasks.md", &without_chance(&office.transcript));
}

fn codes(office: &mut Office, place: &str, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        office.refused(place, &format!("charter task {line}"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_is_signed() {
    let mut office = open();
    std::fs::write(office.path("alice/bent.csv"), "image\na,b\n").unwrap();
    codes(
        &mut office,
        "alice",
        &[
            (format!("post none.csv {TERMS} --yes").as_str(), "none.csv can't be read"),
            (format!("post bent.csv {TERMS} --yes").as_str(), "line 2 has 2 fields, not 1"),
            (format!("post images.csv {TERMS}").as_str(), "say --yes"),
            (format!("post images.csv {TERMS} --take-deposit 0.01 --yes").as_str(), "deposits 0.05 NEAR or more"),
            (format!("post images.csv {TERMS} --appeal soon --yes").as_str(), "expected a time like 90s"),
            ("post images.csv --yes", "required arguments"),
            ("show 1", "TASKS_UNKNOWN_SET"),
            ("bond 17 --yes", "slots are 1 to 16"),
            ("unbond", "required arguments"),
            ("review 1 0 perhaps", "expected good, bad or unfetchable"),
            ("work 1", "required arguments"),
            ("fund 0 --yes", "more than 0"),
            ("withdraw", "TASKS_"),
        ],
    );
    office.json("alice", &format!("charter task post images.csv {TERMS} --yes"));
    codes(&mut office, "alice", &[("take 1 --yes", "TASKS_"), ("close 2", "TASKS_UNKNOWN_SET")]);
    // Nobody reviews yet.
    office.refused("bob", "charter task take 1 --yes", "TASKS_FEW_REVIEWERS");
    office.refused("bob", "charter task review 1", "TASKS_");
    bond_all(&mut office, &REVIEWERS, 16);
    office.json("bob", "charter task take 1 --yes");
    codes(
        &mut office,
        "bob",
        &[
            ("work 1 0 --answer bird", "an answer is one of cat, dog"),
            ("work 1 0", "TASKS_"),
            ("work 1 7 --answer cat", "TASKS_"),
            ("close 1", "TASKS_"),
            ("settle 1 0", "TASKS_"),
            ("appeal 1 0 --yes", "TASKS_"),
        ],
    );
    office.refused("carol", "charter task work 1 0 --answer cat", "TASKS_");
    office.json("bob", "charter task work 1 0 --answer cat --commit-only");
    office.refused("bob", "charter task work 1 0 --answer dog", "NOTE_OTHER_ANSWER");
    // The same once more, and again after it was revealed.
    office.json("bob", "charter task work 1 0 --answer cat --commit-only");
    office.json("bob", "charter task work 1 0");
    office.json("bob", "charter task work 1 0");
}

/// Who judges the first task, by the first parts of their accounts.
fn panel(office: &mut Office, round: &str) -> Vec<String> {
    let shown = office.json("alice", "charter task show 1 0");
    let seats = shown["task"].pointer(round).unwrap()["seats"].as_array().unwrap();
    let name = |seat: &Value| seat["reviewer"].as_str().unwrap().split('.').next().unwrap().to_owned();
    seats.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_shown_to_reviewers_and_only_the_one_whose_hash_is_on_chain() {
    let mut office = open();
    bond_all(&mut office, &REVIEWERS, 16);
    office.json("alice", &format!("charter task post images.csv {TERMS} --yes"));
    office.json("bob", "charter task take 1 --yes");
    office.json("bob", "charter task work 1 0 --answer cat");
    let reviewer = panel(&mut office, "/panel")[0].clone();
    // The index follows the chain.
    let said = loop {
        let said = text(&office.run_in(&reviewer, "charter task review 1 0").stdout);
        if !said.contains("an index has it") {
            break said;
        }
    };
    for shown in
        ["asks        Is it a cat or a dog?", "item        image: https://alice.example/1.png", "answer      cat"]
    {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    let liar = crate::statements::stand_in("200 OK", LIE);
    office.refused(&reviewer, &format!("charter task show 1 0 --index {liar}"), "another answer than the chain");
    let without = text(&office.run_in(&reviewer, "charter task show 1 0 --index http://127.0.0.1:1").stderr);
    assert!(without.contains("can't be reached"), "{without}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_appealed_goes_to_seven_others_and_who_is_silent_pays() {
    let mut office = open();
    let more = ["hal", "shop", "eve", "carol"];
    for name in &more[..3] {
        std::fs::create_dir(office.path(name)).unwrap();
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
    }
    // Seven others are just enough, whoever is drawn first.
    bond_all(&mut office, &REVIEWERS, 1);
    bond_all(&mut office, &more, 1);
    office.json("alice", &format!("charter task post images.csv {TERMS} --verdict 1h --verdict-reveal 3h --yes"));
    office.json("bob", "charter task take 1 --yes");
    office.json("bob", "charter task work 1 0 --answer cat");
    let first = panel(&mut office, "/panel");
    assert_eq!(first.len(), 3);
    for name in &first {
        office.json(name, "charter task review 1 0 bad --no-wait");
    }
    for name in &first {
        office.json(name, "charter task review 1 0 --no-wait");
    }
    office.refused("carol", "charter task appeal 1 0 --yes", "TASKS_");
    office.json("bob", "charter task fund 0.1 --yes");
    office.json("bob", "charter task appeal 1 0 --yes");
    let second = panel(&mut office, "/appeal/panel");
    assert_eq!(second.len(), 7);
    assert!(second.iter().all(|name| !first.contains(name)), "{second:?} {first:?}");
    // One of the seven says nothing.
    for name in &second[1..] {
        office.json(name, "charter task review 1 0 good --no-wait");
    }
    office.wait_an_hour().await;
    for name in &second[1..] {
        office.json(name, "charter task review 1 0 --no-wait");
    }
    for _ in 0..4 {
        office.wait_an_hour().await;
    }
    let settled = office.json("carol", "charter task settle 1 0");
    assert_eq!(settled[0]["index"], 0);
    let account = office.json("bob", "charter task account");
    assert_eq!(account["record"]["done_good"], 1);
    let silent = office.json(&second[0], "charter task account");
    assert_eq!(silent["record"]["silent_verdicts"], 1);
    let minority = office.json(&first[0], "charter task account");
    assert_eq!(minority["record"]["minority"], 1);
    office.refused("bob", "charter task show 1 0", "TASKS_UNKNOWN_TASK");
}
