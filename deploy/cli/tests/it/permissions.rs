//! What a release asks for, in files whose hash is voted on (`--permissions`), next to what the one before asks for; on a
//! line of minutes.

use charter_types::keys::Policy;
use serde_json::{Value, json};

use crate::dao::{open, proposed, says, start};
use crate::operator::Office;
use crate::process::text;

const MINUTES: &str = "charter line create scout --member alice.test.near --vote 1m --timelock 1m --yes";

/// Reading below a path.
fn policy(path: &str) -> Value {
    json!({
        "effects": ["read"],
        "targets": [
            { "scheme": "https", "host": "api.example.com", "port": 443, "paths": [path], "methods": ["GET"] },
        ],
        "inject": { "header": { "name": "authorization", "prefix": "Bearer " } },
        "body_bytes_max": 1000,
        "response_bytes_max": 1000,
    })
}

fn write(office: &Office, name: &str, policies: &[Value]) {
    std::fs::write(office.path(&format!("alice/{name}")), json!(policies).to_string()).unwrap();
}

/// The stable code of a refusal, as machines read it.
fn code(office: &mut Office, line: &str) -> Value {
    let output = office.run_in("alice", &format!("{line} --json"));
    assert!(!output.status.success(), "{line}: {}", text(&output.stdout));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    error["error"]["code"].clone()
}

/// The paths of policies.
fn paths(policies: &Value) -> Vec<&str> {
    policies.as_array().unwrap().iter().filter_map(|policy| policy["targets"][0]["paths"][0].as_str()).collect()
}

/// What the page shows is a file that is taken.
#[test]
fn the_page_shows_a_file_of_permissions() {
    let page = include_str!("../../../../docs/dao.md");
    let section = page.split("### What a release asks for").nth(1).unwrap();
    let block = section.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let policies: Vec<Policy> = serde_json::from_str(block).unwrap();
    assert!(policies.iter().all(|policy| charter_rules::policy::check(policy).is_ok()), "{policies:?}");
    assert_eq!(serde_json::from_str::<Value>(block).unwrap(), json!([policy("/v1/news")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_minutes_is_taken_and_shown() {
    let mut office = open();
    start(&mut office);
    let shorter = MINUTES.replace("--vote 1m", "--vote 59s");
    office.refused("alice", &shorter, "GOVERNANCE_BAD_PARAMS");
    let shown = ["votes take  1m, then 1m to leave", "line 2: scout"];
    says(&mut office, "alice", MINUTES, &shown);
    says(&mut office, "alice", "charter line show 2", &shown[..1]);
    let params = office.json("alice", "charter line show 2")["line"]["params"].clone();
    assert_eq!((&params["vote_ms"], &params["timelock_ms"]), (&json!(60_000), &json!(60_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn voters_see_what_a_release_asks_for_and_what_of_it_is_new() {
    let mut office = open();
    start(&mut office);
    office.json("alice", MINUTES);
    write(&office, "first.json", &[policy("/v1/news"), policy("/v1/mail")]);
    write(&office, "next.json", &[policy("/v1/news"), policy("/v1/mail/unread"), policy("/v1/bank")]);

    // The first release: what is shown is what is voted on, or there is no vote.
    office.json("alice", &format!("{} --permissions first.json", proposed("1.0.0")));
    let vote = "charter vote 1 yes --yes --permissions";
    assert_eq!(code(&mut office, &format!("{vote} next.json")), "PERMISSIONS_DIFFER");
    office.refused("alice", &format!("{vote} first.json --permissions-before next.json"), "PERMISSIONS_DIFFER");
    office.refused("alice", "charter vote 1 yes --yes --permissions-before first.json", "required arguments");
    office.refused("alice", &format!("{vote} none.json"), "none.json can't be read");
    assert_eq!(office.json("alice", "charter release show 1")["proposal"]["yes"], 0);
    let shown = [
        "ADDED       nothing was released before:\nmay         GET to https://api.example.com/v1/news and below\n",
        "ADDED       nothing was released before:\nmay         GET to https://api.example.com/v1/mail and below\n",
        "voted yes on proposal 1",
    ];
    says(&mut office, "alice", &format!("{vote} first.json"), &shown);
    office.wait_an_hour().await;
    office.json("alice", "charter release publish 1");
    says(&mut office, "alice", "charter release show 1", &["release     1.0.0, the first"]);

    // The next one: what is new, what is less, and what is gone.
    office.json("alice", &format!("{} --permissions next.json", proposed("1.1.0")));
    let show = "charter release show 2 --permissions next.json";
    says(&mut office, "alice", show, &["asks for    whether or not the release before did"]);
    assert_eq!(office.json("alice", show)["permissions"]["change"], json!(null));
    assert_eq!(code(&mut office, &format!("{show} --permissions-before next.json")), "PERMISSIONS_DIFFER");
    let compared = format!("{show} --permissions-before first.json");
    let shown = [
        "OTHER permissions than 1.0.0",
        "ADDED       1.0.0 does not ask for it:\nmay         GET to https://api.example.com/v1/bank and below\n",
        "narrowed    1.0.0 asks for more:\nmay         GET to https://api.example.com/v1/mail/unread and below\n",
        "dropped     1.0.0 asks for it, and this does not:\nmay         GET to https://api.example.com/v1/mail and",
    ];
    says(&mut office, "alice", &compared, &shown);
    let change = office.json("alice", &compared)["permissions"]["change"].clone();
    assert_eq!(change["before"], "1.0.0");
    let changed = ["added", "narrowed", "dropped"].map(|part| paths(&change[part]));
    assert_eq!(changed, [["/v1/bank"], ["/v1/mail/unread"], ["/v1/mail"]]);

    // The same file once more needs no other to be compared with, and none for who asks for nothing.
    office.json("alice", &format!("{} --permissions first.json", proposed("1.0.1")));
    let same = "permissions nothing that 1.0.0 does not ask for, and nothing less\n";
    says(&mut office, "alice", "charter vote 3 yes --yes --permissions first.json", &[same]);
    office.json("alice", &proposed("1.0.2"));
    let none = "PERMISSIONS_DIFFER: 1.0.2 asks for no permissions";
    office.refused("alice", "charter release show 4 --permissions first.json", none);

    // Nobody can be shown what is no list of policies: who proposes it is told, and so is who votes.
    let beware = ["beware      no voter can be shown what it asks for"];
    says(&mut office, "alice", &format!("{} --permissions scout.tar", proposed("1.0.3")), &beware);
    assert_eq!(code(&mut office, "charter release show 5 --permissions scout.tar"), "PERMISSIONS_UNREADABLE");
    office.json("alice", "charter council change 2 --quorum 66.7 --yes");
    let other = "PERMISSIONS_DIFFER: proposal 6 is not about a release";
    office.refused("alice", "charter release show 6 --permissions first.json", other);
}
