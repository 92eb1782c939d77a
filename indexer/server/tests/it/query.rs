//! `docs/query.md`: its questions, asked as they stand there, have the answers that the contracts' views have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use charter_client::{Rpc, sha256};
use charter_harness::view;
use charter_indexer::api::Server;
use charter_indexer::{Contract, Indexer, Watch};
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::{Channel, methods as escrow};
use charter_types::governance::{Proposal, ProposalState, methods as governance};
use charter_types::keys::{Grant, Policy, methods as keys};
use charter_types::registry::{Agent, methods as registry};
use charter_types::shared::methods as shared;
use charter_types::{Hash32, Nothing, Page, PageOf};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row};

use crate::database;
use crate::stream::Stream;
use crate::world::World;

/// A section of the page: a request and a statement.
struct Question {
    path: String,
    sql: String,
}

/// The page's questions by their headings, with an account instead of alice's.
fn questions(alice: &str) -> BTreeMap<String, Question> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/query.md");
    let text = std::fs::read_to_string(path).unwrap().replace("alice.near", alice);
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (heading, rest) = section.split_once('\n').unwrap();
        let between = |from: &str, to: &str| rest.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
        let path = between("'http://127.0.0.1:8088", "'\n");
        (heading.to_owned(), Question { path, sql: between("```sql\n", "```") })
    });
    sections.collect()
}

struct Scene {
    world: World,
    pool: PgPool,
    server: Server,
    questions: BTreeMap<String, Question>,
}

impl Scene {
    /// What the request answers, and the rows of the statement.
    async fn ask(&self, heading: &str) -> (Vec<Value>, Vec<Value>) {
        let question = &self.questions[heading];
        let answer = reqwest::get(format!("http://{}{}", self.server.addr, question.path)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{heading}");
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["next"], Value::Null, "{heading}");
        let text = format!("select to_jsonb(answer) as row from ({}) as answer", question.sql);
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        let items = page["items"].as_array().unwrap().clone();
        assert!(!items.is_empty(), "nothing of this world answers {heading}");
        assert_eq!(items.len(), rows.len(), "{heading}");
        (items, rows.iter().map(|row| row.get("row")).collect())
    }

    async fn agents(&self) -> Vec<Agent> {
        let registry = &self.world.contracts().registry;
        let of = PageOf { account: self.world.harness.root().id().clone(), from: 0, limit: None };
        let mut agents = view(&self.world.harness.worker, registry, registry::agents_of, &of).await.unwrap();
        agents.sort_by_key(|agent: &Agent| agent.id);
        agents
    }

    async fn agents_are_alices(&self) {
        let (items, rows) = self.ask("Which agents does alice own?").await;
        let agents = self.agents().await;
        assert_eq!(items, agents.iter().map(|agent| json!(agent)).collect::<Vec<_>>());
        for ((row, item), agent) in rows.iter().zip(&items).zip(&agents) {
            let expected = json!({
                "id": agent.id, "handle": agent.handle, "status": item["status"]["state"],
                "agent_account": agent.agent_account, "card_uri": agent.card.uri,
            });
            assert_eq!(*row, expected);
        }
    }

    async fn permissions_are_those_of_their_grants(&self) {
        let (items, rows) = self.ask("What may they touch?").await;
        let keys = &self.world.contracts().keys;
        let grants = view(&self.world.harness.worker, keys, keys::grants, &Page::default()).await.unwrap();
        let agents: Vec<u64> = self.agents().await.iter().map(|agent| agent.id).collect();
        let of_alice = |grant: &Grant| !grant.revoked && agents.contains(&grant.agent);
        let grants: Vec<Grant> = grants.into_iter().filter(of_alice).collect();
        assert_eq!(items.len(), grants.len());
        for ((item, row), grant) in items.iter().zip(&rows).zip(&grants) {
            assert_eq!(item["grant"], json!(grant));
            // The contract keeps the hash.
            let policy: Policy = serde_json::from_value(item["policy"].clone()).unwrap();
            assert_eq!(Hash32::of(&policy, sha256), grant.policy_hash);
            let expected = json!({
                "agent": grant.agent, "grant_id": grant.id, "grantee": grant.grantee, "expires_ms": grant.expires_ms,
                "targets": policy.targets,
            });
            assert_eq!(*row, expected);
        }
        self.permissions_come_in_pages(&items).await;
    }

