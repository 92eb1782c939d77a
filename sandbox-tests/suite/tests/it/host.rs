//! The key host at work: it uses a sealed credential only as often as budget, rate and approvals allow, and gives back what
//! it did not use.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use charter_client::{Account as Signer, Contracts, Rpc, sha256};
use charter_harness::{Harness, ok, refused, view};
use charter_host::{Host, HostError, HostKeys, HttpRequest, Place, SealContext, SealTo, Upstreams, seal};
use charter_types::keys::args::{AddCredential, AnswerApproval, GrantTerms, RequestApproval};
use charter_types::keys::methods as keys;
use charter_types::keys::{Allowance, Asker, Denial, Envelope, Grantee, Method, Policy, Rate, Scheme, Target, Unit};
use charter_types::registry::args::AgentRef;
use charter_types::registry::methods as registry;
use charter_types::{Base64Bytes, Hash32, Page, U128};
use near_workspaces::Account;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use charter_harness::arguments::{DEPOSIT, policy, prepay, register, terms};

const SECRET: &str = "sk-live-1234567890";

/// A service that remembers what it was asked, and answers with the whole of it.
async fn upstream() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = vec![0; 4_096];
            let count = socket.read(&mut asked).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&asked[..count]).into_owned();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
            log.lock().unwrap().push(text);
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (addr, seen)
}

struct Scene {
    harness: Harness,
    host: Host,
    owner: Account,
    bob: Account,
    policy: Policy,
    grant: u64,
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

fn signer(harness: &Harness, account: &Account) -> Signer {
    let key = account.secret_key().to_string().parse().unwrap();
    Signer::new(account.id().clone(), key, Rpc::new(harness.rpc_url()))
}

/// A credential for one service, sealed to the host of hal, with one grant to bob.
async fn scene(change: impl FnOnce(&mut GrantTerms)) -> Scene {
    let harness = Harness::start().await.unwrap();
    let (owner, bob, hal) = (
        harness.account("owner").await.unwrap(),
        harness.account("bob").await.unwrap(),
        harness.account("hal").await.unwrap(),
    );
    let keys = harness.contracts.keys.clone();
    for person in [&owner, &bob, &hal] {
        prepay(person, &keys, 5 * DEPOSIT).await;
    }
    let agent = register(&harness, &owner, Vec::new()).await;
    let own = HostKeys::generate();
    let args = own.registration(&harness.chain_id, &keys, hal.id(), 600_000);
    let id = ok(&hal, &keys, keys::register_host, &args, DEPOSIT).await;
    let (addr, seen) = upstream().await;
    let target = Target {
        scheme: Scheme::Http,
        host: "localhost".to_owned(),
        port: addr.port(),
        ..policy("/").targets.remove(0)
    };
    let ceiling = Policy { targets: vec![target], response_bytes_max: 10_000, ..policy("/") };
    let label_hash = Hash32([1; 32]);
    let question = AgentRef { agent };
    let standing = view(&harness.worker, &harness.contracts.registry, registry::standing, &question).await.unwrap();
    let epochs = standing.unwrap().epochs;
    let place = Place { agent, epochs, label_hash, ceiling_hash: Hash32::of(&ceiling, sha256), version: 1 };
    let to = SealTo { host: id, generation: 0, key: own.encrypt_public() };
    let sealed = seal(SECRET.as_bytes(), &SealContext::new(&harness.chain_id, &keys, place), &[to]).unwrap();
    let expires_ms = harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
    let mut wanted = terms(Grantee::Account(bob.id().clone()), ceiling.clone(), expires_ms);
    wanted.hosts = vec![id];
    change(&mut wanted);
    let policy = wanted.policy.clone();
    let args = AddCredential {
        agent,
        epochs: Some(epochs),
        label_hash,
        ceiling,
        envelope: Envelope::Inline(sealed.envelope),
        wraps: sealed.wraps,
        rotate_by_ms: 0,
        grants: vec![wanted],
    };
    let added = ok(&owner, &keys, keys::add_credential, &args, 1).await;
    let contracts = Contracts { keys, ..harness.contracts.clone() };
    let listed = Upstreams::new(vec![addr, SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, addr.port()))]);
    let chain_id = harness.chain_id.clone();
    let host = Host::new(id, signer(&harness, &hal), own, contracts, chain_id, listed);
    let url = format!("http://localhost:{}/v1/models", addr.port());
    Scene { harness, host, owner, bob, policy, grant: added.grants[0], url, seen }
}

