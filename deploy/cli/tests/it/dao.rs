//! A DAO's release, command by command, until its rollout is done, with its transcript in `docs/dao.md`
//! (`CHARTER_WRITE_TRANSCRIPT=1` writes it); its council's change, votes by stake, and an upgrade of a contract.

use std::process::{Output, Stdio};
use std::time::Duration;

use charter_harness::arguments::prepay;
use charter_harness::{Caller, Harness, raw, test_token};
use serde_json::{Value, json};

use crate::operator::{Office, check_transcript};
use crate::process::{charter, text};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// What a contract keeps for somebody: 1 NEAR.
const OWED: u128 = 1_000_000_000_000_000_000_000_000;
const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// Three people, each with a folder of its own.
pub fn open() -> Office {
    let office = Office::open();
    for name in PEOPLE {
        std::fs::create_dir(office.path(name)).unwrap();
    }
    office
}

pub fn start(office: &mut Office) {
    for name in PEOPLE {
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
        std::fs::write(office.path(&format!("{name}/scout.tar")), name).unwrap();
    }
}

/// Times are those of a chain that has just begun.
fn without_times(transcript: &str) -> String {
    let stamp = |word: &str| word.len() >= 20 && word.starts_with("20") && word.as_bytes()[10] == b'T';
    let line = |line: &str| match line.split_once(' ') {
        Some(("content", _)) => "content     sha256 of the proposal on this chain".to_owned(),
        _ => line
            .split(' ')
            .map(|word| if stamp(word.trim_end_matches([',', ';'])) { "2026-…" } else { word })
            .collect::<Vec<_>>()
            .join(" "),
    };
    transcript.lines().map(|text| line(text) + "\n").collect()
}

/// sha256 of the image.
const DIGEST: &str = "97e9d7a16021e6d07fbe28cce398f5847fc00c574991fbff65d95fd5e032d389";

