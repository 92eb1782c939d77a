//! Every method of every contract, called by everybody who may not, and with everything that is wrong: each refusal has its
//! code, leaves the state as it was, and the deposit with its owner. A denial in a callback moves the chain of events and
//! nothing else.

mod case;
mod escrow;
pub mod governance;
mod keys;
mod registry;
mod repeated;
mod scene;
mod shared;
mod stake;
mod tasks;
mod walk;

use charter_harness::{Call, call, ok, raw};
use charter_types::admin::PauseFeature;
use charter_types::keys::args::GrantRef;
use charter_types::keys::methods as keys_methods;
use charter_types::method::{Deposit, Kind, Method};
use charter_types::registry::args::{AgentAccount, AgentRef, Pause, Rearm, RegisterAgent, SetCard};
use charter_types::registry::methods as registry_methods;
use charter_types::shared::methods as shared_methods;
use charter_types::storage::StorageWithdraw;
use charter_types::verifier::methods::verify_quote;
use charter_types::{Named, contract};
use near_workspaces::AccountId;
use serde_json::{Value, json};

use crate::attestation::sample;
use case::{Case, Who};
use charter_harness::arguments::{DEPOSIT, card, host};
use scene::Scene;
use walk::{BAD_ARGUMENTS, Walk};

/// R4, of every method there is.
#[tokio::test]
async fn whoever_repeats_a_call_lowers_no_balance_but_its_own() {
    let scene = Scene::new().await;
    let contracts = &scene.harness.contracts;
    let all = [
        (&contracts.registry, [registry::cases(&scene), shared::cases(&scene, "register")].concat()),
        (&contracts.keys, [keys::cases(&scene), shared::cases(&scene, "store")].concat()),
        (
            &contracts.governance,
            [governance::cases(&scene), stake::cases(&scene), shared::cases(&scene, "propose")].concat(),
        ),
        (&contracts.escrow, [escrow::cases(&scene), shared::cases(&scene, "open")].concat()),
        (&contracts.tasks, [tasks::cases(&scene), shared::cases(&scene, "take")].concat()),
    ];
    let mut repeated = Vec::new();
    for (contract, cases) in &all {
        repeated.extend(repeated::lowers_no_balance_but_its_own(&scene, contract, cases).await);
    }
    assert!(repeated.len() >= 90, "less can be repeated than could: {repeated:?}");
}

/// What the six tests below walk.
const WALKED: [&str; 6] = ["registry", "keys", "governance", "escrow", "tasks", "verifier"];

#[test]
fn every_contract_is_walked() {
    let names: Vec<_> = contract::all().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, WALKED);
}

#[tokio::test]
async fn nobody_does_to_an_agent_what_is_not_theirs_to_do() {
    let scene = Scene::new().await;
    let registry = &scene.harness.contracts.registry;
    let mut walk = Walk::new(&scene, registry).await;
    walk.all::<contract::Registry>(&[registry::cases(&scene), shared::cases(&scene, "register")].concat()).await;
    // What makes an agent larger is refused to an owner whose storage is used up, with the least deposit.
    ok(scene.person(Who::Owner), registry, shared_methods::storage_withdraw, &StorageWithdraw::default(), 1).await;
    walk.look().await;
    let grows = ["set_handle", "set_operator", "set_guardian", "set_payout", "offer_transfer", "set_recoverers"];
    let cases: Vec<Case> = registry::cases(&scene).into_iter().filter(|case| grows.contains(&case.name())).collect();
    assert_eq!(cases.len(), grows.len());
    for case in cases {
        walk.refused(Who::Owner, &case.call, 1, "CHARTER_STORAGE_SHORT").await;
    }
    walk.refused(Who::Poor, &register("https://x"), 1, "CHARTER_STORAGE_SHORT").await;
}

