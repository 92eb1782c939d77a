//! INV-KEY-1 to 9 over random operations on the real wasm: two agents' owners, a guardian, hosts of theirs and of strangers,
//! each trying everything, sometimes two of them at once. Agents are sold and retired, labels used again, hosts revoked and
//! given new keys, rows removed. After each step `model` says what must be true, too.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`: `cargo xtask mutations INV-KEY` takes
//! each of them out and sees a test here fail.

mod model;
mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use charter_client::sha256;
use charter_harness::{Call, Caller, Harness, answer, call, failed_with};
use charter_rules::decision::check_live;
use charter_types::keys::args::{
    AddCredential, AddWraps, ChangeHostKeys, Delegate, GrantRef, GrantSecret, GrantTerms, HostRef, LeaseRef, Narrow,
    RegisterHost, Reserve, RotateSecret, SecretRef, Settle,
};
use charter_types::keys::methods as keys;
use charter_types::keys::{
    Allowance, Budget, DEPTH_MAX, Envelope, Grant, Grantee, Host, Lease, Policy, Secret, Suspension, Unit, Wrap,
};
use charter_types::method::Method;
use charter_types::registry::Standing;
use charter_types::registry::args::{AgentAccount, AgentRef, Rearm};
use charter_types::registry::methods as registry;
use charter_types::{Base64Bytes, Hash32, Nothing, Page, U128};
use near_workspaces::{Account, AccountId};
use proptest::collection::vec;
use serde_json::Value;

use crate::invariants::{Run, invariants};
use charter_harness::arguments::{
    DEPOSIT, accept, change_of_host, charged_bytes, host_of, policy, prepay, register, register_host, terms,
};
use model::Model;
use moves::{Move, Op, beginning, ops};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 60;
const PATHS: [&str; 4] = ["/", "/v1", "/v1/chat", "/v2"];
const LEASE_MS: u64 = 60_000;
/// Ann owns agent 1 and ben agent 2; cid guards both and operates host 2, dan operates host 1, and eve, to whom nothing is
/// ever granted, host 3.
const CID: usize = 2;
const OPERATORS: [usize; 3] = [3, CID, 4];
const LABELS: u8 = 6;

/// A call's arguments.
fn fields(call: &Call) -> Value {
    serde_json::from_slice(&call.args).unwrap()
}

fn policy_of(hash: Hash32) -> Policy {
    PATHS.into_iter().map(policy).find(|policy| Hash32::of(policy, sha256) == hash).unwrap()
}

struct Seen {
    grants: BTreeMap<u64, Grant>,
    secrets: BTreeMap<u64, Secret>,
    budgets: BTreeMap<u64, Budget>,
    hosts: BTreeMap<u64, Host>,
    /// None: the agent is gone.
    standings: Vec<Option<Standing>>,
    now_ms: u64,
}

impl Seen {
    /// As far up as there are rows.
    fn lineage(&self, id: u64) -> Vec<Grant> {
        let mut lineage = vec![self.grants[&id].clone()];
        while let Some(above) = lineage.last().and_then(|grant| grant.parent).and_then(|id| self.grants.get(&id)) {
            lineage.push(above.clone());
        }
        lineage
    }

    fn standing(&self, agent: u64) -> Option<&Standing> {
        self.standings[usize::try_from(agent).unwrap() - 1].as_ref()
    }

    fn is_live(&self, id: u64) -> bool {
        let lineage = self.lineage(id);
        let Some(standing) = self.standing(lineage[0].agent) else { return false };
        let Some(secret) = self.secrets.get(&lineage[0].secret) else { return false };
        standing.armed && check_live(&lineage, secret, standing.epochs, self.now_ms).is_ok()
    }

    fn live(&self) -> BTreeSet<u64> {
        self.grants.keys().copied().filter(|id| self.is_live(*id)).collect()
    }

    /// Grants below one, itself not among them.
    fn below(&self, id: u64) -> Vec<u64> {
        self.grants
            .keys()
            .copied()
            .filter(|below| *below != id && self.lineage(*below).iter().any(|up| up.id == id))
            .collect()
    }
}

struct World {
    harness: Harness,
    people: Vec<Account>,
    empty_bytes: u64,
    expires_ms: u64,
    model: Model,
    /// Grants that something killed: they never live again.
    killed: BTreeSet<u64>,
    leases: BTreeMap<u64, Lease>,
    /// How it looked after the last call, until time passes.
    seen: Option<Seen>,
}

