//! A payer's and a payee's day, command by command, with its transcript in `docs/payments.md` (`CHARTER_WRITE_TRANSCRIPT=1`
//! writes it); shares, offers, what is refused, and answers that come too late.

use std::collections::BTreeMap;

use charter_client::offer::{By, Offer, SignedOffer};
use charter_client::{Account, At, Contracts, Rpc, sha256};
use charter_harness::{Caller, raw, test_token};
use charter_types::escrow::Voucher;
use charter_types::registry::args::{AddKey, AgentRef};
use charter_types::registry::{KEY_PROOF_PURPOSE, KeyProof, Purpose, methods};
use charter_types::{AnyKey, Domain, Ed25519Key, Signature64};
use ed25519_dalek::{Signer, SigningKey};
use near_crypto::SecretKey;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::dao::{Desk, open, says, settle_in, start};
use crate::operator::{Office, check_transcript};
use crate::process::text;

/// Digits of a row that is ready to be claimed.
const ROW: usize = 320;
/// What the page has in place of ids.
const SHOWN: [&str; 2] = ["5e0c1a2b", "9d41f7c3"];

/// Runs of so many hex digits, each once.
fn runs(text: &str, digits: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for run in text.split(|letter: char| !letter.is_ascii_hexdigit()).filter(|run| run.len() == digits) {
        if !found.iter().any(|known| known == run) {
            found.push(run.to_owned());
        }
    }
    found
}