#[tokio::test]
async fn nobody_touches_a_credential_that_is_not_theirs() {
    let scene = Scene::with_admin().await;
    let keys = &scene.harness.contracts.keys;
    // Without an MPC contract nobody gets as far as being told that a host is not theirs.
    let mpc = Named { account: scene.id(Who::Friend) };
    ok(scene.harness.root(), keys, keys_methods::set_mpc, &mpc, 0).await;
    let mut walk = Walk::new(&scene, keys).await;
    let cases = keys::cases(&scene);
    walk.all::<contract::Keys>(&[cases.clone(), shared::cases(&scene, "store")].concat()).await;
    // Without prepaid storage nothing that needs it is asked.
    let mut prepaid = 0;
    for case in &cases {
        let short = case.rule.deposit == Deposit::Prepaid && case.name() != keys_methods::delegate::NAME;
        prepaid += usize::from(short);
        let code = if short { Some("CHARTER_STORAGE_SHORT") } else { case.told(Who::Poor) };
        if let Some(code) = code {
            walk.refused(Who::Poor, &case.call, case.deposit(), code).await;
        }
    }
    assert_eq!(prepaid, 7);
    let own = host(&scene.harness, keys, scene.person(Who::Poor), 7);
    walk.refused(Who::Poor, &call(keys_methods::register_host, &own), 1, "CHARTER_STORAGE_SHORT").await;
}

#[tokio::test]
async fn nobody_decides_for_a_line_that_is_not_theirs() {
    let scene = Scene::new().await;
    let mut walk = Walk::new(&scene, &scene.harness.contracts.governance).await;
    let cases = [governance::cases(&scene), stake::cases(&scene), shared::cases(&scene, "propose")].concat();
    walk.all::<contract::Governance>(&cases).await;
}

#[tokio::test]
async fn nobody_moves_money_that_is_not_theirs() {
    let scene = Scene::new().await;
    let mut walk = Walk::new(&scene, &scene.harness.contracts.escrow).await;
    walk.all::<contract::Escrow>(&[escrow::cases(&scene), shared::cases(&scene, "open")].concat()).await;
}

#[tokio::test]
async fn nobody_works_judges_or_is_paid_in_anothers_place() {
    let scene = Scene::new().await;
    let mut walk = Walk::new(&scene, &scene.harness.contracts.tasks).await;
    walk.all::<contract::Tasks>(&[tasks::cases(&scene), shared::cases(&scene, "take")].concat()).await;
}

#[tokio::test]
async fn a_quote_that_cannot_be_read_is_rejected() {
    let scene = Scene::new().await;
    let mut walk = Walk::new(&scene, &scene.harness.contracts.verifier).await;
    walk.all::<contract::Verifier>(&[Case::new(verify_quote, &sample().question(), "")]).await;
}

fn register(uri: &str) -> Call {
    let (operators, guardians) = (Vec::new(), Vec::new());
    let args = RegisterAgent { operators, guardians, ..RegisterAgent::new(card(uri)) };
    call(registry_methods::register_agent, &args)
}

/// What is wrong in the middle of arguments that can be read.
#[tokio::test]
async fn every_wrong_value_has_its_code_and_changes_nothing() {
    use registry_methods as registry;
    let scene = Scene::new().await;
    let mut walk = Walk::new(&scene, &scene.harness.contracts.registry).await;
    let agent = 1;
    let reference = AgentRef { agent };
    let set_card =
        |uri: &str, expected_revision| call(registry::set_card, &SetCard { agent, card: card(uri), expected_revision });
    let pause = |for_ms| call(registry::pause, &Pause { agent, for_ms });
    let of = |who: Who| AgentAccount { agent, account: scene.id(who) };
    let cases = [
        (Who::Owner, set_card("https://e", 2), 1, "REGISTRY_WRONG_CARD_REVISION"),
        (Who::Owner, set_card(&"u".repeat(129), 1), DEPOSIT, "REGISTRY_BAD_CARD_URI"),
        (Who::Owner, raw("set_card", json!({ "agent": agent, "extra": 1 })), 1, BAD_ARGUMENTS),
        (Who::Owner, register(""), DEPOSIT, "REGISTRY_BAD_CARD_URI"),
        (Who::Poor, register("https://x"), 1, "CHARTER_STORAGE_SHORT"),
        (Who::Guardian, pause(None), 0, "REGISTRY_BAD_PAUSE_LENGTH"),
        (Who::Owner, call(registry::unpause, &reference), 1, "REGISTRY_NOT_PAUSED"),
        (Who::Owner, call(registry::rearm, &Rearm { agents: vec![agent; 9] }), 1, "REGISTRY_TOO_MANY_AGENTS"),
        (Who::Owner, call(registry::remove_guardian, &of(Who::Stranger)), 1, "REGISTRY_UNKNOWN_GUARDIAN"),
        (Who::Stranger, call(registry::remove_guardian, &of(Who::Guardian)), 1, "REGISTRY_NOT_OWNER"),
        (Who::Stranger, raw("upgrade", json!({})), 0, BAD_ARGUMENTS),
        (Who::Poor, call(shared_methods::storage_withdraw, &StorageWithdraw::default()), 1, "CHARTER_STORAGE_UNKNOWN"),
    ];
    for (by, call, deposit, code) in cases {
        walk.refused(by, &call, deposit, code).await;
    }
    let token = registry::nft_transfer::NAME;
    let token = self::registry::cases(&scene).into_iter().find(|case| case.name() == token).unwrap();
    walk.refused(Who::Owner, &token.call, 1, "REGISTRY_NOT_TRANSFERABLE").await;
}

