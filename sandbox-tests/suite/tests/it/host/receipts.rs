//! What the host signed about an answer settles a request on an edge: bob is its acker, and the credential's owner asks.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use charter_client::sha256;
use charter_harness::arguments::DEPOSIT;
use charter_harness::{ok, refused, view};
use charter_host::{Ask, Door, Host, HostClient, HostKeys, HttpRequest, HttpResponse, Server, Tokens, Upstreams};
use charter_types::escrow::args::{Deliver, Escalate, OpenEdge, RequestRef};
use charter_types::escrow::{Signer as Author, methods as escrow};
use charter_types::keys::args::HostRef;
use charter_types::keys::{Asker, Method, methods as keys};
use charter_types::{AccountId, Base64Bytes, Hash32, Signature64, U128};

use super::{Scene, scene, signer};
use crate::escrow_bytes::{Asked, Hash, domain};
use crate::escrow_edges::{ACKER, COLLATERAL, Hop, key, terms};
use crate::escrow_scene::until;

/// The scene's host, listening, and an agent's side with bob's token.
async fn served(scene: &Scene) -> (Server, HostClient, tempfile::TempDir) {
    let port = scene.url.trim_start_matches("http://localhost:").split('/').next().unwrap().parse().unwrap();
    let listed = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    let (contracts, chain_id) = (scene.harness.contracts.clone(), scene.harness.chain_id.clone());
    let own = HostKeys::from_seed(&[7; 64]);
    // No budget hangs on the grant, so nothing is sent in the operator's name.
    let operator = signer(&scene.bob, scene.harness.rpc_url());
    let host = Host::new(scene.host.id, operator, own, contracts, chain_id, Upstreams::new(listed.to_vec()));
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::at(folder.path().join("tokens.json"));
    let token = tokens.issue(Asker::Account(scene.bob.id().clone())).unwrap();
    let server = Server::start(host, tokens, Door::Loopback("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let client = HostClient::new(server.door.clone(), token).unwrap();
    (server, client, folder)
}

fn get(url: String) -> HttpRequest {
    HttpRequest { method: Method::Get, url, headers: Vec::new(), body: Base64Bytes::default() }
}

/// What is asked by a GET without headers and body, as the page has it.
fn asked(url: &str) -> Hash {
    let length = u32::try_from(url.len()).unwrap().to_le_bytes();
    sha256(&[&[3, 0, 0, 0][..], b"GET", &length, url.as_bytes(), &[0; 8]].concat())
}

impl Scene {
    async fn answer(&self, client: &HostClient, url: &str, answers: Option<RequestRef>) -> HttpResponse {
        let (grant, policy, request) = (self.grant, self.policy.clone(), get(url.to_owned()));
        let answer = client.call(&Ask { grant, policy, request, answers }).await.unwrap();
        self.received.lock().unwrap().push(serde_json::to_vec(&answer).unwrap());
        self.received.lock().unwrap().push(answer.body.0.clone());
        answer
    }

    /// A live edge, whose answers the host signs: with the key that the chain has for it.
    async fn edge(&self) -> Hop<'_> {
        let (harness, host) = (&self.harness, HostRef { host: self.host.id });
        let row = view(&harness.worker, &harness.contracts.keys, keys::host, &host).await.unwrap().unwrap();
        let agreed = terms(harness, &self.bob, harness.root().id()).await;
        // Of which the cap is far away, however long the test takes.
        let agreed = OpenEdge { signer: Author::Ed25519(row.sign_key), rate_per_s: U128(1), ..agreed };
        let hop = Hop::open(harness, &self.owner, &agreed).await;
        ok(&self.bob, self.escrow(), escrow::join_edge, &hop.reference(), COLLATERAL).await;
        hop
    }

    fn escrow(&self) -> &AccountId {
        &self.harness.contracts.escrow
    }

    async fn deliver_refused(&self, receipt: &Deliver) -> String {
        refused(&self.bob, self.escrow(), escrow::deliver, receipt, 0).await
    }
}

#[tokio::test]
async fn what_the_host_signed_is_delivered_by_anybody_and_settles_the_request() {
    let scene = scene(|_| ()).await;
    let (_server, client, _folder) = served(&scene).await;
    let hop = scene.edge().await;
    assert_eq!(scene.answer(&client, &scene.url, None).await.receipt, None, "nobody named an edge");
    let answer = scene.answer(&client, &scene.url, Some(hop.request(1))).await;
    let receipt = answer.receipt.unwrap();
    assert_eq!((receipt.edge, receipt.counter), (hop.id, 1));
    assert_eq!(receipt.response_hash.0, sha256(&answer.body.0), "of what the agent was handed, without the key");

    let deadline_ms = scene.harness.now_ms().await.unwrap() + 1_000;
    let both = Asked { domain: domain(&scene.harness), edge: hop.id.0, counter: 1, asked: asked(&scene.url) };
    let signature = Signature64(both.ack(deadline_ms).sign(&key(ACKER)));
    let ack = Escalate { edge: hop.id, counter: 1, asked: Hash32(both.asked), deadline_ms, signature };
    until(&scene.harness, deadline_ms).await;
    ok(&scene.owner, scene.escrow(), escrow::escalate, &ack, DEPOSIT).await;

    // An answer to another request, on another number, or that says something else.
    let other = scene.answer(&client, &format!("{}/other", scene.url), Some(hop.request(1))).await;
    let later = scene.answer(&client, &scene.url, Some(hop.request(2))).await;
    let renumbered = Deliver { counter: 1, ..later.receipt.unwrap() };
    let bent = Deliver { response_hash: Hash32([9; 32]), ..receipt.clone() };
    for receipt in [other.receipt.unwrap(), renumbered, bent] {
        assert_eq!(scene.deliver_refused(&receipt).await, "ESCROW_BAD_RESPONSE", "{receipt:?}");
    }
    ok(scene.harness.root(), scene.escrow(), escrow::deliver, &receipt, 0).await;
    let seen = view(&scene.harness.worker, scene.escrow(), escrow::request, &hop.request(1)).await.unwrap().unwrap();
    assert_eq!((seen.open, seen.delivered.unwrap().response_hash), (false, receipt.response_hash));
    assert_eq!(scene.deliver_refused(&receipt).await, "ESCROW_REQUEST_SETTLED");
}