/// What the page has done before: everybody knows who they are, and alice's agent has an account that speaks for it.
pub fn settle_in(office: &mut Office) {
    std::fs::create_dir(office.path("scout")).unwrap();
    std::fs::write(office.path("alice/scout.tar"), "the image").unwrap();
    std::fs::write(office.path("alice/card.json"), r#"{"name":"scout"}"#).unwrap();
    for name in ["alice", "bob", "carol", "scout"] {
        office.json(name, &format!("charter init --data-dir ../play --account {name}.test.near"));
    }
    let registered = office.json("alice", "charter agent register --card card.json --agent-account scout.test.near");
    assert_eq!(registered["agent"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_commands_take_a_release_from_a_new_line_to_the_end_of_its_rollout() {
    let mut office = open();
    settle_in(&mut office);
    let members = "--member alice.test.near --member bob.test.near --member carol.test.near";
    office.show_in("alice", &format!("charter line create scout {members} --vote 1h --timelock 1h --yes"));
    office.show_in("alice", "charter agent enroll --line 2");
    office.show_in(
        "alice",
        &format!(
            "charter release propose --line 2 --semver 1.0.0 --artifact oci_image:scout.tar --commit {COMMIT} --yes"
        ),
    );
    office.show_in("alice", "charter vote 1 yes --yes");
    office.show_in("bob", "charter vote 1 yes --yes");
    office.show_in("carol", "charter vote 1 no --yes");
    office.wait_an_hour().await;
    office.wait_an_hour().await;
    office.note("# two hours later");
    office.show_in("carol", "charter release publish 1");
    office.show_in("bob", "charter rollout show 2");
    office.show_in("scout", &format!("charter rollout report --agent 1 --release 1 --digest {DIGEST}"));
    office.wait_an_hour().await;
    office.note("# an hour later");
    office.show_in("bob", "charter rollout advance 2");
    assert_eq!(office.transcript.matches("$ charter").count(), 10);
    assert!(office.transcript.trim_end().lines().any(|line| line == "reaches     all agents"), "{}", office.transcript);
    check_transcript("dao.md", &without_times(&office.transcript));
}

fn state(office: &mut Office, proposal: u64) -> Value {
    office.json("alice", &format!("charter release show {proposal}"))["proposal"]["state"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_council_votes_in_the_order_of_its_line_and_changes() {
    let mut office = open();
    start(&mut office);
    let bad = |line: &str| format!("charter line create scout {line} --yes");
    office.refused("alice", &bad("--member Bob"), "is no account id");
    office.refused("alice", &bad("--member nobody.test.near"), "is no account");
    office.refused("alice", &bad("--member bob.test.near:none"), "expected ACCOUNT or ACCOUNT:WEIGHT");
    office.refused("alice", &bad("--quorum most"), "expected a percentage");
    office.refused("alice", "charter line create scout", "say --yes");
    office.refused("alice", "charter line show 9", "there is no line 9");
    let members = "--member alice.test.near --member bob.test.near:2";
    let line = format!("charter line create scout {members} --vote 1h --timelock 1h --yes");
    assert_eq!(office.json("alice", &line)["line"], 2);

    let propose = "charter release propose --line 2 --semver";
    let of = format!("--artifact oci_image:scout.tar --commit {COMMIT}");
    office.refused("alice", &format!("{propose} 1.0 {of} --yes"), "GOVERNANCE_BAD_CONTENT");
    office.refused("alice", &format!("{propose} 1.0.0 --artifact scout.tar --commit {COMMIT}"), "expected KIND:FILE");
    office.refused("alice", &format!("{propose} 1.0.0 --artifact zip:a --commit {COMMIT}"), "expected near_wasm");
    office.refused("alice", &format!("{propose} 1.0.0 --artifact source:none --commit {COMMIT}"), "none can't be read");
    office.refused("carol", &format!("{propose} 1.0.0 {of} --yes"), "GOVERNANCE_NOT_MEMBER");
    for (number, semver) in [(1, "1.0.0"), (2, "1.0.1"), (3, "1.0.2")] {
        let proposed = office.json("alice", &format!("{propose} {semver} {of} --yes"));
        assert_eq!(proposed["proposal"], number);
    }
    office.refused("carol", "charter vote 1 yes --yes", "GOVERNANCE_NOT_MEMBER");
    office.refused("bob", "charter vote 9 yes --yes", "there is no proposal 9");
    office.refused("bob", "charter vote 1 perhaps --yes", "invalid value 'perhaps'");
    office.refused("bob", "charter vote 1 yes", "say --yes");
    let said = text(&office.run_in("bob", "charter vote 1 yes --yes").stderr);
    for shown in [
        "release     1.0.0, the first",
        "OCI image, sha256 ",
        "no permissions",
        "2 yes are needed",
        "in effect   from ",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    office.json("bob", "charter vote 2 yes --yes");
    office.refused("bob", "charter release cancel 1 --yes", "GOVERNANCE_NOT_PROPOSER");
    office.json("alice", "charter release cancel 3 --yes");
    office.refused("bob", "charter release publish 1", "is voted on until");
    let other = "charter council change 2 --member carol.test.near --member bob.test.near --guardian alice.test.near --quorum 66.7 --yes";
    office.refused("alice", "charter council change 2 --yes", "has this constitution already");
    assert_eq!(office.json("alice", other)["proposal"], 4);
    office.json("bob", "charter vote 4 yes --yes");
    office.wait_an_hour().await;
    office.refused("bob", "charter vote 1 no --yes", "GOVERNANCE_VOTE_ENDED");
    office.refused("bob", "charter release publish 1", "is approved; it can be carried out from");
    office.wait_an_hour().await;
    assert_eq!(office.json("carol", "charter release publish 2")["seq"], 1);
    let said = text(&office.run_in("carol", "charter release show 1").stdout);
    assert!(said.contains("beware      the line has moved on"), "{said}");
    office.refused("carol", "charter release publish 1", "GOVERNANCE_SUPERSEDED");
    office.refused("carol", "charter release publish 3", "is cancelled");
    office.refused("carol", "charter release publish 4", "is not about a release");
    office.json("carol", "charter council apply 4");
    let council = office.json("carol", "charter council show 2");
    assert_eq!((&council["version"], &council["constitution"]["guardian"]), (&json!(1), &json!("alice.test.near")));
    office.refused("alice", &format!("{propose} 2.0.0 {of} --yes"), "GOVERNANCE_NOT_MEMBER");
    let listed = office.json("carol", "charter release list --line 2");
    let states: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|row| row["state"].as_str()).collect();
    assert_eq!(states, ["queued", "executed", "cancelled"]);
    let listed = office.json("carol", "charter line proposals 2");
    assert_eq!(listed.as_array().unwrap().len(), 4);
    let said = text(&office.run_in("carol", "charter line proposals 2").stdout);
    for shown in [
        "release 2              carried out",
        "another constitution   carried out",
        "approved, but the line has moved on",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }

    // The guardian, once.
    office.json("bob", &format!("{propose} 2.0.0 {of} --irreversible --permissions scout.tar --yes"));
    let said = text(&office.run_in("carol", "charter vote 5 yes --yes").stderr);
    for shown in ["after 1.0.1", "OTHER permissions than 1.0.1", "NO WAY BACK"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    office.json("bob", "charter vote 5 yes --yes");
    let said = text(&office.run_in("alice", "charter release cancel 5 --yes").stderr);
    assert!(said.contains("which ends your office as guardian"), "{said}");
    assert_eq!(state(&mut office, 5), "cancelled");

    follow(&mut office, &format!("{propose} 1.1.0 {of} --permissions scout.tar --yes")).await;
}

/// An agent of alice's follows the line, as far as she lets it.
async fn follow(office: &mut Office, propose: &str) {
    std::fs::write(office.path("alice/card.json"), crate::operator::CARD).unwrap();
    office.json("alice", "charter agent register --card card.json --agent-account bob.test.near");
    office.refused("alice", "charter agent leave", "GOVERNANCE_NOT_ENROLLED");
    office.refused("alice", "charter agent enroll --line 9", "there is no line 9");
    office.json("alice", "charter agent enroll --line 2 --up-to patch");
    office.refused("bob", "charter agent leave --agent 1", "GOVERNANCE_NOT_OWNER");
    let said = text(&office.run_in("bob", "charter agent runs --agent 1").stdout);
    assert!(said.contains("may run     1.0.1, release 2") && said.contains("its line's newest"), "{said}");

    // The next release is on its way until the agent says that it is well with it.
    office.json("bob", propose);
    for member in ["bob", "carol"] {
        office.json(member, "charter vote 6 yes --yes");
    }
    office.wait_an_hour().await;
    office.wait_an_hour().await;
    let said = text(&office.run_in("carol", "charter release publish 6").stdout);
    assert!(said.contains("is on its way"), "{said}");
    let runs = |office: &mut Office| office.json("alice", "charter agent runs");
    let release = office.json("carol", "charter rollout show 2")["release"].as_u64().unwrap();
    assert_eq!(runs(office)["reason"], "new_permissions");
    office.json("alice", &format!("charter agent accept-release --release {release}"));
    assert_eq!(runs(office)["reason"], "larger_bump");
    office.json("alice", "charter agent policy --up-to minor");
    let told = runs(office);
    assert_eq!((&told["reason"], &told["release"]), (&json!("head"), &json!(release)));
    let digest = told["digests"][0].as_str().unwrap().to_owned();
    let report = format!("charter rollout report --agent 1 --release {release} --digest {digest}");
    office.refused("carol", "charter rollout advance 2", "GOVERNANCE_STAGE_RUNNING");
    office.refused("carol", &report, "GOVERNANCE_NOT_AGENT");
    office.wait_an_hour().await;
    office.refused("carol", "charter rollout advance 2", "GOVERNANCE_TOO_FEW_REPORTS");
    let said = text(&office.run_in("carol", "charter rollout show 2").stdout);
    assert!(said.contains("once 1 more owner has reported") && said.contains("with agents of 1 owner"), "{said}");
    office.json("bob", &report);
    assert_eq!(office.json("carol", "charter rollout advance 2")["state"], "done");
    office.json("alice", "charter agent pin --nothing");
    assert_eq!(runs(office)["release"], json!(null));
    office.json("alice", "charter agent pin --end");
    assert_eq!(office.json("alice", "charter agent freeze")["reason"], "pinned");
    office.json("alice", "charter agent leave");
}

/// A line that takes bonds, with an agent of each, a release that was approved, and a guardian.
async fn bonded(office: &mut Office) {
    let create = "charter line create scout --member alice.test.near --guardian bob.test.near --vote 1h --timelock 1h";
    office.refused("alice", &format!("{create} --proposal-bond 0.001 --yes"), "expected 0, or 0.01 to 1000 NEAR");
    office.refused("alice", &format!("{create} --proposal-bond much --yes"), "expected an amount of NEAR");
    let bonds = "--extension 0 --proposal-bond 1 --enrolment-bond 0.5";
    assert_eq!(office.json("alice", &format!("{create} {bonds} --yes"))["line"], 2);
    for name in PEOPLE {
        std::fs::write(office.path(&format!("{name}/card.json")), crate::operator::CARD).unwrap();
        office.json(name, "charter agent register --card card.json");
        office.refused(name, "charter agent enroll --line 2", "say --yes");
        let said = text(&office.run_in(name, "charter agent enroll --line 2 --yes").stderr);
        assert!(said.contains("bond        0.5 NEAR of your storage balance"), "{said}");
    }
    let propose = format!(
        "charter release propose --line 2 --semver 1.0.0 --artifact oci_image:scout.tar --commit {COMMIT} --yes"
    );
    let said = text(&office.run_in("alice", &propose).stderr);
    assert!(said.contains("bond        1 NEAR of your storage balance"), "{said}");
    let said = text(&office.run_in("alice", "charter vote 1 yes --yes").stderr);
    assert!(said.contains("bond        1 NEAR, its maker's again"), "{said}");
    office.wait_an_hour().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_object_a_guardian_pauses_and_agents_wait_for_auditors() {
    let mut office = open();
    start(&mut office);
    bonded(&mut office).await;

    // One slows it down, three have it voted on again.
    office.refused("bob", "charter object 9 --yes", "there is no proposal 9");
    office.refused("bob", "charter object 1", "say --yes");
    let objected = office.json("bob", "charter object 1 --yes");
    assert_eq!((&objected["objections"], &objected["owners"]), (&json!(1), &json!(3)));
    assert_eq!(objected["state"], "queued");
    office.refused("bob", "charter object 1 --yes", "GOVERNANCE_OBJECTED");
    office.json("carol", "charter object 1 --yes");
    let said = text(&office.run_in("alice", "charter object 1 --yes").stdout);
    let again = "3 of 3 owners object: voted on again, two thirds of the votes have to be yes";
    assert!(said.contains(again), "{said}");
    office.refused("alice", "charter object 1 --yes", "GOVERNANCE_NOT_OBJECTABLE");
    office.json("alice", "charter vote 1 yes --yes");
    office.wait_an_hour().await;

    office.refused("carol", "charter line pause 2 3h --yes", "GOVERNANCE_NOT_GUARDIAN");
    office.refused("bob", "charter line pause 2 8d --yes", "GOVERNANCE_BAD_PAUSE");
    office.refused("bob", "charter line pause 2 3h", "say --yes");
    let said = text(&office.run_in("bob", "charter line pause 2 3h --yes").stderr);
    assert!(said.contains("your office ends with it"), "{said}");
    office.refused("bob", "charter line pause 2 3h --yes", "GOVERNANCE_NOT_GUARDIAN");
    office.wait_an_hour().await;
    office.refused("carol", "charter release publish 1", "GOVERNANCE_PAUSED");
    let said = text(&office.run_in("carol", "charter line show 2").stdout);
    assert!(said.contains("paused      until "), "{said}");
    for _ in 0..2 {
        office.wait_an_hour().await;
    }

    office.refused("alice", "charter agent auditors --account nobody.test.near", "is no account");
    office.json("alice", "charter agent auditors --account carol.test.near");
    office.json("carol", "charter release publish 1");
    let reason = |office: &mut Office| office.json("alice", "charter agent runs")["reason"].clone();
    assert_eq!(reason(&mut office), "unaudited");
    let told = office.json("bob", "charter agent runs");
    assert_eq!(told["reason"], "head");
    let digest = told["digests"][0].as_str().unwrap().to_owned();
    let zero = "0".repeat(64);
    let state = |digest: &str, verdict: &str| {
        let uri = "https://carol.example/audit";
        format!("charter statement add 1 --kind audit --digest {digest} {verdict} --uri {uri} --sha256 {zero}")
    };
    office.refused("carol", &state(&digest, ""), "required arguments");
    office.refused("carol", &state(&zero, "--ok"), "GOVERNANCE_WRONG_DIGEST");
    for (verdict, expected) in [("--ok", "head"), ("--bad", "unaudited")] {
        office.json("carol", &state(&digest, verdict));
        assert_eq!(reason(&mut office), expected, "{verdict}");
    }
    let said = text(&office.run_in("bob", "charter statement show 1 --by carol.test.near").stdout);
    for shown in ["release     1.0.0, release 1", "was         audited", "and is      BAD"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    office.json("carol", "charter statement retract 1");
    office.refused("carol", "charter statement retract 1", "GOVERNANCE_NO_STATEMENT");
    office.refused("bob", "charter statement show 1 --by carol.test.near", "there is no statement of carol.test.near");
    office.json("alice", "charter agent auditors");
    assert_eq!(reason(&mut office), "head");
    office.json("alice", "charter agent leave");
}

/// So many NEAR, as JSON has them.
fn near(amount: u64) -> Value {
    json!(format!("{amount}{}", "0".repeat(24)))
}

/// A command that works, with words that it says.
pub fn says(office: &mut Office, name: &str, line: &str, expected: &[&str]) {
    let output = office.run_in(name, line);
    let said = format!("{}{}", text(&output.stderr), text(&output.stdout));
    assert!(output.status.success(), "{line}: {said}");
    for shown in expected {
        assert!(said.contains(shown), "{shown}: {said}");
    }
}

pub fn proposed(semver: &str) -> String {
    format!("charter release propose --line 2 --semver {semver} --artifact oci_image:scout.tar --commit {COMMIT} --yes")
}

/// A line of alice's on which NEAR decides. While nothing is locked, her council does.
fn by_stake(office: &mut Office) {
    let create = "charter line create scout --vote 1h --timelock 1h --extension 0";
    let rules = |asset: &str, unlock: &str, more: &str| {
        format!("{create} --stake-asset {asset} --stake-unlock {unlock} --stake-floor 5 {more}")
    };
    office.refused("alice", &format!("{create} --stake-asset near --yes"), "--stake-unlock 7d");
    office.refused("alice", &rules("near", "1h", "--yes"), "GOVERNANCE_BAD_STAKE: unlocking takes as long as vote");
    office.refused("alice", &rules("near", "4h", "--no-stake --yes"), "cannot be used with");
    office.refused("alice", &rules("nobody.test.near", "4h", "--yes"), "is no account");
    office.refused("alice", &rules("near", "4h", ""), "say --yes");
    let shown = [
        "stake       who locks NEAR decides; the council does while 50.01 % of that is less than 5 NEAR",
        "by stake    passes with 50.01 % of what is locked, at least 5 NEAR, and 50.01 % of the votes cast",
        "unlocking   takes 4h; a change counts from the next 30m on",
        "line 2: scout",
    ];
    says(office, "alice", &rules("near", "4h", "--yes"), &shown);

    office.refused("bob", &proposed("0.1.0"), "GOVERNANCE_NOT_MEMBER");
    assert_eq!(office.json("alice", &proposed("0.1.0"))["proposal"], 1);
    says(office, "alice", "charter release show 1", &["decides     the council, with 1 of 1 yes"]);
    office.refused("alice", "charter vote 1 yes --yes --as-agent 1", "GOVERNANCE_NOT_BY_STAKE");
    says(office, "alice", "charter vote 1 yes --yes", &["your vote   yes, of alice.test.near, with 1 of 1\n"]);
    office.json("alice", "charter release cancel 1 --yes");
}

/// Three lock, one of them for two others to vote with: a person, and an agent of hers.
fn locked(office: &mut Office) {
    office.refused("alice", "charter stake lock 1 10 --yes", "GOVERNANCE_NO_POOL");
    office.refused("alice", "charter stake lock 2 10", "say --yes");
    office.refused("alice", "charter stake unlock 2 1", "GOVERNANCE_NOT_HOLDER");
    office.refused("alice", "charter delegate to 2 carol.test.near 4 --yes", "GOVERNANCE_NOT_HOLDER");
    let done = office.json("alice", "charter stake lock 2 10 --yes");
    assert_eq!((&done["amount"], &done["locked"], &done["asset"]), (&near(10), &near(10), &json!("near")));
    let shown = [
        "this        locks 6 NEAR on line 2, scout",
        "comes back  4h after",
        STAKE_STORAGE,
        "6 NEAR of yours counts from ",
    ];
    says(office, "bob", "charter stake lock 2 6 --yes", &shown);
    office.json("carol", "charter stake lock 2 3.5 --yes");
    assert_eq!(office.json("carol", "charter stake lock 2 0.5 --yes")["locked"], near(4));

    let to_carol = "charter delegate to 2 carol.test.near";
    office.refused("alice", &format!("{to_carol} 4 --yes"), "GOVERNANCE_NOT_DELEGATE");
    office.refused("carol", "charter delegate show 2", "GOVERNANCE_NOT_DELEGATE");
    office.refused("carol", "charter delegate stand 1", "GOVERNANCE_NO_POOL");
    says(office, "carol", "charter delegate stand 2", &["carol.test.near is a delegate of line 2"]);
    office.refused("carol", "charter delegate stand 2", "GOVERNANCE_IS_DELEGATE");
    office.refused("carol", &format!("{to_carol} 1 --yes"), "GOVERNANCE_ONESELF");
    office.refused("alice", &format!("{to_carol} 11 --yes"), "GOVERNANCE_STAKE_SHORT: 10 NEAR is locked on line 2");
    office.refused("alice", &format!("{to_carol} 4"), "say --yes");
    let shown = [
        "this        has carol.test.near vote with 4 NEAR of yours on line 2",
        "you         may vote yourself",
        "carol.test.near votes with 4 NEAR of yours on line 2, from ",
    ];
    says(office, "alice", &format!("{to_carol} 4 --yes"), &shown);

    std::fs::write(office.path("alice/card.json"), crate::operator::CARD).unwrap();
    office.json("alice", "charter agent register --card card.json --agent-account scout.test.near");
    std::fs::create_dir(office.path("scout")).unwrap();
    office.json("scout", "charter init --data-dir ../play --account scout.test.near");
    office.refused("bob", "charter delegate stand 2 --agent 1", "GOVERNANCE_NOT_AGENT");
    let stands = office.json("scout", "charter delegate stand 2 --agent 1");
    assert_eq!(stands["agent"], json!({ "agent": 1, "owner": "alice.test.near" }));
    office.refused("bob", "charter delegate to 2 scout.test.near 1 --yes", "GOVERNANCE_OTHERS_AGENT");
    let given = office.json("alice", "charter delegate to 2 scout.test.near 2 --yes");
    assert_eq!((&given["amount"], &given["undelegated"]), (&near(2), &near(4)));
    office.refused("alice", "charter stake unlock 2 5", "GOVERNANCE_STAKE_SHORT: 4 NEAR is locked on line 2");
}

/// What was locked and delegated counts by now.
fn counted(office: &mut Office) {
    let shown = [
        "line        2, scout: 20 NEAR in all, it decides",
        "unlocking   takes 4h; a period has 30m, the next begins at ",
        "locked      10 NEAR, counting since ",
        "delegated   4 NEAR of it to carol.test.near\n",
        "delegated   2 NEAR of it to scout.test.near\n",
    ];
    says(office, "bob", "charter stake show 2 alice.test.near", &shown);
    says(office, "bob", "charter delegate show 2 carol.test.near", &["votes with  4 NEAR that others delegate to it"]);
    says(office, "bob", "charter delegate show 2 scout.test.near", &["agent       1, of alice.test.near alone"]);
    says(office, "bob", "charter line show 2", &["locked      20 NEAR in all, it decides"]);
    let shown = office.json("bob", "charter stake show 2");
    assert_eq!((&shown["stake"]["holder"], &shown["ready"]), (&json!("bob.test.near"), &json!("0")));
}

/// A release that a holder proposes. Its delegate says no, she says yes herself, and takes what she had given.
async fn voted(office: &mut Office) {
    assert_eq!(office.json("bob", &proposed("1.0.0"))["proposal"], 2);
    office.refused(
        "scout",
        "charter vote 2 yes --yes",
        "GOVERNANCE_AGENT_VOTES: scout.test.near is an agent's account",
    );
    office.refused("bob", "charter vote 2 yes --yes --as-agent 1", "GOVERNANCE_NOT_DELEGATE");
    let shown = [
        "decides     what was locked at 20",
        ": 20 NEAR in all; it takes 5 NEAR yes at least",
        "votes       0 NEAR yes, 0 NEAR no, of 20 NEAR; 10.002 NEAR yes are needed",
        "your vote   no, of carol.test.near, with 8 NEAR: 4 NEAR of its own, 4 NEAR delegated to it\n",
        "voted no on proposal 2: 0 NEAR yes, 8 NEAR no so far",
    ];
    says(office, "carol", "charter vote 2 no --yes", &shown);
    let said = office.json("scout", "charter vote 2 yes --yes --as-agent 1");
    assert_eq!((&said["stake"]["agents_yes"], &said["agent"]), (&near(2), &json!(1)));
    assert_eq!(said["weight"]["stake"]["received"], near(2));
    let shown = [
        "votes       0 NEAR yes, 8 NEAR no, agents 2 NEAR yes, 0 NEAR no, of 20 NEAR",
        "agents      cast 2 NEAR, all of which counts",
        "with 10 NEAR: 10 NEAR of its own, of which 6 NEAR is taken from its delegates\n",
        "voted yes on proposal 2: 10 NEAR yes, 4 NEAR no so far",
    ];
    says(office, "alice", "charter vote 2 yes --yes", &shown);
    says(office, "alice", "charter vote 2 yes --yes", &["10 NEAR of its own; it said yes before"]);
    let refused = "GOVERNANCE_NO_VOTES: nothing that hal.test.near has locked";
    office.refused("hal", "charter vote 2 yes --yes", refused);
    assert_eq!(office.json("bob", "charter vote 2 yes --yes")["stake"]["yes"], near(16));
    let shown = office.json("carol", "charter release show 2");
    let vote = &shown["proposal"]["stake"];
    assert_eq!((&vote["yes"], &vote["no"], &vote["agents_yes"]), (&near(16), &near(4), &json!("0")));
    says(office, "carol", "charter line proposals 2", &["16 NEAR yes, 4 NEAR no, of 20 NEAR; 10.002 NEAR yes"]);
    for _ in 0..2 {
        office.wait_an_hour().await;
    }
    assert_eq!(office.json("carol", "charter release publish 2")["seq"], 1);
    office.refused("carol", "charter line forget-ballots 2 alice.test.near", "GOVERNANCE_OPEN");
    let shown = ["of proposal 9, no vote by stake of alice.test.near, bob.test.near is on the chain any more"];
    says(office, "carol", "charter line forget-ballots 9 alice.test.near bob.test.near", &shown);
}

/// What was locked comes back, once it has waited; what a delegate no longer votes with, at once.
async fn taken_out(office: &mut Office) {
    let done = office.json("bob", "charter stake unlock 2 6");
    assert_eq!(done["unlocking"], near(6));
    office.refused("bob", "charter stake withdraw 2", "GOVERNANCE_NOTHING_READY");
    says(office, "bob", "charter stake show 2", &["unlocking   6 NEAR, ready at "]);
    says(office, "carol", "charter delegate stand-down 2", &["carol.test.near is no delegate of line 2 any more"]);
    office.refused("carol", "charter delegate stand-down 2", "GOVERNANCE_NOT_DELEGATE");
    let dead = "carol.test.near, who is that delegate no more: it is yours again";
    says(office, "alice", "charter stake show 2", &[dead]);
    let back = office.json("alice", "charter delegate to 2 carol.test.near 0 --yes");
    assert_eq!(back["undelegated"], near(8));
    let shown = ["unlocked 8 NEAR on line 2: 8 NEAR can be withdrawn from "];
    says(office, "alice", "charter stake unlock 2 8", &shown);
    for _ in 0..5 {
        office.wait_an_hour().await;
    }
    says(office, "bob", "charter stake show 2", &["free        6 NEAR: `charter stake withdraw 2`"]);
    says(office, "bob", "charter stake withdraw 2", &["withdrew 6 NEAR from line 2"]);
    says(office, "bob", "charter stake show 2", &["holder      bob.test.near, who has locked nothing"]);
    assert_eq!(office.json("alice", "charter stake withdraw 2")["amount"], near(8));
    says(
        office,
        "alice",
        "charter stake show 2",
        &["line        2, scout: 6 NEAR in all, too little: the council decides"],
    );
}

/// Rules of stake stay unless they are named, and what is fixed can't be.
fn amended(office: &mut Office) {
    let change = |what: &str| format!("charter council change 2 {what} --yes");
    office.refused("alice", &change("--stake-unlock 5h"), "GOVERNANCE_STAKE_FIXED");
    office.refused("alice", &change("--stake-floor 5"), "has this constitution already");
    says(office, "alice", &change("--stake-floor 6"), &["less than 6 NEAR", "stake now   takes 5 NEAR yes at least"]);
    let off = "stake now   decides, and would no more: the council does, whatever is locked";
    says(office, "alice", &change("--no-stake"), &[off]);
    let kept = office.json("alice", &change("--quorum 66.7"))["proposal"].as_u64().unwrap();
    let shown = office.json("alice", &format!("charter release show {kept}"));
    assert_eq!(shown["proposal"]["kind"]["amendment"]["stake"]["floor"], near(5));
    says(office, "bob", "charter council show 2", &["by stake    passes with 50.01 % of what is locked"]);
    assert_eq!(office.json("bob", "charter council show 2")["constitution"]["stake"]["floor"], near(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn stake_votes_with_what_is_locked_and_comes_back() {
    let mut office = open();
    start(&mut office);
    std::fs::create_dir(office.path("hal")).unwrap();
    office.json("hal", "charter init --data-dir ../play --account hal.test.near");
    by_stake(&mut office);
    locked(&mut office);
    office.wait_an_hour().await;
    counted(&mut office);
    voted(&mut office).await;
    taken_out(&mut office).await;
    amended(&mut office);
}

/// A folder where the council of Charter's own line works.
pub struct Desk {
    pub harness: Harness,
    folder: tempfile::TempDir,
}

impl Desk {
    pub async fn new() -> Self {
        let (harness, folder) = (Harness::start().await.unwrap(), tempfile::tempdir().unwrap());
        let root = harness.root();
        let key = json!({ "account_id": root.id(), "private_key": root.secret_key().to_string() });
        std::fs::write(folder.path().join("key.json"), key.to_string()).unwrap();
        let desk = Self { harness, folder };
        let contracts = &desk.harness.contracts;
        let deployment = json!({
            "registry": contracts.registry, "keys": contracts.keys, "governance": contracts.governance,
            "escrow": contracts.escrow, "tasks": contracts.tasks, "verifier": contracts.verifier,
        });
        std::fs::create_dir(desk.folder.path().join("data")).unwrap();
        std::fs::write(desk.folder.path().join("data/deployment.json"), deployment.to_string()).unwrap();
        let url = desk.harness.rpc_url();
        desk.done(&format!("charter init --data-dir data --chain {url} --credentials key.json"));
        desk
    }

    fn run(&self, line: &str) -> Output {
        let arguments = line.split_whitespace().skip(1);
        charter().args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    pub fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        format!("{}{}", text(&output.stderr), text(&output.stdout))
    }

    pub fn refused(&self, line: &str, expected: &str) {
        let output = self.run(line);
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{line}: {error}");
    }

    /// What machines know a refusal by.
    pub fn code(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json"));
        let said = text(&output.stderr);
        assert!(!output.status.success(), "{line} went through: {said}");
        // What is agreed to stands before it.
        let last = said.lines().last().unwrap_or_default();
        serde_json::from_str::<Value>(last).unwrap_or_else(|_| panic!("{line}: {said}"))["error"]["code"].clone()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_says_what_is_in_its_way() {
    let desk = Desk::new().await;
    let escrow = desk.harness.contracts.escrow.clone();
    desk.write("escrow.wasm", charter_wasm::Contract::Escrow.code());
    // Deploys, and then can't migrate.
    desk.write("empty.wasm", b"\0asm\x01\0\0\0");
    let root = desk.harness.root().id().clone();
    desk.refused(&format!("charter upgrade propose {root} escrow.wasm --yes"), "does not say which code it runs");
    desk.refused(&format!("charter upgrade propose {escrow} none.wasm --yes"), "none.wasm can't be read");
    desk.refused(&format!("charter upgrade propose {escrow} escrow.wasm"), "say --yes");
    for code in ["escrow.wasm", "escrow.wasm", "empty.wasm"] {
        desk.done(&format!("charter upgrade propose {escrow} {code} --yes"));
    }
    // Proposals 1 to 4 are those by which governance took over.
    for proposal in 5..=7 {
        let said = desk.done(&format!("charter vote {proposal} yes --yes"));
        assert!(said.contains("replaces    deployment "), "{said}");
    }
    desk.refused("charter upgrade execute 5 empty.wasm", "GOVERNANCE_WRONG_CODE");
    desk.refused("charter upgrade execute 5 escrow.wasm", "is voted on until");
    desk.harness.wait(Duration::from_secs(2 * 3_601)).await.unwrap();
    desk.refused("charter upgrade execute 7 empty.wasm", "MethodNotFound");
    let said = desk.done("charter release show 7");
    assert!(said.contains("the last attempt failed"), "{said}");
    // A contract that has less than it owes says how much is missing, and takes the code once it has it.
    prepay(desk.harness.root(), &escrow, OWED).await;
    desk.harness.leave(&escrow, OWED / 2).await.unwrap();
    desk.refused("charter upgrade execute 5 escrow.wasm", "CHARTER_FUNDS_SHORT: ");
    desk.harness.leave(&escrow, OWED).await.unwrap();
    desk.done("charter upgrade execute 5 escrow.wasm");
    desk.refused("charter upgrade execute 6 escrow.wasm", &format!("CHARTER_CODE_REPLACED: {escrow} runs"));
    desk.refused("charter upgrade execute 5 escrow.wasm", "is carried out");
}

/// What the first lock on a line stores.
const STAKE_STORAGE: &str = "storage     about 0.005 NEAR more, which come back when you have nothing there any more\n";
/// 2^113, more than any line holds.
const TOO_MUCH: &str = "10384593717069655257060992658440192";

#[tokio::test(flavor = "multi_thread")]
async fn stake_in_a_token_is_locked_by_its_contract_and_comes_back() {
    let desk = Desk::new().await;
    let root = desk.harness.root();
    let account = desk.harness.account("token").await.unwrap();
    account.deploy(&test_token().unwrap()).await.unwrap().into_result().unwrap();
    let token = account.id();
    for (method, args) in [
        ("new", json!({ "owner": root.id() })),
        ("mint", json!({ "account_id": root.id(), "amount": "1000" })),
        ("mint", json!({ "account_id": root.id(), "amount": TOO_MUCH })),
    ] {
        let outcome = root.send(token, raw(method, args), 0).await.unwrap();
        assert!(outcome.is_success(), "{method}: {outcome:?}");
    }
    let create = "charter line create scout --vote 1h --timelock 1h --extension 0 --stake-unlock 4h";
    let said = desk.done(&format!("{create} --stake-asset {token} --stake-floor 100 --yes"));
    assert!(said.contains(&format!("who locks the token {token} decides")), "{said}");

    desk.refused("charter stake lock 2 0.5 --yes", "smallest unit, found \"0.5\"");
    let said = desk.done("charter stake lock 2 700 --yes");
    assert!(said.contains(STAKE_STORAGE), "{said}");
    assert!(said.contains(&format!("locked 700 {token} on line 2; 700 {token} of yours counts from ")), "{said}");
    let said = desk.done("charter stake lock 2 300 --yes");
    assert!(said.contains(&format!("1000 {token} of yours counts from ")), "{said}");
    assert!(!said.contains("storage "), "{said}");
    // What governance refuses its sender has again.
    let refused = format!("0 of {TOO_MUCH} {token} came in, the rest is yours again");
    desk.refused(&format!("charter stake lock 2 {TOO_MUCH} --yes"), &refused);
    desk.refused(&format!("charter stake lock 2 {TOO_MUCH} --yes"), "GOVERNANCE_TOO_MUCH_STAKE");
    assert_eq!(desk.code(&format!("charter stake lock 2 {TOO_MUCH} --yes")), "GOVERNANCE_TOO_MUCH_STAKE");
    let outcome = root.send(token, raw("fail", json!({ "fails": true })), 0).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    desk.refused("charter stake lock 2 1 --yes", "TOKEN_FAILS");
    assert_eq!(desk.code("charter stake lock 2 1 --yes"), "FOREIGN_CONTRACT");

    desk.done("charter stake unlock 2 400");
    desk.harness.wait(Duration::from_hours(5)).await.unwrap();
    desk.refused("charter stake withdraw 2", "GOVERNANCE_WITHDRAWAL_FAILED");
    let said = desk.done("charter stake show 2");
    assert!(said.contains(&format!("free        400 {token}: `charter stake withdraw 2`")), "{said}");
    let outcome = root.send(token, raw("fail", json!({ "fails": false })), 0).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    let said = desk.done("charter stake withdraw 2");
    assert!(said.contains(&format!("withdrew 400 {token} from line 2")), "{said}");
    let said = desk.done("charter stake show 2");
    assert!(said.contains(&format!("line        2, scout: 600 {token} in all, it decides")), "{said}");
}