/// What a pause of every feature stops: what stores, grants or uses. Taking away goes on.
const PAUSED: [&str; 17] = [
    "register_agent",
    "register_agents",
    "register_host",
    "add_credential",
    "create_secret",
    "put_envelope",
    "add_wraps",
    "rotate_secret",
    "grant",
    "grant_batch",
    "delegate",
    "reserve",
    "request_key_release",
    "create_line",
    "propose_release",
    "propose_amendment",
    "propose_upgrade",
];

#[tokio::test]
async fn a_pause_stops_what_gives_and_nothing_that_takes_away() {
    let scene = Scene::with_admin().await;
    let contracts = &scene.harness.contracts;
    let (registry, keys, lines) = (&contracts.registry, &contracts.keys, &contracts.governance);
    let features = [(registry, "register"), (keys, "store"), (keys, "grant"), (keys, "release"), (lines, "propose")];
    for (contract, feature) in features {
        let pause = PauseFeature { feature: feature.to_owned(), for_ms: 3_600_000 };
        ok(scene.harness.root(), contract, shared_methods::pause_feature, &pause, 0).await;
    }
    let mut stopped = 0;
    let cases = [(registry, registry::cases(&scene)), (keys, keys::cases(&scene)), (lines, governance::cases(&scene))];
    for (contract, cases) in cases {
        let mut walk = Walk::new(&scene, contract).await;
        for case in cases {
            let stops = PAUSED.contains(&case.name());
            stopped += usize::from(stops);
            if stops {
                walk.refused(Who::Owner, &case.call, case.deposit(), "CHARTER_PAUSED").await;
            } else if let Some(code) = case.told(Who::Stranger) {
                walk.refused(Who::Stranger, &case.call, case.deposit(), code).await;
            }
        }
    }
    assert_eq!(stopped, PAUSED.len());
    ok(scene.person(Who::Owner), keys, keys_methods::revoke_grant, &GrantRef { grant: 1 }, 0).await;
}

#[tokio::test]
async fn nothing_can_be_done_with_an_agent_that_is_retired() {
    let scene = Scene::new().await;
    let (registry, keys) = (&scene.harness.contracts.registry, &scene.harness.contracts.keys);
    ok(scene.person(Who::Owner), registry, registry_methods::retire, &AgentRef { agent: 1 }, 1).await;
    let mut walk = Walk::new(&scene, registry).await;
    let mut about = 0;
    for case in registry::cases(&scene).iter().filter(|case| case.told(Who::Stranger).is_some()) {
        let mut args = case.args().unwrap();
        if args["agent"] == 2 {
            args["agent"] = json!(1);
        }
        let names = args["agent"] == 1 || args["token_id"] == "1" || args["agents"] == json!([1]);
        about += usize::from(names);
        let code = match &case.unknown {
            // Reporters tell what they paid, whatever became of the agent.
            _ if [registry_methods::report_reputation::NAME, registry_methods::remove_reputation::NAME]
                .contains(&case.name()) =>
            {
                "REGISTRY_NOT_REPORTER"
            }
            // Whoever made a proposal can take it back in any case.
            _ if case.name() == registry_methods::withdraw_proposal::NAME => "REGISTRY_NO_RECOVERY",
            Some((_, _, code)) => code,
            None => "REGISTRY_UNKNOWN_AGENT",
        };
        if names {
            walk.refused(Who::Owner, &case.with(&args), case.deposit(), code).await;
        }
    }
    assert_eq!(about, 39);
    // What was made in keys is still its owner's to take away, and good for nothing else. Who pays for a secret retires it
    // without being asked who it is, so a stranger tries.
    let mut walk = Walk::new(&scene, keys).await;
    for case in keys::cases(&scene).iter().filter(|case| case.code == "KEYS_NOT_OWNER") {
        let direct = [keys_methods::narrow::NAME, keys_methods::retire_secret::NAME];
        let by = if direct.contains(&case.name()) { Who::Stranger } else { Who::Owner };
        walk.refused(by, &case.call, case.deposit(), "KEYS_NO_AUTHORITY").await;
    }
    ok(scene.person(Who::Owner), keys, keys_methods::revoke_grant, &GrantRef { grant: 1 }, 0).await;
}

