//! Agents ranked by who paid for their work: `docs/reputation.md` has the rule, and each test here a sentence of it.
//!
//! Lines whose removal must fail these: any `where`, `join` or condition in `ranking.sql`, `PAYMENT` in either function
//! of `payment.rs`, `fill_payments`, `time_ms` and `payments_seq` in `attempt`, `find` in `kept.rs`.

mod kept;
mod oracle;
mod price;
mod real;
mod stands;
mod story;

use std::time::Instant;

use charter_indexer::api::Server;
use charter_indexer::ranking::OLD_MS;
use charter_indexer::{Contract, Watch};
use serde_json::{Value, json};
use sqlx::Executor;

use crate::taken::Scene;
use oracle::{Row, rank};
use story::{Agent, Story, id_of};

/// When these stories begin: every agent of before is old enough by then.
const NOW_MS: u64 = 2 * OLD_MS;
const SYBILS: u64 = 10_000;

async fn serve(scene: &Scene) -> Server {
    Server::start(scene.pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap()
}

async fn get(server: &Server, question: &str) -> (u16, Value) {
    let response = reqwest::get(format!("http://{}/v1/ranking{question}", server.addr)).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn page(server: &Server, question: &str) -> (Vec<Row>, Option<String>) {
    let (status, page) = get(server, question).await;
    assert_eq!(status, 200, "{question}: {page}");
    let number = |item: &Value, field: &str| item[field].as_u64().unwrap();
    let row = |item: &Value| Row {
        rank: number(item, "rank"),
        agent: number(item, "agent"),
        voices: number(item, "voices"),
        payers: number(item, "payers"),
        amount: item["amount"].as_str().unwrap().parse().unwrap(),
    };
    let next = page["next"].as_str().map(str::to_owned);
    (page["items"].as_array().unwrap().iter().map(row).collect(), next)
}

/// The whole ranking, in pages of three.
async fn whole(server: &Server, asset: &str) -> Vec<Row> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let (more, next) = page(server, &format!("?asset={asset}&limit=3{after}")).await;
        rows.extend(more);
        let Some(next) = next else { return rows };
        after = format!("&after={next}");
    }
}

fn of(rows: &[Row], agent: u64) -> Row {
    rows.iter().find(|row| row.agent == agent).copied().unwrap()
}

/// Agents 1 to 4 of as many owners: the others paid for 1, and each of them was paid by another one. 5 is mallory's.
fn honest() -> Story {
    let mut story = Story::default();
    for (id, owner) in [(1, "ann.near"), (2, "ben.near"), (3, "cid.near"), (4, "dan.near"), (5, "mallory.near")] {
        story.agents.push(Agent::new(id, owner, 1));
    }
    for (payer, agent) in
        [("ben.near", 1), ("cid.near", 1), ("dan.near", 1), ("cid.near", 2), ("dan.near", 3), ("ben.near", 4)]
    {
        story.pay(payer, agent, 1_000);
    }
    story
}

/// Mallory's Sybils: each owns an agent, pays for mallory's, and is paid for its own by the one before.
fn sybils(created_ms: u64) -> Story {
    let owner = |number: u64| format!("s{}.mallory.near", number % SYBILS);
    let mut story = Story::default();
    for number in 0..SYBILS {
        story.agents.push(Agent::new(100 + number, &owner(number), created_ms));
    }
    for number in 0..SYBILS {
        story.pay_to("mallory.near", &owner(number), 5, 1_000_000);
        story.pay(&owner(number), 100 + (number + 1) % SYBILS, 1_000_000);
    }
    story
}

