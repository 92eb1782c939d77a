//! Grants of many secrets of many agents, all of which one call of their owner's revokes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_rules::decision::{Evidence, decide};
use charter_types::keys::args::{CreateSecret, GrantTerms, HostRef};
use charter_types::keys::{
    Action, Asker, Decision, Effect, Grant, Grantee, HttpAction, Inject, Method, Mode, Policy, Scheme, Secret, Target,
    methods,
};
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, Standing};
use charter_types::{AccountId, Hash32, Nothing};

use super::Ground;
use super::accounts::Member;
use super::phases::Phases;

const SERVICE: &str = "api.example.com";
/// Fewer than a call may name: their events, with long names and a policy each, have to fit NEAR's logs.
const GRANTS_AT_ONCE: u64 = 4;
const DAY_MS: u64 = 24 * 3_600_000;

/// Reading below a path of one service.
fn policy(path: &str) -> Policy {
    Policy {
        effects: vec![Effect::Read],
        targets: vec![Target {
            scheme: Scheme::Https,
            host: SERVICE.to_owned(),
            port: 443,
            paths: vec![path.to_owned()],
            methods: vec![Method::Get],
        }],
        inject: Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
        body_bytes_max: 100,
        response_bytes_max: 100,
        rate: None,
        near_calls: Vec::new(),
    }
}

fn terms(grantee: Grantee, expires_ms: u64) -> GrantTerms {
    GrantTerms {
        grantee,
        policy: policy("/v1"),
        not_before_ms: 0,
        expires_ms,
        hosts: Vec::new(),
        needs_approval: false,
        measurements: Vec::new(),
        no_delegation: false,
        budget: None,
    }
}

pub async fn play(
    ground: &Arc<Ground>,
    phases: &mut Phases,
    members: &mut [Member],
    host: u64,
    grants: u64,
) -> anyhow::Result<()> {
    let owner = members.first_mut().context("a crowd has somebody in it")?;
    phases.play("grants", "grants", grants, grant(ground, owner, grants)).await?;
    let before = allowed(ground, host).await?;
    ensure!(before == (grants, grants), "of {} grants {} can be used, not {grants}", before.0, before.1);
    let revoked = async {
        owner.sender.call(&ground.contracts.registry, registry::methods::panic_all, &Nothing {}).await?;
        ground.tally.add(grants);
        anyhow::Ok(())
    };
    phases.play("revoke", "grants", grants, revoked).await?;
    let after = allowed(ground, host).await?;
    ensure!(after == (grants, 0), "of {} grants {} can still be used", after.0, after.1);
    Ok(())
}

/// As many secrets as it takes, with as many grants as come with each, spread over the owner's agents.
async fn grant(ground: &Ground, owner: &mut Member, grants: u64) -> anyhow::Result<()> {
    let expires_ms = ground.now_ms().await? + DAY_MS;
    let Member { sender, agents, .. } = owner;
    let mut left = grants;
    for (number, agent) in (0..grants.div_ceil(GRANTS_AT_ONCE)).zip(agents.iter().cycle()) {
        let mut wanted = Vec::new();
        for place in 0..left.min(GRANTS_AT_ONCE) {
            let grantee: AccountId = format!("user{place}-{number}.{}", sender.id()).parse()?;
            wanted.push(terms(Grantee::Account(grantee), expires_ms));
        }
        let args = CreateSecret {
            agent: *agent,
            label_hash: Hash32(sha256(&number.to_le_bytes())),
            mode: Mode::External,
            ceiling: policy("/"),
            sha256: Hash32(sha256(b"a secret that the service knows")),
            rotate_by_ms: 0,
            grants: wanted,
        };
        let added = sender.call(&ground.contracts.keys, methods::create_secret, &args).await?;
        let made = u64::try_from(added.grants.len())?;
        ground.tally.add(made);
        left = left.saturating_sub(made);
    }
    ensure!(left == 0, "{left} grants were not made");
    Ok(())
}

/// How many grants there are, and how many of them a host would act on now, by the rule that contract and hosts share.
async fn allowed(ground: &Ground, host: u64) -> anyhow::Result<(u64, u64)> {
    let (keys, rpc) = (&ground.contracts.keys, &ground.rpc);
    let (_, last_secret, last_grant) = ground.view(keys, methods::counts, &Nothing {}).await?;
    let secrets: Vec<Secret> = rpc.all(keys, methods::secrets, last_secret, |_| true).await?;
    let grants: Vec<Grant> = rpc.all(keys, methods::grants, last_grant, |_| true).await?;
    let host = ground.view(keys, methods::host, &HostRef { host }).await?.context("the host is registered")?;
    let secrets: BTreeMap<_, _> = secrets.into_iter().map(|secret| (secret.id, secret)).collect();
    let (mut standings, mut allowed) = (BTreeMap::new(), 0);
    let (policy, action, now_ms) = (policy("/v1"), read("/v1/models"), ground.now_ms().await?);
    for grant in &grants {
        let standing: &Standing = match standings.entry(grant.agent) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let asked = AgentRef { agent: grant.agent };
                let shown = ground.view(&ground.contracts.registry, registry::methods::standing, &asked).await?;
                unknown.insert(shown.with_context(|| format!("there is no agent {}", grant.agent))?)
            }
        };
        let Grantee::Account(account) = &grant.grantee else { continue };
        let evidence = Evidence {
            lineage: std::slice::from_ref(grant),
            policy: &policy,
            secret: secrets.get(&grant.secret).context("a grant is of a secret")?,
            host: &host,
            sealed_generation: None,
            standing,
            asker: &Asker::Account(account.clone()),
            now_ms,
        };
        allowed += u64::from(matches!(decide(&evidence, &action, sha256), Decision::Allow(_)));
    }
    Ok((u64::try_from(grants.len())?, allowed))
}

fn read(path: &str) -> Action {
    Action::Http(HttpAction {
        scheme: Scheme::Https,
        host: SERVICE.to_owned(),
        port: 443,
        path: path.to_owned(),
        method: Method::Get,
        body_bytes: 0,
        content_sha256: Hash32::default(),
        effects: Vec::new(),
    })
}