/// A transaction has at most 1.5 MiB (nearcore's `max_transaction_size`).
const ARGUMENT_BYTES_MAX: usize = 1_400_000;

/// Arguments with one list of 10,000 or of 1,024, or as many as a transaction can hold, or one text of 100,000 letters: for
/// every list and text in them.
fn oversized(args: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match args {
        Value::Array(items) => {
            let item = items.first().cloned().unwrap_or_else(|| json!("x"));
            let fits = ARGUMENT_BYTES_MAX / (item.to_string().len() + 1);
            // Longer than anything that is read, and as long as that.
            all.push(Value::Array(vec![item.clone(); fits.min(10_000)]));
            all.push(Value::Array(vec![item; fits.min(1_024)]));
            for long in items.first().map(oversized).unwrap_or_default() {
                all.push(json!([long]));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                for long in oversized(field) {
                    let mut other = fields.clone();
                    other.insert(name.clone(), long);
                    all.push(Value::Object(other));
                }
            }
        }
        Value::String(_) => all.push(json!("x".repeat(100_000))),
        _ => {}
    }
    all
}

/// Ten thousand of anything, or a thousand levels of it, are refused with a code before they cost much: INV-REG-5 and
/// INV-KEY-9 would not notice, gas would.
async fn walk_huge(scene: &Scene, contract: &AccountId, cases: Vec<Case>) -> usize {
    let deep = (0..1_000).fold(json!(1), |inside, _| json!([inside]));
    let wide: serde_json::Map<String, Value> = (0..10_000).map(|field| (format!("f{field}"), json!(1))).collect();
    let mut walk = Walk::new(scene, contract).await;
    let mut tried = 0;
    for case in cases {
        let Some(args) = case.args().filter(|_| case.kind == Kind::Call) else { continue };
        // Answers whatever it is asked.
        if case.name() == keys_methods::check_live::NAME {
            continue;
        }
        let mut huge = vec![json!({ "agent": deep }), Value::Object(wide.clone())];
        huge.extend(oversized(&args));
        for args in huge {
            tried += 1;
            let call = case.with(&args);
            let (code, tgas) = walk.code(scene.person(Who::Owner), &call, case.deposit()).await;
            let known = ["CHARTER_", "REGISTRY_", "KEYS_", "GOVERNANCE_", "ESCROW_", "TASKS_"];
            assert!(known.iter().any(|contract| code.starts_with(contract)), "{call}: {code}, {tgas} TGas");
        }
    }
    tried
}

#[tokio::test]
async fn arguments_of_any_size_are_refused_with_a_code() {
    let scene = Scene::new().await;
    let contracts = &scene.harness.contracts;
    assert!(walk_huge(&scene, &contracts.registry, registry::cases(&scene)).await > 100);
    assert!(walk_huge(&scene, &contracts.keys, keys::cases(&scene)).await > 100);
    assert!(walk_huge(&scene, &contracts.governance, governance::cases(&scene)).await > 20);
    assert!(walk_huge(&scene, &contracts.escrow, escrow::cases(&scene)).await > 10);
    assert!(walk_huge(&scene, &contracts.tasks, tasks::cases(&scene)).await > 50);
}