#[tokio::test]
async fn ten_thousand_fresh_sybils_raise_nobody_and_aged_ones_are_ten_thousand_voices() {
    let scene = Scene::start().await;
    let mut story = honest();
    scene.node.set_time(NOW_MS);
    story.tell(&scene.node, "honest");
    scene.open().await.catch_up().await.unwrap();
    let server = serve(&scene).await;
    let before = whole(&server, "near").await;
    assert_eq!(before, rank(&story, None, NOW_MS));
    assert_eq!(of(&before, 1), Row { rank: 1, agent: 1, voices: 3, payers: 3, amount: 3_000 });

    let crowd = sybils(NOW_MS);
    crowd.tell(&scene.node, "sybil");
    story.extend(crowd);
    scene.open().await.catch_up().await.unwrap();
    let expected = rank(&story, None, NOW_MS);
    let asked = Instant::now();
    let (first, next) = page(&server, "?limit=100").await;
    println!("a page of the ranking takes {} ms", asked.elapsed().as_millis());
    assert_eq!(first, expected[..100]);
    // Who was there is where it was; only mallory has payers now, of whom none counts.
    let honest_now: Vec<Row> =
        first[..5].iter().map(|row| Row { payers: of(&before, row.agent).payers, ..*row }).collect();
    assert_eq!(honest_now, before);
    assert_eq!(of(&first, 5), Row { rank: 5, agent: 5, voices: 0, payers: SYBILS, amount: 0 });
    // Every later page is as good, the last one, too.
    let (second, _) = page(&server, &format!("?after={}", next.unwrap())).await;
    assert_eq!(second, expected[100..200]);
    let place = expected.len() - 50;
    let Row { voices, amount, agent, .. } = expected[place - 1];
    assert_eq!(page(&server, &format!("?after={voices}/{amount}/{agent}")).await, (expected[place..].to_vec(), None));

    // 31 days later nothing else has happened, and they are as good as anybody: that is what they cost.
    scene.node.set_time(NOW_MS + 31 * 24 * 3_600_000);
    scene.node.block(Vec::new());
    scene.node.block(Vec::new());
    scene.open().await.catch_up().await.unwrap();
    let expected = rank(&story, None, NOW_MS + 31 * 24 * 3_600_000);
    let (first, _) = page(&server, "").await;
    assert_eq!(first, expected[..100]);
    let amount = u128::from(SYBILS) * 1_000_000;
    assert_eq!(first[0], Row { rank: 1, agent: 5, voices: SYBILS, payers: SYBILS, amount });
    assert_eq!(first[1], Row { rank: 2, agent: 1, voices: 3, payers: 3, amount: 3_000 });
    drop(server);
    scene.end().await;
}

/// What mallory's agent 5 gets out of a story: voices and payers.
async fn mallory(tell: impl FnOnce(&mut Story)) -> (u64, u64) {
    let scene = Scene::start().await;
    let mut story = honest();
    tell(&mut story);
    scene.node.set_time(NOW_MS);
    story.tell(&scene.node, "story");
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    let server = serve(&scene).await;
    let rows = whole(&server, "near").await;
    assert_eq!(rows, rank(&story, None, NOW_MS));
    drop(server);
    scene.end().await;
    let Row { voices, payers, .. } = of(&rows, 5);
    (voices, payers)
}

#[tokio::test]
async fn an_agent_counts_from_its_thirtieth_day_on() {
    for (created_ms, voices) in [(NOW_MS - OLD_MS, 1), (NOW_MS - OLD_MS + 1, 0)] {
        let found = mallory(|story| {
            story.agents.push(Agent::new(6, "eve.near", created_ms));
            story.pay("ann.near", 6, 1);
            story.pay("eve.near", 5, 1);
        });
        assert_eq!(found.await, (voices, 1), "{created_ms}");
    }
}

#[tokio::test]
async fn who_is_paid_by_nobody_who_counts_is_no_voice() {
    for (payer, voices) in [
        // Somebody else with an agent that is old.
        ("ann.near", 1),
        // The owner of the agent that is ranked; oneself, by one's agent; an account without an agent; one with a new one.
        ("mallory.near", 0),
        ("bot.eve.near", 0),
        ("zoe.near", 0),
        ("young.near", 0),
    ] {
        let found = mallory(|story| {
            story.agents.push(Agent { account: Some("bot.eve.near".to_owned()), ..Agent::new(6, "eve.near", 1) });
            story.agents.push(Agent::new(7, "young.near", NOW_MS - 1));
            story.pay(payer, 6, 1_000_000);
            story.pay("eve.near", 5, 1);
        });
        assert_eq!(found.await, (voices, 1), "{payer}");
    }
    // It is enough that one of several counts.
    let found = mallory(|story| {
        story.agents.push(Agent::new(6, "eve.near", 1));
        story.pay("mallory.near", 6, 1);
        story.pay("ann.near", 6, 1);
        story.pay("eve.near", 5, 1);
    });
    assert_eq!(found.await, (1, 1));
}