impl World {
    fn keys(&self) -> &AccountId {
        &self.harness.contracts.keys
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.keys(), method, args).await.unwrap()
    }

    async fn look(&self) -> Seen {
        let grants = self.view(keys::grants, &Page::default()).await;
        let secrets = self.view(keys::secrets, &Page::default()).await;
        let budgets = self.view(keys::budgets, &Page::default()).await;
        let hosts = self.view(keys::hosts, &Page::default()).await;
        let mut standings = Vec::new();
        for agent in 1..=2 {
            let registry = &self.harness.contracts.registry;
            let found = self.harness.look(registry, registry::standing, &AgentRef { agent }).await.unwrap();
            standings.push(found);
        }
        Seen {
            hosts: hosts.into_iter().map(|host| (host.id, host)).collect(),
            grants: grants.into_iter().map(|grant| (grant.id, grant)).collect(),
            secrets: secrets.into_iter().map(|secret| (secret.id, secret)).collect(),
            budgets: budgets.into_iter().map(|budget| (budget.grant, budget)).collect(),
            standings,
            now_ms: self.harness.now_ms().await.unwrap(),
        }
    }

    fn terms(&self, op: &Op) -> GrantTerms {
        // Of their own bits, so that who may use it and how much has nothing to do with whom it is sealed to.
        let [_, hosts, capacity, counted, ..] = op.pick.to_le_bytes();
        let capacity = u128::from(capacity % 20);
        let budget = Allowance { unit: Unit::Uses, capacity: U128(capacity), refill: U128(0), period_ms: 0 };
        let grantee = Grantee::Account(self.people[op.to].id().clone());
        // The budget that names no host does not come about.
        let hosts = [vec![1], vec![2], vec![1, 2], vec![]][usize::from(hosts % 4)].clone();
        GrantTerms {
            hosts,
            no_delegation: op.small > 240,
            budget: (capacity > 0 && counted.is_multiple_of(2)).then_some(budget),
            ..terms(grantee, policy(PATHS[op.path]), self.expires_ms)
        }
    }

    /// Who may do it, if the sequence wants that.
    fn caller(&self, op: &Op, seen: &Seen) -> usize {
        let owner_of = |agent: u64| seen.standing(agent).map(|standing| standing.owner.clone());
        let secret = op.pick_of(&seen.secrets).map(|secret| &seen.secrets[&secret]);
        let grant = op.pick_of(&seen.grants).map(|grant| &seen.grants[&grant]);
        let operator = |host: u64| seen.hosts.get(&host).map(|host| host.operator.clone());
        let right = match op.what {
            Move::AddCredential | Move::RevokeAll | Move::Rearm | Move::Sell | Move::RetireAgent => {
                owner_of(op.agent())
            }
            Move::AddWraps | Move::Rotate | Move::Retire | Move::Clean | Move::Grant | Move::RevokeSecret => {
                secret.and_then(|secret| owner_of(secret.agent))
            }
            Move::Delegate | Move::Renounce | Move::Race => grant.and_then(|grant| match &grant.grantee {
                Grantee::Account(account) => Some(account.clone()),
                _ => None,
            }),
            Move::Narrow | Move::Suspend | Move::Resume | Move::RevokeGrant | Move::RemoveGrant => {
                grant.map(|grant| grant.grantor.clone())
            }
            Move::RevokeHost | Move::ChangeHostKeys | Move::RemoveHost | Move::Reserve => operator(op.host()),
            Move::Settle => self.lease(op).and_then(|lease| operator(lease.host)),
            Move::Expire | Move::Forget | Move::PanicAll | Move::RegisterHost | Move::Wait => None,
        };
        let known =
            right.filter(|_| op.tries > 0).and_then(|right| self.people.iter().position(|one| *one.id() == right));
        known.unwrap_or(op.by)
    }

    fn lease(&self, op: &Op) -> Option<&Lease> {
        self.leases.get(&op.pick_of(&self.leases)?)
    }

    /// That, or another one like it, that the model allows; rather a reservation that is counted.
    fn rightly(&self, op: &Op, seen: &Seen) -> Op {
        let is_allowed = |op: &Op, lent: bool| {
            let Some((call, _)) = self.call(op, seen) else { return false };
            let (by, args) = (self.people[self.caller(op, seen)].id(), fields(&call));
            self.model.allows(&call.method, &args, by.as_str(), seen.now_ms) && (!lent || self.model.lends(&args))
        };
        let other = |lent| (0..op.tries).map(|n| op.again(n)).find(|op| is_allowed(op, lent));
        let lent = if op.what == Move::Reserve { other(true) } else { None };
        lent.or_else(|| other(false)).unwrap_or_else(|| op.clone())
    }

    /// A new host, with a proof that is good for it, or for somebody, something or somewhere else.
    fn host_proof(&self, op: &Op) -> RegisterHost {
        let (chain_id, contracts) = (&self.harness.chain_id, &self.harness.contracts);
        let elsewhere = format!("not-{chain_id}");
        let proof = |chain_id: &str, contract: &AccountId, operator: usize, seed: u8| {
            host_of(chain_id, contract, &self.people[operator % 5], seed)
        };
        let right = proof(chain_id, &contracts.keys, op.by, op.small);
        let replayed = match op.pick % 5 {
            0 => proof(&elsewhere, &contracts.keys, op.by, op.small),
            1 => proof(chain_id, &contracts.registry, op.by, op.small),
            2 => proof(chain_id, &contracts.keys, op.by + 1, op.small),
            3 => proof(chain_id, &contracts.keys, op.by, op.small.wrapping_add(1)),
            _ => return right,
        };
        RegisterHost { proof: replayed.proof, ..right }
    }

    /// What its grantor takes away of a grant while a part of it is passed on: caller, call, deposit.
    fn rival(&self, op: &Op, seen: &Seen) -> Option<(Account, Call, u128)> {
        let grant = &seen.grants[&op.pick_of(&seen.grants)?];
        let grantor = self.people.iter().find(|person| *person.id() == grant.grantor)?.clone();
        match op.small % 3 {
            0 => return Some((grantor, call(keys::revoke_grant, &GrantRef { grant: grant.id }), 0)),
            // It asks the registry, too: which callback is first, chance decides.
            1 => {
                let taking = call(keys::revoke_secret, &SecretRef { secret: grant.secret });
                return Some((self.people[CID].clone(), taking, 0));
            }
            _ => {}
        }
        let policy = policy_of(grant.policy_hash);
        let args =
            Narrow { grant: grant.id, policy: policy.clone(), narrower: policy, expires_ms: grant.expires_ms - 1 };
        Some((grantor, call(keys::narrow, &args), 1))
    }

    /// INV-KEY-8: two transactions at once. Whichever is first, nothing that was passed on lives: what is narrowed ends too
    /// early for it.
    async fn race(&mut self, op: &Op, before: Seen) {
        let caller = self.people[self.caller(op, &before)].clone();
        let (Some((passing, deposit)), Some((grantor, taking, with))) =
            (self.call(op, &before), self.rival(op, &before))
        else {
            self.seen = Some(before);
            return;
        };
        // One account's transactions go one after the other.
        if caller.id() == grantor.id() {
            self.seen = Some(before);
            return;
        }
        let (keys, parent) = (self.keys().clone(), fields(&passing)["parent"].as_u64().unwrap());
        let what = format!("INV-KEY-8: {passing} by {} against {taking}", caller.id());
        let revokes = taking.method != keys::narrow::NAME;
        let told = [(passing.clone(), caller.id().clone()), (taking.clone(), grantor.id().clone())];
        let (raced, took) = tokio::join!(caller.send(&keys, passing, deposit), grantor.send(&keys, taking, with));
        let done = [raced.unwrap().is_success(), took.unwrap().is_success()];
        let after = self.look().await;
        if done[1] {
            self.killed.extend(after.below(parent));
            self.killed.extend(revokes.then_some(parent));
        }
        // What was passed on was passed on before, or it would have been refused.
        for ((call, by), _) in told.iter().zip(done).filter(|(_, done)| *done) {
            self.model.done(&call.method, &fields(call), by.as_str(), before.now_ms);
        }
        self.check_model(&after, &what);
        self.check_grants(&after, &what);
        self.check_budgets(&after, &what);
        self.check_bytes(&what).await;
        self.seen = Some(after);
    }

    /// Call and deposit of an operation.
    fn call(&self, op: &Op, seen: &Seen) -> Option<(Call, u128)> {
        let secret = op.pick_of(&seen.secrets);
        let grant = op.pick_of(&seen.grants);
        let lease = self.lease(op).map(|lease| lease.id);
        // Now and then of a generation that was.
        let generation = seen.hosts.get(&op.host()).map_or(0, |host| host.generation);
        let host_generation = if op.small % 8 == 7 { generation.saturating_sub(1) } else { generation };
        let wraps = vec![Wrap { host: op.host(), host_generation, sealed: Base64Bytes(vec![2; 80]) }];
        let envelope = Envelope::Inline(Base64Bytes(vec![1; usize::from(op.small) + 1]));
        Some(match op.what {
            Move::AddCredential => {
                let args = AddCredential {
                    agent: op.agent(),
                    epochs: None,
                    label_hash: Hash32([op.small % LABELS; 32]),
                    ceiling: policy("/"),
                    envelope,
                    wraps,
                    rotate_by_ms: 0,
                    grants: vec![self.terms(op)],
                };
                (call(keys::add_credential, &args), 1)
            }
            Move::AddWraps => (
                call(
                    keys::add_wraps,
                    &AddWraps { secret: secret?, expected_version: seen.secrets[&secret?].version, wraps },
                ),
                1,
            ),
            Move::Rotate => {
                let secret = secret?;
                let expected_version = seen.secrets[&secret].version;
                let args = RotateSecret { secret, expected_version, envelope, wraps, rotate_by_ms: 0 };
                (call(keys::rotate_secret, &args), 1)
            }
            Move::Retire => (call(keys::retire_secret, &SecretRef { secret: secret? }), 1),
            Move::Grant => {
                let args = GrantSecret { secret: secret?, ceiling: policy("/"), terms: self.terms(op) };
                (call(keys::grant, &args), 1)
            }
            Move::Delegate | Move::Race => {
                let parent = grant?;
                let parent_policy = policy_of(seen.grants[&parent].policy_hash);
                (call(keys::delegate, &Delegate { parent, parent_policy, terms: self.terms(op) }), 1)
            }
            Move::Narrow => {
                let grant = grant?;
                let args = Narrow {
                    grant,
                    policy: policy_of(seen.grants[&grant].policy_hash),
                    narrower: policy(PATHS[op.path]),
                    expires_ms: self.expires_ms - u64::from(op.small),
                };
                (call(keys::narrow, &args), 1)
            }
            Move::Suspend => (call(keys::suspend, &GrantRef { grant: grant? }), 0),
            Move::Resume => (call(keys::resume, &GrantRef { grant: grant? }), 1),
            Move::Renounce => (call(keys::renounce, &GrantRef { grant: grant? }), 0),
            Move::RevokeGrant => (call(keys::revoke_grant, &GrantRef { grant: grant? }), 0),
            Move::RevokeSecret => (call(keys::revoke_secret, &SecretRef { secret: secret? }), 0),
            Move::RevokeHost => (call(keys::revoke_host, &HostRef { host: op.host() }), 0),
            Move::Reserve => {
                let amount = U128(u128::from(op.small % 8));
                let args = Reserve { grant: grant?, host: op.host(), amount, for_ms: LEASE_MS, digest: None };
                (call(keys::reserve, &args), 0)
            }
            Move::Settle => {
                let used = U128(u128::from(op.small % 8));
                (call(keys::settle, &Settle { lease: lease?, used }), 0)
            }
            Move::Expire => (call(keys::expire, &LeaseRef { lease: lease? }), 0),
            Move::RevokeAll => (call(registry::revoke_all, &AgentRef { agent: op.agent() }), u128::from(op.small % 2)),
            Move::PanicAll => (call(registry::panic_all, &Nothing {}), 1),
            Move::Rearm => (call(registry::rearm, &Rearm { agents: vec![op.agent()] }), 1),
            Move::RegisterHost => (call(keys::register_host, &self.host_proof(op)), DEPOSIT),
            Move::ChangeHostKeys => {
                // Signed for who operates it: from others it is refused before anybody looks at the proof.
                let (keys, host) = (self.keys(), seen.hosts.get(&op.host())?);
                let operator = self.people.iter().find(|person| *person.id() == host.operator)?;
                let seed = 100 + u8::try_from(host.generation % 100).unwrap();
                let change = change_of_host(&self.harness, keys, operator, (host.id, host_generation), seed);
                (call(keys::change_host_keys, &ChangeHostKeys { host: host.id, ..change }), 0)
            }
            Move::RemoveHost => (call(keys::remove_host, &HostRef { host: op.host() }), 0),
            Move::Clean => (call(keys::clean_secret, &SecretRef { secret: secret? }), 0),
            Move::Forget => (call(keys::forget_secret, &SecretRef { secret: secret? }), 0),
            Move::RemoveGrant => (call(keys::remove_grant, &GrantRef { grant: grant? }), 0),
            Move::RetireAgent => (call(registry::retire, &AgentRef { agent: op.agent() }), 1),
            Move::Sell => {
                let buyer = usize::from(*seen.standing(op.agent())?.owner == *self.people[0].id());
                let args = AgentAccount { agent: op.agent(), account: self.people[buyer].id().clone() };
                (call(registry::offer_transfer, &args), DEPOSIT)
            }
            Move::Wait => return None,
        })
    }

    async fn step(&mut self, op: &Op) {
        if op.what == Move::Wait {
            self.seen = None;
            return self.harness.wait(Duration::from_millis(LEASE_MS)).await.unwrap();
        }
        let before = match self.seen.take() {
            Some(seen) => seen,
            None => self.look().await,
        };
        let op = &self.rightly(op, &before);
        if op.what == Move::Race {
            return self.race(op, before).await;
        }
        let by = self.caller(op, &before);
        let Some((call, right)) = self.call(op, &before) else {
            self.seen = Some(before);
            return;
        };
        // What pays for storage takes any deposit.
        let wrong = op.wrong_deposit && right <= 1;
        let deposit = if wrong { 1 - right } else { right };
        let caller = self.people[by].clone();
        let registrys = [Move::RevokeAll, Move::PanicAll, Move::Rearm, Move::Sell, Move::RetireAgent];
        let on_registry = registrys.contains(&op.what);
        let contracts = self.harness.contracts.clone();
        let contract = if on_registry { contracts.registry } else { contracts.keys };
        let args = fields(&call);
        let outcome = caller.send(&contract, call.clone(), deposit).await.unwrap();
        let mut done = outcome.is_success();
        let code = failed_with(&outcome).unwrap_or_default();
        let what = format!("{call} by {}: {done} {code}", caller.id());
        if op.what == Move::Sell && done {
            let buyer = self.people.iter().find(|person| args["account"] == person.id().as_str()).unwrap();
            let accept = accept(&self.harness, &contract, op.agent()).await;
            let accept = charter_harness::call(registry::accept_transfer, &accept);
            done = buyer.send(&contract, accept, DEPOSIT).await.unwrap().is_success();
        }
        TALLY.note(&call.method, done);
        // INV-KEY-6. A guardian's revocation takes no deposit, an owner's takes one.
        assert!(!(done && wrong && op.what != Move::RevokeAll), "INV-KEY-6: with {deposit} yoctoNEAR: {what}");
        let rule = (call.method.as_str(), &args, caller.id().as_str());
        if !on_registry
            && !wrong
            && op.what != Move::RegisterHost
            && !self.model.is_close(rule.0, rule.1, before.now_ms)
        {
            let allowed = self.model.allows(rule.0, rule.1, rule.2, before.now_ms);
            assert_eq!(done, allowed, "INV-KEY-MODEL: the contract and the model disagree: {what}");
        }
        // INV-KEY-7.
        let replayed = op.what == Move::RegisterHost && op.pick % 5 < 4;
        assert!(!(done && replayed), "INV-KEY-7: a proof for something else was taken: {what}");
        if !done {
            // What was denied in a callback gave back what it had reserved.
            self.check_bytes(&what).await;
            self.seen = Some(before);
            return;
        }
        let after = self.look().await;
        if op.what == Move::Sell {
            self.model.done("sell", &serde_json::json!({ "agent": args["agent"], "to": args["account"] }), "", 0);
        } else {
            self.model.done(rule.0, rule.1, rule.2, before.now_ms);
        }
        for (agent, standing) in (1..).zip(&after.standings) {
            self.model.set_armed(agent, standing.as_ref().is_some_and(|standing| standing.armed));
        }
        self.note_killed(op.what, (&caller, &before), &args);
        let reserved = if op.what == Move::Reserve { answer(keys::reserve, &outcome).unwrap() } else { None };
        if let Some(lease) = reserved {
            let made = self.view(keys::lease, &LeaseRef { lease }).await.unwrap();
            self.model.note_lease(lease, made.expires_ms);
            self.leases.insert(lease, made);
        }
        self.check_grants(&after, &what);
        self.check_budgets(&after, &what);
        self.check_model(&after, &what);
        let ended = args["lease"].as_u64().map(|lease| (op.what, lease));
        self.check_leases(ended, after.now_ms, &what).await;
        if by == CID {
            Self::check_guardian(&before, &after, &what);
        }
        self.check_bytes(&what).await;
        self.seen = Some(after);
    }

    /// INV-KEY-2, written down from what was called rather than from what the contract says.
    fn note_killed(&mut self, what: Move, (by, before): (&Account, &Seen), args: &Value) {
        let grant = args["grant"].as_u64().unwrap_or(0);
        let of = |wanted: &dyn Fn(&Grant) -> bool| -> Vec<u64> {
            before.grants.values().filter(|grant| wanted(grant)).map(|grant| grant.id).collect()
        };
        let killed = match what {
            Move::RevokeGrant | Move::Renounce => [before.below(grant), vec![grant]].concat(),
            Move::Narrow => before.below(grant),
            Move::RevokeSecret | Move::Retire => of(&|grant| grant.secret == args["secret"].as_u64().unwrap()),
            Move::RevokeAll | Move::Sell | Move::RetireAgent => {
                of(&|grant| grant.agent == args["agent"].as_u64().unwrap())
            }
            Move::Rearm => of(&|grant| grant.agent == args["agents"][0].as_u64().unwrap()),
            Move::PanicAll => {
                of(&|grant| before.standing(grant.agent).is_some_and(|standing| standing.owner == *by.id()))
            }
            _ => Vec::new(),
        };
        self.killed.extend(killed);
    }

    /// What the model says, which knows nothing of epochs, generations and hashes.
    fn check_model(&self, seen: &Seen, what: &str) {
        let known: Vec<u64> = self.model.grants().collect();
        assert_eq!(known, seen.grants.keys().copied().collect::<Vec<_>>(), "INV-KEY-MODEL: grants: {what}");
        for id in known {
            let lives = self.model.lives(id, seen.now_ms);
            assert_eq!(seen.is_live(id), lives, "INV-KEY-2: the model says otherwise of grant {id}: {what}");
        }
        let budgets: BTreeMap<u64, _> =
            seen.budgets.iter().map(|(id, one)| (*id, (one.level.0, one.reserved.0, one.spent.0))).collect();
        let model: BTreeMap<u64, _> =
            self.model.budgets().into_iter().map(|(id, one)| (id, (one.level, one.reserved, one.spent))).collect();
        assert_eq!(budgets, model, "INV-KEY-3: the model says otherwise of budgets: {what}");
    }

    /// INV-KEY-1 and 2.
    fn check_grants(&self, seen: &Seen, what: &str) {
        for (id, grant) in &seen.grants {
            let live = seen.is_live(*id);
            assert!(!(live && self.killed.contains(id)), "INV-KEY-2: grant {id} lives again: {what}");
            let Some(parent) = grant.parent.filter(|_| live).map(|parent| &seen.grants[&parent]) else { continue };
            let (own, above) = (policy_of(grant.policy_hash), policy_of(parent.policy_hash));
            assert!(
                charter_rules::policy::within(&own, &above),
                "INV-KEY-1: grant {id} allows more than its parent: {what}"
            );
            assert!(grant.expires_ms <= parent.expires_ms && grant.depth <= DEPTH_MAX, "INV-KEY-1: {what}");
            assert!(
                parent.suspended == Suspension::No,
                "INV-KEY-2: grant {id} lives under one that stands still: {what}"
            );
        }
    }

    /// INV-KEY-3.
    fn check_budgets(&self, seen: &Seen, what: &str) {
        for (id, budget) in &seen.budgets {
            let used = |budget: &Budget| budget.reserved.0 + budget.spent.0;
            assert!(used(budget) <= budget.allowance.capacity.0, "INV-KEY-3: grant {id}: {what}");
            let children = seen.budgets.values().filter(|child| seen.grants[&child.grant].parent == Some(*id));
            let below: u128 = children.map(used).sum();
            assert!(below <= used(budget), "INV-KEY-3: below grant {id}: {what}");
        }
    }

    /// INV-KEY-4: a lease leaves by the call that names it, and without a word of its host not before its time.
    async fn check_leases(&mut self, ended: Option<(Move, u64)>, now_ms: u64, what: &str) {
        for lease in self.leases.keys().copied().collect::<Vec<_>>() {
            let found = self.view(keys::lease, &LeaseRef { lease }).await;
            let how = ended.filter(|(_, named)| *named == lease).map(|(how, _)| how);
            assert_eq!(found.is_none(), how.is_some(), "INV-KEY-4: lease {lease}: {what}");
            if how == Some(Move::Expire) {
                assert!(self.leases[&lease].expires_ms <= now_ms, "INV-KEY-4: lease {lease} was open: {what}");
            }
            if how.is_some() {
                self.leases.remove(&lease);
            }
        }
    }

    /// INV-KEY-5: nothing that did not live before lives after a guardian's call.
    fn check_guardian(before: &Seen, after: &Seen, what: &str) {
        let live = before.live();
        assert!(after.live().iter().all(|id| live.contains(id)), "INV-KEY-5: a guardian widened: {what}");
        assert_eq!(before.grants.len(), after.grants.len(), "INV-KEY-5: a guardian granted: {what}");
    }

    /// INV-KEY-9.
    async fn check_bytes(&self, what: &str) {
        let charged = charged_bytes(&self.harness, self.keys(), &self.people).await;
        let usage = self.harness.worker.view_account(self.keys()).await.unwrap().storage_usage;
        assert_eq!(charged, usage - self.empty_bytes, "INV-KEY-9: bytes charged and bytes held: {what}");
    }
}