/// Times are those of a chain that has just begun; keys, and so ids and signatures, are random.
fn without_chance(transcript: &str) -> String {
    let word = |word: &str| {
        let plain = word.trim_end_matches([',', ';', ':']);
        let rest = &word[plain.len()..];
        match plain {
            stamp if stamp.len() >= 20 && stamp.starts_with("20") && stamp.as_bytes()[10] == b'T' => {
                format!("2026-…{rest}")
            }
            key if key.starts_with("ed25519:") => format!("ed25519:…{rest}"),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let mut text: String = transcript.lines().map(|text| line(text) + "\n").collect();
    for row in runs(&text, ROW) {
        text = text.replace(&row, "5e0c1a2b… (320 hex digits)");
    }
    for (id, shown) in runs(&text, 64).into_iter().zip(SHOWN) {
        text = text.replace(&id, &shown.repeat(8)).replace(&id[..8], shown);
    }
    text
}

/// The first digits of the channel that somebody's folder remembers last.
fn newest(office: &mut Office, place: &str) -> String {
    let listed = office.json(place, "charter pay list");
    let id = listed.as_array().unwrap().last().unwrap()["id"].as_str().unwrap();
    id[..8].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_commands_open_a_channel_pay_over_it_and_let_an_agent_pay() {
    let mut office = open();
    settle_in(&mut office);
    office.show_in("alice", "charter pay open bob.test.near 1 --yes");
    let channel = newest(&mut office, "alice");
    office.show_in("alice", &format!("charter pay voucher {channel} 0.25 --yes"));
    let row = office.json("alice", &format!("charter pay voucher {channel} --again"));
    std::fs::write(office.path("bob/voucher"), row["hex"].as_str().unwrap()).unwrap();
    office.note("# alice sends it to bob, who has it in a file");
    office.show_in("bob", "charter pay claim @voucher --keep");
    office.show_in("bob", "charter pay withdraw");
    office.show_in("alice", &format!("charter pay top-up {channel} 0.5 --yes"));
    office.show_in("alice", "charter pay list");
    office.show_in("bob", &format!("charter pay close {channel} --yes"));
    office.show_in("alice", "charter pay purse fill 2 --agent 1 --yes");
    office.show_in("alice", "charter pay purse caps --per-day 0.5 --for 30d --agent 1 --yes");
    office.show_in("scout", "charter pay draw 0.2 --agent 1 --to bob.test.near --yes");
    assert_eq!(office.transcript.matches("$ charter").count(), 10);
    check_transcript("payments.md", &without_chance(&office.transcript));
}

fn amount(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_promises_no_more_than_there_is_and_shares_get_theirs() {
    let mut office = open();
    start(&mut office);
    office.refused("alice", "charter pay open nobody.test.near 1 --yes", "is no account");
    office.refused("alice", "charter pay open bob.test.near 1", "say --yes");
    office.refused("alice", "charter pay open bob.test.near 0 --yes", "more than 0");
    office.refused("alice", "charter pay open alice.test.near 1 --yes", "ESCROW_SAME_PAYEE");
    office.refused("alice", "charter pay open bob.test.near 1 --grace 1m --yes", "ESCROW_BAD_WITHDRAW_DELAY");
    office.refused("alice", "charter pay show ababab", "knows no channel ababab");
    let opened = office.json("alice", "charter pay open bob.test.near 1 --split carol.test.near:20 --grace 15m --yes");
    let channel = opened["channel"].as_str().unwrap()[..8].to_owned();
    assert!(amount(&opened["deposited"]) < 1_000_000_000_000_000_000_000_000);

    office.refused("alice", &format!("charter pay voucher {channel} 1 --yes"), "ESCROW_OVER_DEPOSIT");
    office.refused("alice", &format!("charter pay voucher {channel} --again"), "nothing was promised");
    let first = office.json("alice", &format!("charter pay voucher {channel} 0.1 --yes"));
    let second = office.json("alice", &format!("charter pay voucher {channel} 0.1 --yes"));
    assert_eq!(amount(&second["cumulative"]), 2 * amount(&first["cumulative"]));
    office.refused("alice", &format!("charter pay voucher {channel} 0.9 --yes"), "ESCROW_OVER_DEPOSIT");
    // Whose key it is not signs nothing.
    let whole = opened["channel"].as_str().unwrap().to_owned();
    office.refused("carol", &format!("charter pay voucher {whole} 0.1 --yes"), "PAY_WRONG_KEY");

    office.refused("bob", "charter pay claim 00", "expected a voucher");
    let hex = second["hex"].as_str().unwrap().to_owned();
    let claimed = office.json("bob", &format!("charter pay claim {hex}"));
    assert_eq!((&claimed[0]["claimed"], &claimed[0]["refused"]), (&second["cumulative"], &json!(null)));
    let older = first["hex"].as_str().unwrap().to_owned();
    office.refused("bob", &format!("charter pay claim {older}"), "ESCROW_NOT_HIGHER");
    office.refused("carol", "charter pay withdraw", "of which carol.test.near is the payee");
    let sent = office.json("alice", &format!("charter pay distribute {channel}"));
    assert_eq!(amount(&sent["amount"]), amount(&second["cumulative"]) / 5);
    office.refused("alice", &format!("charter pay distribute {channel}"), "ESCROW_NOTHING_DUE");
    office.refused("alice", &format!("charter pay distribute {channel} --to bob.test.near"), "has no share");
    office.refused("carol", &format!("charter pay distribute {whole}"), "ESCROW_WRONG_TERMS");

    office.refused("bob", &format!("charter pay request-close {channel}"), "ESCROW_NOT_PAYER");
    office.refused("alice", &format!("charter pay finalize {channel}"), "ESCROW_NOT_CLOSING");
    office.json("alice", &format!("charter pay request-close {channel}"));
    let said = text(&office.run_in("alice", &format!("charter pay show {channel}")).stdout);
    for shown in ["payee       bob.test.near", "state       its payer can end it from ", "20 % to carol.test.near"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    office.json("alice", &format!("charter pay cancel-close {channel}"));
    office.json("alice", &format!("charter pay request-close {channel}"));
    office.refused("alice", &format!("charter pay finalize {channel}"), "ESCROW_TOO_EARLY");
    office.wait_an_hour().await;
    let ended = office.json("alice", &format!("charter pay finalize {channel}"));
    assert_eq!(ended["left"], json!(null));
    let said = text(&office.run_in("alice", "charter pay list").stdout);
    assert!(said.contains("gone: closed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_that_were_agreed_on_are_the_only_ones() {
    let mut office = open();
    start(&mut office);
    let offer = json!({
        "payee": "bob.test.near", "agent": null, "service": "https://bob.example/", "asset": "near",
        "prices": [{ "item": "a summary", "amount": "1000000000000000000000", "units_max": 3 }],
        "level": { "answer_within_ms": 2000, "availability_bps": 9900 },
        "expires_at_ms": 4_102_444_800_000_u64, "parent": null,
    });
    for place in ["alice", "bob"] {
        std::fs::write(office.path(&format!("{place}/offer.json")), offer.to_string()).unwrap();
    }
    office.refused("alice", "charter pay offer sign offer.json --yes", "OFFER_NOT_PAYEE");
    office.refused("bob", "charter pay offer sign none.json --yes", "none.json does not exist");
    let signed = office.json("bob", "charter pay offer sign offer.json --yes");
    std::fs::write(office.path("alice/signed.json"), signed.to_string()).unwrap();
    let hash = office.json("alice", "charter pay offer show offer.json")["hash"].clone();
    assert_eq!(office.json("alice", "charter pay offer check signed.json")["hash"], hash);
    let mut dearer = signed;
    dearer["offer"]["prices"][0]["amount"] = json!("2000000000000000000000");
    std::fs::write(office.path("alice/dearer.json"), dearer.to_string()).unwrap();
    office.refused("alice", "charter pay offer check dearer.json", "OFFER_BAD_SIGNATURE");
    office.refused("alice", "charter pay open carol.test.near 1 --offer signed.json --yes", "OFFER_NOT_AGREED");
    let opened = office.json("alice", "charter pay open bob.test.near 1 --offer signed.json --yes");
    let channel = opened["channel"].as_str().unwrap()[..8].to_owned();
    for wrong in ["0.0015", "0.004"] {
        office.refused("alice", &format!("charter pay voucher {channel} {wrong} --yes"), "PAY_WRONG_PRICE");
    }
    office.json("alice", &format!("charter pay voucher {channel} 0.003 --yes"));
}

/// A file of the data folder that all of them share.
fn read<T: DeserializeOwned>(office: &Office, name: &str) -> T {
    serde_json::from_slice(&std::fs::read(office.path("play").join(name)).unwrap()).unwrap()
}

fn rpc(office: &Office) -> Rpc {
    Rpc::new(read::<String>(office, "node.json"))
}

/// Registers the key that signs alice's vouchers as one of agent 1's for payments. The key itself has to agree, so it can't be
/// done from elsewhere.
async fn register_pay_key(office: &Office, chain_id: &str, contracts: &Contracts) {
    let domain = Voucher::domain(chain_id, &contracts.escrow, sha256);
    let seed: String = read(office, &format!("payments/alice.test.near/{domain}/key.json"));
    let mut bytes = [0; 32];
    hex::decode_to_slice(seed, &mut bytes).unwrap();
    let signing = SigningKey::from_bytes(&bytes);
    let mut secrets: BTreeMap<String, SecretKey> = read(office, "keys.json");
    let secret = secrets.remove("alice.test.near").unwrap();
    let alice = Account::new("alice.test.near".parse().unwrap(), secret, rpc(office));
    let asked = AgentRef { agent: 1 };
    let agent = alice.rpc().view(&contracts.registry, methods::agent, &asked, At::Final).await.unwrap().unwrap();
    let key = AnyKey::Ed25519(Ed25519Key(signing.verifying_key().to_bytes()));
    let (purpose, expires_ms) = (Purpose::Pay, 4_102_444_800_000);
    let proof = KeyProof { agent: 1, epoch: agent.epoch, key, purpose, expires_ms };
    let domain = Domain { purpose: KEY_PROOF_PURPOSE, version: 1, chain_id, contract: &contracts.registry };
    let proof = Signature64(signing.sign(&domain.message(&proof, sha256)).to_bytes());
    let args = AddKey { agent: 1, key, purpose, expires_ms, proof, endorsed_by: None };
    contracts.registry().call(&alice, methods::add_key, &args).await.unwrap();
}

/// What alice sells: the work of her agent, at another price each.
fn work(price: u32, expires_at_ms: u64) -> Value {
    json!({
        "payee": "alice.test.near", "agent": 1, "service": "https://scout.example/", "asset": "near",
        "prices": [{ "item": "a summary", "amount": format!("{price}000000000000000000000"), "units_max": 1 }],
        "level": { "answer_within_ms": 0, "availability_bps": 0 },
        "expires_at_ms": expires_at_ms, "parent": null,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_an_agents_pay_key_hold_and_stand_in_its_card() {
    const LATE_MS: u64 = 4_102_444_800_000;
    let mut office = open();
    settle_in(&mut office);
    let (contracts, rpc): (Contracts, _) = (read(&office, "deployment.json"), rpc(&office));
    let status: Value = rpc.call("status", json!([])).await.unwrap();
    let chain_id = status["chain_id"].as_str().unwrap();
    for (name, offer) in [("pay", work(1, LATE_MS)), ("over", work(2, 1)), ("wallet", work(3, LATE_MS))] {
        std::fs::write(office.path(&format!("alice/{name}.json")), offer.to_string()).unwrap();
    }
    let signed = office.json("alice", "charter pay offer sign pay.json --pay-key --yes");
    assert_eq!(signed["by"], "pay_key");
    std::fs::write(office.path("bob/signed.json"), signed.to_string()).unwrap();
    office.refused("bob", "charter pay offer check signed.json", "OFFER_NOT_PAYEE");
    register_pay_key(&office, chain_id, &contracts).await;
    let hash = office.json("bob", "charter pay offer check signed.json")["hash"].clone();
    let opened = office.json("bob", "charter pay open alice.test.near 1 --payee-agent 1 --offer signed.json --yes");
    let channel = opened["channel"].as_str().unwrap()[..8].to_owned();
    office.refused("bob", &format!("charter pay voucher {channel} 0.002 --yes"), "PAY_WRONG_PRICE");
    office.json("bob", &format!("charter pay voucher {channel} 0.001 --yes"));

    // All that a card can hold: by a key of the agent's, by the account, and what nobody should go by.
    let over = office.json("alice", "charter pay offer sign over.json --pay-key --yes");
    let wallet = office.json("alice", "charter pay offer sign wallet.json --yes");
    let mut cheaper = signed.clone();
    cheaper["offer"]["prices"][0]["amount"] = json!("1");
    let offer: Offer = serde_json::from_value(work(4, LATE_MS)).unwrap();
    let (stranger, domain) = (SigningKey::from_bytes(&[9; 32]), Offer::domain(chain_id, &contracts.escrow));
    let signature = Signature64(stranger.sign(&offer.payload(domain, &contracts.escrow).hash()).to_bytes());
    let key = Ed25519Key(stranger.verifying_key().to_bytes());
    let foreign = SignedOffer { offer, by: By::Account { callback_url: None }, key, signature };
    let card = json!({ "name": "scout", "offers": [signed, over, cheaper, foreign, wallet] });
    std::fs::write(office.path("alice/offers.json"), card.to_string()).unwrap();
    office.json("alice", "charter agent card --card offers.json");
    let listed = office.json("bob", "charter pay offer list --agent 1");
    let refused: Vec<&Value> = listed["offers"].as_array().unwrap().iter().map(|one| &one["refused"]).collect();
    let expected =
        [json!(null), json!("OFFER_ENDED"), json!("OFFER_BAD_SIGNATURE"), json!("OFFER_NOT_PAYEE"), json!(null)];
    assert_eq!(refused, expected.iter().collect::<Vec<_>>(), "{listed}");
    assert_eq!((&listed["offers"][0]["hash"], &listed["offers"][0]["signed"]), (&hash, &signed));
    assert_eq!(listed["comparison"], "same");
    let said = text(&office.run_in("bob", "charter pay offer list --agent 1").stdout);
    for shown in [
        "of agent 1, revision ",
        "a summary: 0.001 NEAR",
        "a summary: 0.003 NEAR",
        "number 1, refused with OFFER_ENDED",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    // Somebody hands out another card.
    std::fs::write(office.path("bob/other.json"), r#"{"name":"scout"}"#).unwrap();
    let said = text(&office.run_in("bob", "charter pay offer list --agent 1 --card other.json").stdout);
    assert!(said.contains("NOT the one that is registered") && said.contains("none"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_stops_the_clock_and_an_edge_that_nobody_joined_ends() {
    let mut office = open();
    start(&mut office);
    let key = office.json("bob", "charter pay key")["voucher_key"].as_str().unwrap().to_owned();
    // It takes more than an hour to cost the cap.
    let deal = format!("--rate 0.00001 --cap 0.05 --cut 0 --cut-to carol.test.near --for 30d --acker-key {key}");
    let open = format!("charter pay edge open bob.test.near 1 {deal} --yes");
    let edge = office.json("alice", &open)["edge"].as_str().unwrap().to_owned();
    office.json("bob", &format!("charter pay edge join {edge} --yes"));
    let (asked, response) = ("07".repeat(32), "08".repeat(32));
    let ack = office.json("bob", &format!("charter pay edge ack {edge} 1 --asked {asked} --within 1m"));
    let (deadline, signature) = (&ack["deadline_ms"], ack["signature"].as_str().unwrap());
    office.wait_an_hour().await;
    let deliver = format!("charter pay edge deliver {edge} 1 --response {response}");
    office.refused("bob", &deliver, "ESCROW_UNKNOWN_REQUEST");
    office.json(
        "alice",
        &format!("charter pay edge escalate {edge} 1 --asked {asked} --deadline-ms {deadline} --signature {signature}"),
    );
    // Only the acker's key signs answers here.
    office.refused("alice", &deliver, "PAY_WRONG_KEY");
    let request = office.json("bob", &deliver)["request"].clone();
    assert_eq!((&request["delivered"]["response_hash"], &request["open"]), (&json!(response), &json!(false)));
    let said = text(&office.run_in("alice", &format!("charter pay edge show {edge} --request 1")).stdout);
    assert!(said.contains(&format!(": {response}")) && said.contains("state       live"), "{said}");
    office.refused("bob", &deliver, "ESCROW_REQUEST_SETTLED");
    office.refused("alice", &format!("charter pay edge end {edge}"), "ESCROW_EDGE_NOT_OVER");

    let other = office.json("alice", &open)["edge"].as_str().unwrap().to_owned();
    assert_ne!(other, edge);
    office.refused("carol", &format!("charter pay edge end {other}"), "ESCROW_NOT_ON_EDGE");
    let ended = office.json("alice", &format!("charter pay edge end {other}"));
    assert_eq!((&ended["edge"], &ended["shown"]), (&json!(other), &Value::Null));
    office.refused("bob", &format!("charter pay edge join {other} --yes"), "ESCROW_UNKNOWN_EDGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_too_late_pays_for_it() {
    let mut office = open();
    start(&mut office);
    let key = office.json("bob", "charter pay key")["voucher_key"].as_str().unwrap().to_owned();
    let deal = format!("--rate 0.01 --cap 0.05 --cut 0.1 --cut-to carol.test.near --for 30d --acker-key {key}");
    let storage = "storage     about 0.006 NEAR more, which come back when the edge is over\n";
    office.refused("alice", &format!("charter pay edge open bob.test.near 1 {deal}"), storage);
    office.refused("alice", &format!("charter pay edge open bob.test.near 1 {deal}"), "say --yes");
    let opened = office.json("alice", &format!("charter pay edge open bob.test.near 1 {deal} --yes"));
    let edge = opened["edge"].as_str().unwrap().to_owned();
    office.refused("carol", &format!("charter pay edge join {edge} --yes"), "ESCROW_NOT_ACKER");
    let said = text(&office.run_in("bob", &format!("charter pay edge join {edge} --yes")).stdout);
    assert!(said.contains("live"), "{said}");
    office.refused("bob", &format!("charter pay edge join {edge} --yes"), "ESCROW_EDGE_JOINED");
    let asked = "07".repeat(32);
    let ack = office.json("bob", &format!("charter pay edge ack {edge} 1 --asked {asked} --within 1m"));
    office.refused("alice", &format!("charter pay edge ack {edge} 1 --asked {asked} --within 1m"), "PAY_WRONG_KEY");
    let (deadline, signature) = (&ack["deadline_ms"], ack["signature"].as_str().unwrap());
    let given = format!("--asked {asked} --deadline-ms {deadline} --signature {signature}");
    let check = format!("charter pay edge check {edge} 1 {given}");
    assert_eq!(office.json("alice", &format!("{check} --within 2m"))["deadline_ms"], *deadline);
    office.refused("alice", &format!("{check} --within 1s"), "PAY_ACK_SLOW");
    office.refused("alice", &format!("charter pay edge check {edge} 2 {given}"), "ESCROW_BAD_ACK");
    // Nobody could escalate it: at its deadline the edge is over.
    let never = office.json("bob", &format!("charter pay edge ack {edge} 2 --asked {asked} --within 31d"));
    let (late, signature) = (&never["deadline_ms"], never["signature"].as_str().unwrap());
    let never = format!("charter pay edge check {edge} 2 --asked {asked} --deadline-ms {late} --signature {signature}");
    office.refused("alice", &never, "PAY_ACK_WORTHLESS");
    let escalate = format!("charter pay edge escalate {edge} 1 {given}");
    office.refused("alice", &escalate, "ESCROW_NOT_IN_WINDOW");
    office.wait_an_hour().await;
    office.json("alice", &escalate);
    office.refused("alice", &format!("charter pay edge cut {edge} --yes"), "ESCROW_ESCALATIONS_OPEN");
    office.wait_an_hour().await;
    let paid = office.json("carol", &format!("charter pay edge claim-late {edge} 1"));
    assert_eq!(amount(&paid["amount"]), 50_000_000_000_000_000_000_000);
    let said = text(&office.run_in("alice", &format!("charter pay edge show {edge} --request 1")).stdout);
    for shown in ["late pay    0.05 NEAR so far", "state       live", "not answered, and it has cost all that it can"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    let response = "08".repeat(32);
    office.refused(
        "bob",
        &format!("charter pay edge deliver {edge} 1 --response {response}"),
        "ESCROW_REQUEST_SETTLED",
    );
    office.json("alice", &format!("charter pay edge cut {edge} --yes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn purses_and_earnings_are_the_owners() {
    let mut office = open();
    settle_in(&mut office);
    office.refused("alice", "charter pay purse show", "ESCROW_NO_PURSE");
    let storage = "storage     about 0.005 NEAR of it, which come back when the purse is emptied\n";
    says(&mut office, "alice", "charter pay purse fill 0.5 --yes", &[storage]);
    let said = text(&office.run_in("alice", "charter pay purse fill 0.5 --yes").stderr);
    assert!(said.contains("puts 0.5 NEAR") && !said.contains("storage"), "{said}");
    let draw = "charter pay draw 0.2 --agent 1 --to bob.test.near --yes";
    office.refused("scout", draw, "ESCROW_NO_CAPS");
    office.json("alice", "charter pay purse caps --per-day 0.3 --for 1d --yes");
    office.refused("bob", draw, "ESCROW_NOT_AGENT");
    let drawn = office.json("scout", draw);
    assert_eq!(amount(&drawn["deposited"]), 200_000_000_000_000_000_000_000);
    office.refused("scout", draw, "ESCROW_OVER_CAPS");
    let more = format!("charter pay draw 0.05 --agent 1 --top-up {} --yes", drawn["channel"].as_str().unwrap());
    assert_eq!(amount(&office.json("scout", &more)["deposited"]), 250_000_000_000_000_000_000_000);
    let said = text(&office.run_in("alice", "charter pay purse show").stdout);
    assert!(said.contains("0.3 NEAR, of which 0.25 NEAR are drawn today"), "{said}");
    office.json("alice", "charter pay purse empty");
    office.refused("alice", "charter pay purse empty", "ESCROW_NO_PURSE");

    office.refused("bob", "charter pay earnings sync --agent 1", "ESCROW_NO_EARNINGS");
    office.json("alice", "charter pay earnings open");
    office.refused("alice", "charter pay earnings open", "ESCROW_EARNINGS_OPEN");
    office.json("bob", "charter pay earnings sync --agent 1");
    office.json("alice", "charter pay earnings end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_paid_in_by_its_contract() {
    let desk = Desk::new().await;
    let root = desk.harness.root();
    let ben = desk.harness.account("ben").await.unwrap();
    let account = desk.harness.account("token").await.unwrap();
    account.deploy(&test_token().unwrap()).await.unwrap().into_result().unwrap();
    let (token, payee) = (account.id(), ben.id());
    for (method, args) in
        [("new", json!({ "owner": root.id() })), ("mint", json!({ "account_id": root.id(), "amount": "10000" }))]
    {
        let outcome = root.send(token, raw(method, args), 0).await.unwrap();
        assert!(outcome.is_success(), "{method}: {outcome:?}");
    }
    desk.refused(&format!("charter pay open {payee} 0.5 --token {token} --yes"), "smallest unit, found \"0.5\"");
    let said = desk.done(&format!("charter pay open {payee} 5000 --token {token} --yes"));
    assert!(said.contains(&format!("5000 {token} can be promised to {payee}, in all")), "{said}");
    // What escrow refuses its sender has again; the channel stays.
    let little = format!("charter pay open {payee} 10 --token {token} --yes");
    desk.refused(&little, "ESCROW_DEPOSIT_TOO_SMALL");
    desk.refused(&little, "is open, with nothing in it: `charter pay top-up ");
    assert_eq!(desk.code(&little), "ESCROW_DEPOSIT_TOO_SMALL");
    let said = desk.done(&format!("charter pay purse fill 2000 --agent 7 --token {token} --yes"));
    assert!(said.contains(&format!("has         2000 {token}")), "{said}");
    assert!(said.contains("storage     about 0.005 NEAR more, which come back when the purse is emptied\n"), "{said}");
    let said = desk.done("charter pay list");
    assert!(said.contains(&format!("0 {token} of 5000 {token} claimed; open")), "{said}");
    // What a token says for itself is no code of ours, whatever it looks like.
    let outcome = root.send(token, raw("fail", json!({ "fails": true })), 0).await.unwrap();
    assert!(outcome.is_success(), "{outcome:?}");
    desk.refused(&little, "TOKEN_FAILS: nothing moves; channel ");
    assert_eq!(desk.code(&little), "FOREIGN_CONTRACT");
}
