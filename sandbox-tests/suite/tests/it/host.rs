//! The key host at work: it uses a sealed credential only as often as budget, rate and approvals allow, and gives back what
//! it did not use.

mod receipts;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use charter_client::{Account as Signer, Call, ClientError, Contracts, Rpc, sha256};
use charter_harness::scanner::leaks;
use charter_harness::{Harness, ok, refused, view};
use charter_host::{
    Door, Host, HostError, HostKeys, HttpRequest, Patience, Place, SealContext, SealTo, Server, Tokens, Upstreams, seal,
};
use charter_types::keys::args::{AddCredential, AnswerApproval, GrantRef, GrantTerms, RequestApproval};
use charter_types::keys::methods as keys;
use charter_types::keys::{Allowance, Asker, Budget, Envelope, Grantee, Method, Policy, Rate, Scheme, Target, Unit};
use charter_types::registry::args::AgentRef;
use charter_types::registry::methods as registry;
use charter_types::shared::methods as shared;
use charter_types::storage::StorageOf;
use charter_types::{Base64Bytes, Hash32, Page, U128};
use near_workspaces::Account;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use charter_harness::arguments::{DEPOSIT, policy, prepay, register, terms};

const SECRET: &str = "sk-live-1234567890";

/// A service that remembers what it was asked, and answers with the whole of it.
async fn upstream() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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

/// A node that stops for a word before it tells what a secret's envelope is, and is gone once the service was asked, until it
/// is said to be back.
struct Watched {
    url: String,
    back: Arc<AtomicBool>,
    /// How many answers to transactions get lost on their way.
    losing: Arc<AtomicUsize>,
    /// Whether a gateway turns down transactions after that.
    turned_down: Arc<AtomicBool>,
    /// Whether the answer to the next transaction is held back until it is told to go.
    holding: Arc<AtomicBool>,
    asked: Arc<Notify>,
    go: Arc<Notify>,
}

/// One HTTP message with a length.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    while !message.ends_with(b"\r\n\r\n") {
        message.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&message).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    message.extend(body);
    Some(message)
}

impl Watched {
    async fn start(node: &str, seen: Arc<Mutex<Vec<String>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = node.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (back, losing) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let turned_down = Arc::new(AtomicBool::new(false));
        let holding = Arc::new(AtomicBool::new(false));
        let watched = Self {
            url,
            back: back.clone(),
            losing: losing.clone(),
            turned_down: turned_down.clone(),
            holding: holding.clone(),
            asked: asked.clone(),
            go: go.clone(),
        };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (node, asked, go) = (node.clone(), asked.clone(), go.clone());
                let (seen, back, losing) = (seen.clone(), back.clone(), losing.clone());
                let (turned_down, holding) = (turned_down.clone(), holding.clone());
                tokio::spawn(async move {
                    let mut upstream = TcpStream::connect(node).await.unwrap();
                    while let Some(question) = read_message(&mut socket).await {
                        if !seen.lock().unwrap().is_empty() && !back.load(Ordering::Relaxed) {
                            return;
                        }
                        if String::from_utf8_lossy(&question).contains("\"envelope\"") {
                            asked.notify_one();
                            go.notified().await;
                        }
                        let is_sent = String::from_utf8_lossy(&question).contains("send_tx");
                        if is_sent && turned_down.load(Ordering::Relaxed) && losing.load(Ordering::Relaxed) == 0 {
                            let text =
                                r#"{"jsonrpc":"2.0","id":"charter","error":{"code":-32005,"message":"slow down"}}"#;
                            let head =
                                format!("HTTP/1.1 429 Too Many Requests\r\ncontent-length: {}\r\n\r\n", text.len());
                            socket.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
                            continue;
                        }
                        upstream.write_all(&question).await.unwrap();
                        let answer = read_message(&mut upstream).await.unwrap();
                        if is_sent && holding.swap(false, Ordering::Relaxed) {
                            asked.notify_one();
                            go.notified().await;
                        }
                        let fewer = |left: usize| left.checked_sub(1);
                        if is_sent && losing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok() {
                            return;
                        }
                        socket.write_all(&answer).await.unwrap();
                    }
                });
            }
        });
        watched
    }

    /// Lets every question about an envelope pass.
    async fn let_through(&self) {
        loop {
            self.asked.notified().await;
            self.go.notify_one();
        }
    }
}