#[tokio::test]
async fn all_that_is_one_owners_is_one_voice_and_an_owners_own_is_none() {
    let bot = |id: u64, owner: &str, account: &str, confirmed: bool| Agent {
        account: Some(account.to_owned()),
        confirmed,
        ..Agent::new(id, owner, 1)
    };
    // By hand, by the accounts of two agents, and twice.
    let found = mallory(|story| {
        story.agents.extend([bot(6, "ben.near", "b1.near", true), bot(7, "ben.near", "b2.near", true)]);
        for payer in ["ben.near", "b1.near", "b2.near", "ben.near"] {
            story.pay(payer, 5, 10);
        }
    });
    assert_eq!(found.await, (1, 1));
    // An account that is said to be an agent's and never agreed is not its owner's; nor is one that owns agents itself.
    let found = mallory(|story| {
        story.agents.extend([bot(6, "ben.near", "b1.near", false), bot(7, "ben.near", "cid.near", true)]);
        for payer in ["ben.near", "b1.near", "cid.near"] {
            story.pay(payer, 5, 10);
        }
    });
    assert_eq!(found.await, (2, 3));
    // Mallory pays by her agent's account.
    let found = mallory(|story| {
        story.agents.push(bot(6, "mallory.near", "m1.near", true));
        story.pay("m1.near", 5, 10);
    });
    assert_eq!(found.await, (0, 0));
    // Out of a purse its owner pays, which is what the channel says: mallory's for one, ben's for the other.
    let found = mallory(|story| {
        story.agents.push(Agent { payout: "till.near".to_owned(), ..Agent::new(6, "mallory.near", 1) });
        story.pay("ben.near", 5, 10);
        story.payments.last_mut().unwrap().purse = Some(2);
        story.pay("mallory.near", 6, 10);
        story.payments.last_mut().unwrap().purse = Some(5);
    });
    assert_eq!(found.await, (1, 1));
}

#[tokio::test]
async fn what_went_to_another_account_or_asset_or_never_arrived_is_no_payment() {
    let found = mallory(|story| {
        // To somebody else, though the channel names the agent; to mallory, without naming it; nothing.
        story.pay_to("sam.near", "ann.near", 5, 10);
        story.pay_to("mallory.near", "ben.near", 5, 10);
        story.payments.last_mut().unwrap().agent = None;
        story.pay("cid.near", 5, 0);
        // In a token, which is another ranking.
        story.pay("dan.near", 5, 10);
        story.payments.last_mut().unwrap().token = Some("usdt.near".to_owned());
    });
    assert_eq!(found.await, (0, 0));
}