/// Two agents, two hosts, and storage that everybody prepaid.
async fn base() -> (Harness, Vec<Account>, u64) {
    let base = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        people.push(base.account(name).await.unwrap());
    }
    let keys = base.contracts.keys.clone();
    let empty = base.worker.view_account(&keys).await.unwrap().storage_usage;
    for owner in &people[..2] {
        register(&base, owner, vec![people[CID].id().clone()]).await;
    }
    for (operator, seed) in OPERATORS.into_iter().zip(5_u8..) {
        register_host(&base, &keys, &people[operator], seed).await;
    }
    for person in &people {
        prepay(person, &keys, 20 * DEPOSIT).await;
    }
    (base, people, empty)
}

invariants!(SEQUENCES, play, {
    inv_key_1_no_call_raises_a_child_above_its_parent: "INV-KEY-1",
    inv_key_2_after_any_bump_no_dependant_lives: "INV-KEY-2",
    inv_key_3_children_use_no_more_than_their_parent_has: "INV-KEY-3",
    inv_key_4_leases_leave_only_by_settlement_or_expiry: "INV-KEY-4",
    inv_key_5_guardians_never_widen: "INV-KEY-5",
    inv_key_6_owners_sign_with_1_yocto_and_others_attach_nothing: "INV-KEY-6",
    inv_key_7_a_signed_proof_replays_nowhere: "INV-KEY-7",
    inv_key_8_what_races_a_revocation_is_dead: "INV-KEY-8",
    inv_key_9_bytes_charged_are_bytes_held: "INV-KEY-9",
    the_contract_and_a_model_of_it_agree: "INV-KEY-MODEL",
});

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, empty_bytes) = runtime.block_on(base());
    let run = Run { whose: "keys", sequences, shrinks: 300, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, vec(ops(), 24..30), async |harness, people, ops| {
        let expires_ms = harness.now_ms().await.unwrap() + 30 * 24 * 3_600_000;
        let (killed, leases) = (BTreeSet::new(), BTreeMap::new());
        let mut model = Model::new(people[CID].id().as_str());
        for (agent, owner) in (1..).zip(&people[..2]) {
            model.add_agent(agent, owner.id().as_str());
        }
        for operator in OPERATORS {
            model.add_host(people[operator].id().as_str());
        }
        let mut world = World { harness, people, empty_bytes, expires_ms, model, killed, leases, seen: None };
        for op in beginning().iter().chain(&ops) {
            world.step(op).await;
        }
    })
}