struct Scene {
    harness: Harness,
    host: Host,
    /// The same host once more, as somebody may start it on a second machine.
    twin: Host,
    owner: Account,
    bob: Account,
    policy: Policy,
    grant: u64,
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    /// Everything that the agent's side received.
    received: Mutex<Vec<Vec<u8>>>,
    /// Between the host and its node, where a test asks for it.
    watched: Option<Watched>,
}

impl Drop for Scene {
    /// Who judges is a program that shares no code with the host.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let received = self.received.lock().unwrap().concat();
            assert_eq!(leaks(SECRET, [("what the agent received", received.as_slice())]), [""; 0]);
        }
    }
}

fn signer(account: &Account, node: impl Into<String>) -> Signer {
    let key = account.secret_key().to_string().parse().unwrap();
    Signer::new(account.id().clone(), key, Rpc::new(node))
}

async fn scene(change: impl FnOnce(&mut GrantTerms)) -> Scene {
    build(change, false).await
}

/// A credential for one service, sealed to the host of hal, with one grant to bob. A host that is watched takes nothing for
/// granted that it knew a moment ago.
async fn build(change: impl FnOnce(&mut GrantTerms), is_watched: bool) -> Scene {
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
    let own = HostKeys::from_seed(&[7; 64]);
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
    let watched = if is_watched { Some(Watched::start(&harness.rpc_url(), seen.clone()).await) } else { None };
    let node = watched.as_ref().map_or_else(|| harness.rpc_url(), |watched| watched.url.clone());
    let run = || {
        let own = HostKeys::from_seed(&[7; 64]);
        Host::new(id, signer(&hal, &node), own, contracts.clone(), chain_id.clone(), listed.clone())
    };
    let (mut host, twin) = (run(), run());
    if is_watched {
        host = host.waiting(Patience {
            decision: Duration::ZERO,
            settle: Duration::from_millis(100),
            ..Patience::default()
        });
    }
    let url = format!("http://localhost:{}/v1/models", addr.port());
    Scene {
        harness,
        host,
        twin,
        owner,
        bob,
        policy,
        grant: added.grants[0],
        url,
        seen,
        received: Mutex::default(),
        watched,
    }
}

impl Scene {
    async fn call(&self) -> Result<String, HostError> {
        self.call_on(&self.host).await
    }

    async fn call_on(&self, host: &Host) -> Result<String, HostError> {
        let request = HttpRequest {
            method: Method::Get,
            url: self.url.clone(),
            headers: Vec::new(),
            body: Base64Bytes::default(),
        };
        let asker = Asker::Account(self.bob.id().clone());
        let answer = host.call(self.grant, &self.policy, &asker, &request).await;
        self.received.lock().unwrap().push(match &answer {
            Ok(answer) => [format!("{:?}", answer.headers).as_bytes(), &answer.body.0].concat(),
            Err(error) => format!("{error} {error:?}").into_bytes(),
        });
        Ok(String::from_utf8(answer?.body.0).unwrap())
    }

    async fn budget(&self) -> Budget {
        let keys = &self.harness.contracts.keys;
        view(&self.harness.worker, keys, keys::budgets, &Page::default()).await.unwrap().remove(0)
    }