impl Scene {
    async fn call(&self) -> Result<String, HostError> {
        let request = HttpRequest {
            method: Method::Get,
            url: self.url.clone(),
            headers: Vec::new(),
            body: Base64Bytes::default(),
        };
        let asker = Asker::Account(self.bob.id().clone());
        let answer = self.host.call(self.grant, &self.policy, &asker, &request).await?;
        Ok(String::from_utf8(answer.body.0).unwrap())
    }

    fn uses(&self) -> usize {
        self.seen.lock().unwrap().iter().filter(|asked| asked.contains(SECRET)).count()
    }
}

fn uses(capacity: u128) -> Allowance {
    Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(0), period_ms: 0 }
}

#[tokio::test]
async fn a_budget_of_two_uses_is_used_twice_and_the_agent_never_sees_the_key() {
    let scene = scene(|terms| terms.budget = Some(uses(2))).await;
    for _ in 0..2 {
        let answer = scene.call().await.unwrap();
        assert!(answer.contains("Bearer [redacted]") && !answer.contains(SECRET), "{answer}");
    }
    let third = scene.call().await;
    assert!(matches!(&third, Err(HostError::Chain(error)) if error.code() == Some("KEYS_BUDGET_SHORT")), "{third:?}");
    assert_eq!(scene.uses(), 2);
    let budgets =
        view(&scene.harness.worker, &scene.harness.contracts.keys, keys::budgets, &Page::default()).await.unwrap();
    assert_eq!((budgets[0].spent, budgets[0].reserved, budgets[0].level), (U128(2), U128(0), U128(0)));
}

#[tokio::test]
async fn a_rate_holds_until_its_time_is_over() {
    let scene = scene(|terms| terms.policy.rate = Some(Rate { uses: 1, per_ms: 60_000 })).await;
    scene.call().await.unwrap();
    assert!(matches!(scene.call().await, Err(HostError::Rate)));
    scene.harness.wait(std::time::Duration::from_secs(61)).await.unwrap();
    scene.call().await.unwrap();
    assert_eq!(scene.uses(), 2);
}

#[tokio::test]
async fn an_approved_request_is_made_once() {
    let scene = scene(|terms| terms.needs_approval = true).await;
    let keys = &scene.harness.contracts.keys;
    let Err(HostError::NeedsApproval { digest }) = scene.call().await else { panic!("no approval asked for") };
    let expires_ms = scene.harness.now_ms().await.unwrap() + 600_000;
    let request = RequestApproval { grant: scene.grant, digest, host: scene.host.id, expires_ms };
    let stranger = scene.harness.account("stranger").await.unwrap();
    assert_eq!(refused(&stranger, keys, keys::request_approval, &request, DEPOSIT).await, "KEYS_NOT_GRANTEE");
    ok(&scene.bob, keys, keys::request_approval, &request, DEPOSIT).await;
    assert!(matches!(scene.call().await, Err(HostError::NeedsApproval { .. })));
    let answer = AnswerApproval { grant: scene.grant, host: scene.host.id, digest, expires_ms };
    ok(&scene.owner, keys, keys::approve, &answer, 1).await;
    scene.call().await.unwrap();
    assert!(matches!(scene.call().await, Err(HostError::NeedsApproval { .. })), "one approval, two requests");
    assert_eq!(scene.uses(), 1);
}

#[tokio::test]
async fn what_the_grant_does_not_name_is_never_sent() {
    let mut scene = scene(|_| ()).await;
    scene.url = scene.url.replace("localhost", "127.0.0.1");
    assert!(matches!(scene.call().await, Err(HostError::Denied(Denial::Target))));
    assert_eq!(scene.uses(), 0);
}
