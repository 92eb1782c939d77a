//! The agent uses a key that it never sees.

use anyhow::Context;
use charter_host::{Host, HttpRequest, Redactor, Upstreams};
use charter_types::Base64Bytes;
use charter_types::keys::{Asker, Method};

use super::upstream::{HOST, PORT, Upstream};
use super::world::World;
use crate::files::notes::Permit;

/// The host as its operator set it up; loopback addresses are reached only if listed.
pub async fn host(world: &mut World, upstreams: Upstreams) -> anyhow::Result<Host> {
    let hal = world.session("hal")?;
    Ok(crate::host::register(&hal).await?.open(&hal, upstreams))
}

pub fn request(method: Method, path: &str) -> HttpRequest {
    let url = format!("http://{HOST}:{PORT}{path}");
    HttpRequest { method, url, headers: Vec::new(), body: Base64Bytes::default() }
}

pub async fn play(world: &mut World) -> anyhow::Result<()> {
    let upstream = Upstream::start().await?;
    let listed = Upstreams::new(vec![upstream.addr, std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, PORT))]);
    let host = host(world, listed).await?;
    let (scout, bob) = (world.person("scout")?.id, world.person("bob")?.id);
    let (scout, bob) = (Asker::Account(scout), Asker::Account(bob));
    let facts = world.state.facts().clone();
    // Every byte that the agents get to see.
    let mut transcript = Vec::new();
    let mut uses = 0_u64;
    let delegated = facts.delegated.as_ref().context("no grant was delegated")?;
    let [agents, bobs, ..] = &facts.permits[..] else { anyhow::bail!("there are no grants to use") };
    let asks: [(&Permit, &Asker, Method, &str); 4] = [
        (agents, &scout, Method::Post, "/v1/chat/completions"),
        (agents, &scout, Method::Get, "/v1/models?limit=5"),
        (bobs, &bob, Method::Get, "/v1/models"),
        (delegated, &bob, Method::Get, "/v1/models/tiny"),
    ];
    for (permit, asker, method, path) in asks {
        let response = host.call(permit.grant, &permit.policy, asker, &request(method, path)).await?;
        anyhow::ensure!(response.status == 200, "the service answered {}", response.status);
        transcript.extend_from_slice(&response.body.0);
        uses += 1;
    }
    // Refusals are part of what agents see.
    let beyond = host.call(agents.grant, &agents.policy, &scout, &request(Method::Get, "/admin/keys")).await;
    match beyond {
        Ok(_) => anyhow::bail!("a request beyond the grant went through"),
        Err(refusal) => transcript.extend_from_slice(refusal.to_string().as_bytes()),
    }
    let redactor = Redactor::new(facts.secret_text.as_bytes());
    let leaks = redactor.count(&transcript);
    let arrived = upstream.seen.lock().map(|seen| seen.iter().filter(|key| **key == facts.secret_text).count());
    let arrived = arrived.unwrap_or(0);
    anyhow::ensure!(u64::try_from(arrived)? == uses, "the service saw the key {arrived} times, not {uses}");
    world.progress.step(
        "secret",
        &format!(
            "{uses} uses; the service saw the key {arrived} times, the agents {leaks} times in {} bytes",
            transcript.len()
        ),
    );
    world.state.note(|facts| {
        facts.uses = uses;
        facts.secret_leaks = u64::try_from(leaks).unwrap_or(u64::MAX);
        facts.transcript_bytes = u64::try_from(transcript.len()).unwrap_or(u64::MAX);
    })
}