    /// From either end, and of one agent as of its owner.
    async fn permissions_come_in_pages(&self, all: &[Value]) {
        let owner = self.world.harness.root().id();
        for (whose, order) in [(format!("owner={owner}"), "asc"), ("agent=1".to_owned(), "desc")] {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/v1/permissions?{whose}&order={order}&limit=1{after}");
                let page: Value =
                    reqwest::get(format!("http://{}{path}", self.server.addr)).await.unwrap().json().await.unwrap();
                found.extend(page["items"].as_array().unwrap().clone());
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
            }
            if order == "desc" {
                found.reverse();
            }
            assert_eq!(found, all, "{whose} {order}");
        }
    }

    async fn votes_are_under_way(&self) {
        let (items, rows) = self.ask("What is being voted on?").await;
        let governance = &self.world.contracts().governance;
        let all = view(&self.world.harness.worker, governance, governance::proposals, &Page::default()).await.unwrap();
        let voting = |proposal: &Proposal| matches!(proposal.state, ProposalState::Voting);
        let proposals: Vec<Proposal> = all.into_iter().filter(voting).collect();
        assert_eq!(items, proposals.iter().map(|proposal| json!(proposal)).collect::<Vec<_>>());
        for (row, proposal) in rows.iter().zip(&proposals) {
            assert_eq!((&row["id"], &row["end_ms"]), (&json!(proposal.id), &json!(proposal.end_ms)));
            assert_eq!((&row["yes"], &row["no"]), (&json!(proposal.yes), &json!(proposal.no)));
            assert_eq!(row["content_hash"], json!(proposal.content_hash));
        }
    }

    async fn all_that_happened_is_told(&self) {
        let Question { path, sql } = &self.questions["What is happening?"];
        let text = format!("select to_jsonb(answer) as row from ({sql}) as answer");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        let (path, query) = path.split_once('?').unwrap();
        assert_eq!(path, "/v1/stream");
        let told = Stream::open(&self.server, &format!("?{query}"), None).await.events(rows.len()).await;
        let mut seqs = BTreeMap::new();
        for (row, (id, event)) in rows.iter().map(|row| row.get::<Value, _>("row")).zip(told) {
            let Value::Object(told) = event else { panic!("{event}") };
            let expected = json!({
                "id": id, "contract": told["contract"], "seq": told["seq"], "event": told["event"], "body": told["new"],
            });
            assert_eq!(row, expected);
            seqs.insert(told["contract"].as_str().unwrap().to_owned(), told["seq"].as_u64().unwrap());
        }
        for contract in Contract::ALL {
            let account = contract.account(self.world.contracts());
            let head = view(&self.world.harness.worker, account, shared::event_head, &Nothing {}).await.unwrap();
            assert_eq!(seqs.get(contract.name()), Some(&head.seq), "{}", contract.name());
        }
    }

    async fn agents_lead_to_their_policies(&self) {
        let Question { path, sql } = &self.questions["What may they touch, in one request with the agents?"];
        let text = format!("select to_jsonb(answer) as row from ({sql}) as answer");
        let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap();
        let (path, body) = path.split_once("' -d '").unwrap();
        let url = format!("http://{}{path}", self.server.addr);
        let answer = Client::new().post(url).body(body.to_owned()).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let items = |of: &Value| of["items"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        let mut found = Vec::new();
        for agent in items(&answer["data"]["agents"]) {
            for grant in items(&agent["grants_by_agent"]) {
                for policy in items(&grant["policies_by_grant_id"]) {
                    found.push(json!({ "agent": agent["id"], "grant_id": grant["id"], "policy": policy["record"] }));
                }
            }
        }
        assert!(!found.is_empty());
        assert_eq!(found, rows.iter().map(|row| row.get::<Value, _>("row")).collect::<Vec<_>>());
    }

    async fn payments_arrived(&self) {
        let (items, rows) = self.ask("Who was paid?").await;
        let escrow = &self.world.contracts().escrow;
        let mut paid = 0;
        for (item, row) in items.iter().zip(&rows) {
            let channel = item["channel"].as_str().unwrap().parse().unwrap();
            let known = view(&self.world.harness.worker, escrow, escrow::channel, &ChannelRef { channel }).await;
            let Channel { payer, payee, asset, agent, paid: sent, .. } = known.unwrap().unwrap();
            assert_eq!(payer, *self.world.harness.root().id());
            let expected = json!({
                "channel": channel, "payer": payer, "payee": payee, "asset": asset, "agent": agent, "paid": sent,
            });
            assert_eq!(*item, expected);
            let token = item["asset"]["nep141"].clone();
            assert_eq!((&row["channel"], &row["payee"], &row["token"]), (&json!(channel), &json!(payee), &token));
            assert_eq!(row["paid"].to_string(), sent.0.to_string());
            paid += u32::from(sent.0 > 0);
        }
        assert!(paid > 0, "nobody was paid in this world");
    }
}

#[tokio::test]
async fn what_the_page_asks_is_answered_as_the_contracts_would() {
    let world = World::start().await;
    let database = database::open().await;
    let pool = database.database.pool().clone();
    let rpc = Rpc::new(world.harness.rpc_url());
    let mut indexer = Indexer::open(rpc, world.contracts(), pool.clone()).await.unwrap();
    indexer.catch_up().await.unwrap();
    let server = Server::start(pool.clone(), "127.0.0.1:0", Watch::default()).await.unwrap();
    let questions = questions(world.harness.root().id().as_str());
    assert_eq!(questions.len(), 6);
    let scene = Scene { world, pool, server, questions };
    scene.agents_are_alices().await;
    scene.permissions_are_those_of_their_grants().await;
    scene.votes_are_under_way().await;
    scene.payments_arrived().await;
    scene.agents_lead_to_their_policies().await;
    scene.all_that_happened_is_told().await;
    drop((scene, indexer));
    database.close().await;
}