#[tokio::test]
async fn each_asset_has_a_ranking_and_money_only_breaks_ties() {
    let scene = Scene::start().await;
    let mut story = honest();
    let token = Some("usdt.near".to_owned());
    for (payer, agent, amount) in [
        ("ann.near", 2, u128::MAX),
        ("cid.near", 2, u128::MAX),
        ("ann.near", 3, 5),
        ("ben.near", 3, 5),
        ("dan.near", 3, 5),
        ("ben.near", 5, 7),
        ("cid.near", 5, 8),
        // Of who does not count nothing counts.
        ("zoe.near", 5, 1_000),
    ] {
        story.pay(payer, agent, amount);
        story.payments.last_mut().unwrap().token.clone_from(&token);
    }
    scene.node.set_time(NOW_MS);
    story.tell(&scene.node, "story");
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    let server = serve(&scene).await;
    assert_eq!(whole(&server, "near").await, rank(&story, None, NOW_MS));
    let rows = whole(&server, "nep141:usdt.near").await;
    assert_eq!(rows, rank(&story, token.as_deref(), NOW_MS));
    let order: Vec<_> = rows.iter().map(|row| (row.rank, row.agent, row.voices, row.amount)).collect();
    assert_eq!(order, [(1, 3, 3, 15), (2, 2, 2, u128::MAX), (3, 5, 2, 15), (4, 1, 0, 0), (4, 4, 0, 0)]);
    // Of a token that nobody paid in, everybody is the first.
    assert!(whole(&server, "nep141:other.near").await.iter().all(|row| row.rank == 1 && row.payers == 0));
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn a_closed_channel_counts_as_an_open_one_and_what_came_back_does_not() {
    let scene = Scene::start().await;
    scene.node.set_time(NOW_MS);
    honest().tell(&scene.node, "story");
    let mut channels = Story::default();
    for payer in ["ann.near", "ben.near", "cid.near", "dan.near"] {
        channels.pay_to("mallory.near", payer, 5, 0);
    }
    let ids = [0, 1, 2, 3].map(|number| id_of("one", number));
    let opened = channels.payments.iter().zip(ids).map(|(payment, id)| ("channel_opened", payment.fact(id)));
    let after = [
        // Two in a batch that paid its caller, one of them something else than it raised; two by hand; one came back.
        json!({ "claims_paid": { "rows": [[ids[0], "10"], [ids[1], ""]], "raised": [0], "due": [[1, "7"]] } }),
        json!({ "paid": [[ids[2], "5"], [ids[3], "6"]] }),
        json!({ "paid": [[ids[3], "0"]] }),
        json!({ "channels_closed": [ids[0]] }),
        json!({ "channel_closed": [ids[2], "5", "0"] }),
    ];
    let told: Vec<_> = opened.chain(after.map(|fact| ("told", fact))).collect();
    let logs =
        scene.node.world(|world| told.iter().map(|(name, fact)| world.emit(Contract::Escrow, name, fact)).collect());
    scene.node.block(vec![(Contract::Escrow, logs)]);
    let report = scene.mirror().await;
    assert_eq!((report.mismatches, report.dead_letters), (0, 0), "{:?}", report.detail);
    let server = serve(&scene).await;
    // As many as agent 1 has, who paid less.
    let expected = Row { rank: 2, agent: 5, voices: 3, payers: 3, amount: 22 };
    assert_eq!(of(&whole(&server, "near").await, 5), expected);
    // A hand in the rows is noticed, and a database of before payments gets them from its events.
    scene
        .pool
        .execute("update payment set body = body || '{\"paid\": \"9\"}' where agent = 5 and paid = 7")
        .await
        .unwrap();
    let report = scene.verify().await;
    assert_eq!(report.mismatches, 1, "{:?}", report.detail);
    assert!(report.detail[0].starts_with(&format!("payment {}: ", ids[1])), "{:?}", report.detail);
    scene.pool.execute("delete from payment").await.unwrap();
    scene.pool.execute("update cursor set payments_seq = 0").await.unwrap();
    assert_eq!(of(&whole(&server, "near").await, 5).payers, 0);
    let report = scene.mirror().await;
    assert_eq!(report.mismatches, 0, "{:?}", report.detail);
    assert_eq!(of(&whole(&server, "near").await, 5), expected);
    drop(server);
    scene.end().await;
}

#[tokio::test]
async fn a_question_that_means_nothing_gets_a_code() {
    let scene = Scene::start().await;
    scene.node.set_time(NOW_MS);
    let server = serve(&scene).await;
    // Nothing is known of an empty database, as of one without agents.
    assert_eq!(get(&server, "").await, (200, json!({ "items": [], "next": null })));
    honest().tell(&scene.node, "story");
    scene.open().await.catch_up().await.unwrap();
    for (question, expected) in [
        ("?asset=usdt.near", "asset is near, or nep141:"),
        ("?asset=", "asset is near"),
        ("?asset=nep141:", "asset is near"),
        ("?asset=nep141:%00", "asset is near"),
        ("?asset=near&asset=near", "asset is there twice"),
        ("?after=7", "after is the `next` of another page"),
        ("?after=1/2/x", "after is the `next`"),
        ("?after=1/2/-3", "after is the `next`"),
        ("?after=1/340282366920938463463374607431768211456/3", "after is the `next`"),
        ("?limit=0", "limit is a number from 1 to 100"),
        ("?limit=101", "limit is a number from 1 to 100"),
        ("?agent=5", "unknown parameter agent; there are asset, after, limit"),
    ] {
        let (status, problem) = get(&server, question).await;
        assert_eq!((status, &problem["code"]), (400, &json!("API_BAD_REQUEST")), "{question}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{question}: {problem}");
    }
    let most = format!("?after={}/{}/{}", u64::MAX, u128::MAX, u64::MAX);
    assert_eq!(page(&server, &most).await.0.len(), 5);
    assert_eq!(page(&server, "?after=0/0/18446744073709551615").await, (Vec::new(), None));
    // A database of before: how old an agent is nobody can say until a block comes.
    scene.pool.execute("update cursor set time_ms = null").await.unwrap();
    let (status, problem) = get(&server, "").await;
    assert_eq!((status, &problem["code"]), (503, &json!("API_NOT_READY")), "{problem}");
    scene.node.block(Vec::new());
    scene.open().await.catch_up().await.unwrap();
    assert_eq!(get(&server, "").await.0, 200);
    drop(server);
    scene.end().await;
}