    /// Waits until no lease is open.
    async fn settled(&self) {
        while self.budget().await.reserved != U128(0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
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
    let budget = scene.budget().await;
    assert_eq!((budget.spent, budget.reserved, budget.level), (U128(2), U128(0), U128(0)));
}

#[tokio::test]
async fn a_rate_holds_until_its_time_is_over() {
    let scene = scene(|terms| terms.policy.rate = Some(Rate { uses: 1, per_ms: 60_000 })).await;
    scene.call().await.unwrap();
    assert!(matches!(scene.call().await, Err(HostError::Rate)));
    scene.harness.wait(Duration::from_secs(61)).await.unwrap();
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
    let mut scene = scene(|terms| terms.policy.targets[0].paths = vec!["/v1".to_owned()]).await;
    let port = scene.url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    for (url, code) in [
        (format!("http://localhost:{port}/admin"), "TARGET"),
        (format!("http://other.localhost:{port}/v1"), "TARGET"),
        (format!("https://localhost:{port}/v1"), "TARGET"),
        (format!("http://127.0.0.1:{port}/v1"), "HOST_URL"),
        (format!("http://2130706433:{port}/v1"), "HOST_URL"),
        (format!("http://[::1]:{port}/v1"), "HOST_URL"),
        (format!("http://localhost:{port}/v1/..;/admin"), "HOST_URL"),
        (format!("http://localhost:{port}/v1/%2e%2e/admin"), "HOST_URL"),
        (format!("http://localhost:{port}/v1/x%2F..%2F..%2Fadmin"), "HOST_URL"),
    ] {
        scene.url.clone_from(&url);
        assert_eq!(scene.call().await.unwrap_err().code(), code, "{url}");
    }
    assert_eq!(scene.uses(), 0);
    // Spelled otherwise, it is the same service.
    for url in [format!("http://LOCALHOST:{port}/v1"), format!("http://localhost:{port}/v1/group%2Fproject")] {
        scene.url = url;
        scene.call().await.unwrap();
    }
    assert_eq!(scene.uses(), 2);
}

#[tokio::test]
async fn a_policy_that_nobody_should_have_signed_is_not_served() {
    let mut scene = scene(|_| ()).await;
    for (host, code) in
        [("*.com", "POLICY_PUBLIC_SUFFIX"), ("2130706433", "POLICY_NUMERIC_HOST"), ("a.example", "POLICY_PLAIN_HTTP")]
    {
        host.clone_into(&mut scene.policy.targets[0].host);
        assert_eq!(scene.call().await.unwrap_err().code(), code);
    }
    assert_eq!(scene.uses(), 0);
}

/// Leave the second decision out, and the key is used after its grant was revoked.
#[tokio::test]
async fn a_grant_that_is_revoked_while_the_secret_is_opened_is_not_used() {
    let scene = build(|_| (), true).await;
    let watched = scene.watched.as_ref().unwrap();
    let revoke = async {
        watched.asked.notified().await;
        let args = GrantRef { grant: scene.grant };
        ok(&scene.owner, &scene.harness.contracts.keys, keys::revoke_grant, &args, 0).await;
        watched.go.notify_one();
    };
    let (answer, ()) = tokio::join!(scene.call(), revoke);
    assert_eq!(answer.unwrap_err().code(), "REVOKED");
    assert_eq!(scene.uses(), 0);
}

/// Decide once, before a use is reserved, and the key goes out however long the node takes to say that it is.
#[tokio::test]
async fn a_grant_that_is_revoked_while_a_use_is_reserved_is_not_used() {
    let scene = build(|terms| terms.budget = Some(uses(2)), true).await;
    let watched = scene.watched.as_ref().unwrap();
    watched.holding.store(true, Ordering::Relaxed);
    let revoke = async {
        // Questions about the envelope first, then the answer to the reservation.
        loop {
            watched.asked.notified().await;
            let is_reserved = !watched.holding.load(Ordering::Relaxed);
            if is_reserved {
                let args = GrantRef { grant: scene.grant };
                ok(&scene.owner, &scene.harness.contracts.keys, keys::revoke_grant, &args, 0).await;
            }
            watched.go.notify_one();
            if is_reserved {
                break watched.let_through().await;
            }
        }
    };
    let answer = tokio::select! { answer = scene.call() => answer, () = revoke => unreachable!() };
    assert_eq!((answer.unwrap_err().code().as_str(), scene.uses()), ("REVOKED", 0));
    scene.settled().await;
    assert_eq!(scene.budget().await.spent, U128(0));
}

/// Answer with settle's error, and the agent asks once more for what was done.
#[tokio::test]
async fn an_answer_is_the_agents_even_if_its_use_is_not_settled() {
    let scene = build(|terms| terms.budget = Some(uses(2)), true).await;
    let watched = scene.watched.as_ref().unwrap();
    let answer = tokio::select! { answer = scene.call() => answer, () = watched.let_through() => unreachable!() };
    assert!(answer.unwrap().contains("Bearer [redacted]"));
    assert_eq!(scene.uses(), 1);
    assert_eq!(scene.budget().await.reserved, U128(1));
    // The host has not given up: once its node is back, the lease is settled.
    watched.back.store(true, Ordering::Relaxed);
    scene.settled().await;
    let budget = scene.budget().await;
    assert_eq!((budget.spent, budget.level), (U128(1), U128(1)));
}

/// Sign anew what may have been taken, and there are two leases; give up, and there is one that nobody knows of.
#[tokio::test]
async fn a_lost_answer_of_the_node_loses_no_lease() {
    let scene = build(|terms| terms.budget = Some(uses(2)), true).await;
    let watched = scene.watched.as_ref().unwrap();
    watched.back.store(true, Ordering::Relaxed);
    watched.losing.store(2, Ordering::Relaxed);
    let answer = tokio::select! { answer = scene.call() => answer, () = watched.let_through() => unreachable!() };
    answer.unwrap();
    assert_eq!((watched.losing.load(Ordering::Relaxed), scene.uses()), (0, 1));
    scene.settled().await;
    let budget = scene.budget().await;
    assert_eq!((budget.spent, budget.level), (U128(1), U128(1)));
}

/// Take what the node said last for what became of a transaction, and somebody pays twice.
#[tokio::test]
async fn what_became_of_a_transaction_is_said_to_be_unknown() {
    let scene = build(|_| (), true).await;
    let (watched, keys) = (scene.watched.as_ref().unwrap(), &scene.harness.contracts.keys);
    let owner = signer(&scene.owner, &watched.url);
    let args = StorageOf { account_id: scene.owner.id().clone() };
    let total =
        async || view(&scene.harness.worker, keys, shared::storage_balance_of, &args).await.unwrap().unwrap().total.0;
    let before = total().await;
    watched.turned_down.store(true, Ordering::Relaxed);
    // Carried out, and its answer lost; then not even taken.
    for lost in [1, 0] {
        watched.losing.store(lost, Ordering::Relaxed);
        let told = owner.call(keys, Call::prepay()).await;
        assert!(matches!(&told, Err(ClientError::Unknown { .. })), "{told:?}");
        assert_eq!(total().await, before + DEPOSIT);
    }
    // What is certainly refused is said to be.
    watched.turned_down.store(false, Ordering::Relaxed);
    let poor = owner.call(keys, Call::prepay().deposit(u128::MAX / 4)).await;
    assert!(matches!(&poor, Err(ClientError::Rpc { .. })), "{poor:?}");
}

/// Let calls share a nonce, and two equal ones are one transaction: both hear that its lease is theirs. Sign nothing anew, and
/// one of two machines with the same key is refused.
#[tokio::test]
async fn two_requests_at_once_are_two_uses() {
    let scene = scene(|terms| terms.budget = Some(uses(4))).await;
    let (own, other, twins, twins_other, late) =
        tokio::join!(scene.call(), scene.call(), scene.call_on(&scene.twin), scene.call_on(&scene.twin), scene.call());
    let answers = [own, other, twins, twins_other, late];
    let refused: Vec<String> = answers.iter().filter_map(|answer| Some(answer.as_ref().err()?.code())).collect();
    assert_eq!(refused, ["KEYS_BUDGET_SHORT"], "{answers:?}");
    assert_eq!(scene.uses(), 4);
    let budget = scene.budget().await;
    assert_eq!((budget.spent, budget.reserved), (U128(4), U128(0)));
}

#[tokio::test]
async fn an_approval_is_used_once_however_many_ask() {
    let scene = scene(|terms| terms.needs_approval = true).await;
    let keys = &scene.harness.contracts.keys;
    let Err(HostError::NeedsApproval { digest }) = scene.call().await else { panic!("no approval asked for") };
    let expires_ms = scene.harness.now_ms().await.unwrap() + 600_000;
    let request = RequestApproval { grant: scene.grant, digest, host: scene.host.id, expires_ms };
    ok(&scene.bob, keys, keys::request_approval, &request, DEPOSIT).await;
    let answer = AnswerApproval { grant: scene.grant, host: scene.host.id, digest, expires_ms };
    ok(&scene.owner, keys, keys::approve, &answer, 1).await;
    let (own, again, twins) = tokio::join!(scene.call(), scene.call(), scene.call_on(&scene.twin));
    let answers = [own, again, twins];
    let refused: Vec<String> = answers.iter().filter_map(|answer| Some(answer.as_ref().err()?.code())).collect();
    let known = |code: &String| code == "KEYS_NOT_APPROVED" || code == "HOST_NEEDS_APPROVAL";
    assert!(refused.len() == 2 && refused.iter().all(known), "{answers:?}");
    assert_eq!(scene.uses(), 1);
}

#[tokio::test]
async fn an_error_of_the_node_names_no_node() {
    let scene = scene(|_| ()).await;
    let nobody = signer(&scene.bob, "http://127.0.0.1:1/v1/provider-key?apikey=sk-provider");
    let contracts = scene.harness.contracts.clone();
    let chain_id = scene.harness.chain_id.clone();
    let host = Host::new(scene.host.id, nobody, HostKeys::generate(), contracts, chain_id, Upstreams::default());
    let request =
        HttpRequest { method: Method::Get, url: scene.url.clone(), headers: Vec::new(), body: Base64Bytes::default() };
    let asker = Asker::Account(scene.bob.id().clone());
    let error = host.call(scene.grant, &scene.policy, &asker, &request).await.unwrap_err();
    assert_eq!(
        (error.code().as_str(), error.to_string().as_str()),
        ("HOST_CHAIN", "the host's node gave no answer to go by")
    );
    let HostError::Chain(error) = error else { panic!("{error:?}") };
    assert!(!format!("{error} {error:?}").contains("provider"), "{error:?}");
}

/// A host that listens, with tokens for two agents.
async fn listening(scene: &Scene) -> (Server, SocketAddr, [String; 2], tempfile::TempDir) {
    let (contracts, chain_id) = (scene.harness.contracts.clone(), scene.harness.chain_id.clone());
    let operator = signer(&scene.bob, scene.harness.rpc_url());
    let host = Host::new(scene.host.id, operator, HostKeys::generate(), contracts, chain_id, Upstreams::default());
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::at(folder.path().join("tokens.json"));
    let issued = [&scene.bob, &scene.owner].map(|account| tokens.issue(Asker::Account(account.id().clone())).unwrap());
    let server = Server::start(host, tokens, Door::Loopback("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let Door::Loopback(addr) = server.door else { panic!("{}", server.door) };
    (server, addr, issued, folder)
}

/// The head of a request to a host, and as much of its body as there is.
async fn ask(addr: SocketAddr, authorization: &str, length: usize, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /v1/call HTTP/1.1\r\nhost: x\r\n{authorization}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn status(stream: &mut TcpStream) -> String {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    String::from_utf8_lossy(&start[9..]).into_owned()
}

/// Read the body first, and this waits for 20 MB that never come.
#[tokio::test]
async fn a_stranger_is_refused_before_its_body_is_read() {
    let scene = scene(|_| ()).await;
    let (_server, addr, _, _folder) = listening(&scene).await;
    assert_eq!(status(&mut ask(addr, "", 20_000_000, "").await).await, "401");
}

/// Leave the turns out, and one agent's bodies of 24 MB fill the memory of all.
#[tokio::test]
async fn an_agent_with_many_requests_waits_and_others_do_not() {
    let scene = scene(|_| ()).await;
    let (_server, addr, tokens, folder) = listening(&scene).await;
    let [bob, owner] = tokens.map(|token| format!("authorization: Bearer {token}\r\n"));
    // A server says 100 when it begins to read a body: this one has its turn.
    let has_turn = async || {
        let mut stream = ask(addr, &format!("{bob}expect: 100-continue\r\n"), 20_000_000, "").await;
        assert_eq!(status(&mut stream).await, "100");
        stream
    };
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(has_turn().await);
    }
    let mut next = ask(addr, &bob, 2, "{}").await;
    assert_eq!(status(&mut ask(addr, &owner, 2, "{}").await).await, "400");
    assert!(
        tokio::time::timeout(Duration::from_millis(300), status(&mut next)).await.is_err(),
        "a seventeenth at once"
    );
    drop(open.pop());
    assert_eq!(status(&mut next).await, "400");
    // A token that is removed meanwhile is void for those that wait, too.
    open.push(has_turn().await);
    let mut late = ask(addr, &bob, 2, "{}").await;
    assert!(tokio::time::timeout(Duration::from_millis(300), status(&mut late)).await.is_err(), "it is not waiting");
    std::fs::write(folder.path().join("tokens.json"), "{}").unwrap();
    drop(open);
    assert_eq!(status(&mut late).await, "401");
}
