//! What the governance README puts in the place of dstack's boot authority is what governance says.

use charter_types::Hash32;
use charter_types::governance::methods::release_for;
use charter_types::governance::{Reason, ReleaseFor};
use charter_types::method::Method;
use charter_types::registry::Epochs;
use serde_json::{Map, Value, json};

const PAGE: &str = include_str!("../../../../contracts/governance/README.md");

/// What dstack posts, in bytes; its other fields are texts.
const FIELDS: [(&str, usize); 7] = [
    ("appId", 20),
    ("composeHash", 32),
    ("instanceId", 20),
    ("deviceId", 32),
    ("mrAggregated", 32),
    ("mrSystem", 32),
    ("osImageHash", 32),
];

/// The JSON blocks of a part of the page.
fn blocks(title: &str) -> Vec<&'static str> {
    let part = PAGE.split_once(title).unwrap().1;
    let part = part.split_once("\n### ").map_or(part, |(part, _)| part);
    part.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

fn is_one_of(text: &str, digests: &[Hash32]) -> bool {
    text.parse::<Hash32>().is_ok_and(|digest| digests.contains(&digest))
}

/// The page's table, played: what a service in dstack's place answers.
fn answer(boot: &Value, told: &ReleaseFor, epochs: Epochs) -> Value {
    let runs = is_one_of(boot["composeHash"].as_str().unwrap(), &told.digests);
    let unmanaged = told.reason == Reason::Unmanaged;
    let same = told.epochs.is_none_or(|known| known == epochs);
    let reason = match (same, runs || unmanaged) {
        (false, _) => json!("epochs"),
        (true, false) => json!("digest"),
        (true, true) => json!(told.reason),
    };
    json!({ "isAllowed": same && (runs || unmanaged), "reason": reason, "gatewayAppId": "" })
}

#[test]
fn a_boot_info_of_dstack_is_answered_by_release_for() {
    let hosts = blocks("### For hosts, and key managers in front of them");
    let [question, told]: [&str; 2] = hosts.try_into().unwrap();
    let dstack = blocks("### In the place of dstack's boot authority");
    let [boot, said]: [&str; 2] = dstack.try_into().unwrap();

    // The page's answer of the view is one, with every field that there is and no other.
    let known: ReleaseFor = serde_json::from_str(told).unwrap();
    assert_eq!(json!(known), serde_json::from_str::<Value>(told).unwrap());
    let agent = release_for::read(question.as_bytes()).unwrap().agent;
    assert_eq!(known.agent, agent);

    // The question is dstack's, about that agent.
    let fields: Map<String, Value> = serde_json::from_str(boot).unwrap();
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let mut expected = FIELDS.map(|(name, _)| name).to_vec();
    expected.extend(["tcbStatus", "advisoryIds"]);
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for (name, bytes) in FIELDS {
        assert_eq!(hex::decode(fields[name].as_str().unwrap()).unwrap().len(), bytes, "{name}");
    }
    let number = u128::from_str_radix(fields["appId"].as_str().unwrap(), 16).unwrap();
    assert_eq!(number, u128::from(agent));

    // So is the answer, and another image, or an agent that changed hands, gets another one.
    let boot = Value::Object(fields);
    let epochs = known.epochs.unwrap();
    let expected: Value = serde_json::from_str(said).unwrap();
    assert_eq!(answer(&boot, &known, epochs), expected);
    assert_eq!(expected["isAllowed"], true);
    let mut other = boot.clone();
    other["composeHash"] = other["osImageHash"].clone();
    assert_eq!(answer(&other, &known, epochs)["reason"], "digest");
    let sold = Epochs { agent: epochs.agent + 1, ..epochs };
    assert_eq!(answer(&boot, &known, sold), json!({ "isAllowed": false, "reason": "epochs", "gatewayAppId": "" }));
}
