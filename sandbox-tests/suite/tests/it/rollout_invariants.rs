//! INV-GOV-6 to 8 and 11 over random operations on the real wasm: owners of 25 agents enroll them, take them off, choose, pin and
//! freeze, their agents report well or ill of what they were told and of what they were not, releases with and without a way
//! back are published on top of each other, and a stranger takes every step there is. A model (`model.rs`) says after each
//! what every agent has to be told.
//!
//! The lines that each invariant rests on are in `deploy/xtask/src/mutations/list.rs`.

mod model;

use std::collections::BTreeSet;
use std::time::Duration;

use charter_harness::arguments::{DEPOSIT, content, enrolled, prepay, register};
use charter_harness::{Call, Caller, Harness, call, failed_with, ok};
use charter_types::governance::args::{
    AgentRef, Choose, CreateLine, Enroll, LineRef, ProposalRef, ProposeRelease, ReportHealth, Vote,
};
use charter_types::governance::methods as governance;
use charter_types::governance::{Bump, Choice, Line, Params, Policy, ReleaseContent, Rollout, RolloutState, Wanted};
use charter_types::method::Method;
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use charter_types::{AccountId, Hash32};
use near_workspaces::Account;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::invariants::{Run, invariants};
use crate::lengths::Long;
use model::{AGENTS, Agent, Follow, HOUR_MS, Model, OWNERS, Release, State, TIMELOCK_MS, Way, owner_of};

/// `cargo xtask properties` plays 2,000.
const SEQUENCES: u32 = 12;
const LINE: u64 = 2;
/// A call is in a later block than the look before it.
const SLACK_MS: u64 = 60_000;
/// The account of all agents, and who has nothing to do with them, behind the owners.
const ROBOT: usize = OWNERS;
const STRANGER: usize = OWNERS + 1;

#[derive(Clone, Debug)]
enum Move {
    /// Proposed, voted for, and published by a stranger: which number of the version grows, what it asks for.
    Publish {
        part: usize,
        asks: u8,
        reversible: bool,
    },
    /// Of what the agent is told, or of the release after.
    Report {
        agent: usize,
        well: bool,
        of_next: bool,
    },
    /// So many agents that run what is rolled out, from some place on, say that they are well, and then so many that they are not.
    RollCall {
        from: usize,
        well: usize,
        ill: usize,
    },
    Advance,
    Wait(u64),
    Follow {
        agent: usize,
        follow: Follow,
    },
    Pin {
        agent: usize,
        release: Option<usize>,
    },
    Accept {
        agent: usize,
        release: usize,
    },
    Freeze {
        agent: usize,
    },
    Leave {
        agent: usize,
    },
    /// By the owner of agent `by`.
    Enroll {
        agent: usize,
        asks: u8,
        by: usize,
    },
}

fn follow() -> impl Strategy<Value = Follow> {
    let soak = prop_oneof![3 => Just(0), 1 => Just(72 * HOUR_MS)];
    prop_oneof![
        1 => Just(Follow::Nothing),
        3 => (1_usize..4, soak, any::<bool>())
            .prop_map(|(part, soak_ms, anything)| Follow::UpTo { part, soak_ms, anything }),
    ]
}

fn publish() -> impl Strategy<Value = Move> {
    let part = prop_oneof![3 => Just(1_usize), 3 => Just(2), 1 => Just(3)];
    let (asks, reversible) = (prop_oneof![4 => Just(0_u8), 1 => Just(1)], proptest::bool::weighted(0.8));
    (part, asks, reversible).prop_map(|(part, asks, reversible)| Move::Publish { part, asks, reversible })
}

fn wait() -> impl Strategy<Value = Move> {
    prop_oneof![Just(2 * HOUR_MS), Just(25 * HOUR_MS), Just(16 * 24 * HOUR_MS)].prop_map(Move::Wait)
}

fn op() -> impl Strategy<Value = Move> {
    let agent = || 0..AGENTS;
    prop_oneof![
        2 => publish(),
        4 => (agent(), any::<bool>(), proptest::bool::weighted(0.2))
            .prop_map(|(agent, well, of_next)| Move::Report { agent, well, of_next }),
        3 => Just(Move::Advance),
        2 => wait(),
        2 => (agent(), follow()).prop_map(|(agent, follow)| Move::Follow { agent, follow }),
        1 => (agent(), proptest::option::of(0_usize..5)).prop_map(|(agent, release)| Move::Pin { agent, release }),
        2 => (agent(), 0_usize..5).prop_map(|(agent, release)| Move::Accept { agent, release }),
        1 => agent().prop_map(|agent| Move::Freeze { agent }),
        1 => agent().prop_map(|agent| Move::Leave { agent }),
        1 => (agent(), agent(), 0_u8..2, proptest::bool::weighted(0.2))
            .prop_map(|(agent, other, asks, by_other)| Move::Enroll { agent, asks, by: if by_other { other } else { agent } }),
    ]
}

/// A release on its way, for some stages, with an end.
fn story() -> impl Strategy<Value = Vec<Move>> {
    let call = (0..AGENTS, 0_usize..5, prop_oneof![3 => Just(0_usize), 1 => 1_usize..4]);
    let stage = (call, wait())
        .prop_map(|((from, well, ill), wait)| vec![Move::RollCall { from, well, ill }, wait, Move::Advance]);
    (publish(), vec(stage, 1..4))
        .prop_map(|(publish, stages)| std::iter::once(publish).chain(stages.into_iter().flatten()).collect())
}

fn ops() -> impl Strategy<Value = Vec<Move>> {
    prop_oneof![3 => op().prop_map(|op| vec![op]), 2 => story()]
}

struct World {
    harness: Harness,
    people: Vec<Account>,
    model: Model,
}

fn release_content(release: &Release, reversible: bool) -> ReleaseContent {
    let [major, minor, patch] = release.version;
    let permissions = Hash32([release.asks; 32]);
    ReleaseContent { semver: format!("{major}.{minor}.{patch}"), permissions, reversible, ..content() }
}

fn id(release: usize) -> u64 {
    u64::try_from(release).unwrap()
}

impl World {
    fn contract(&self) -> &AccountId {
        &self.harness.contracts.governance
    }

    async fn view<M: Method>(&self, method: M, args: &M::Args) -> M::Answer {
        self.harness.look(self.contract(), method, args).await.unwrap()
    }

    async fn rollout(&self) -> Rollout {
        self.view(governance::rollout, &LineRef { line: LINE }).await.unwrap()
    }

    async fn line(&self) -> Line {
        self.view(governance::line, &LineRef { line: LINE }).await.unwrap()
    }

    async fn now_ms(&self) -> u64 {
        self.harness.now_ms().await.unwrap()
    }

    fn agent_id(&self, place: usize) -> u64 {
        self.model.ids[place]
    }

    /// Whether a call did what it should, and that it is what the model expects.
    async fn send(&self, by: usize, sent: Call, deposit: u128, expected: bool, what: &str) {
        let method = sent.method.clone();
        let outcome = self.people[by].send(self.contract(), sent, deposit).await.unwrap();
        let done = outcome.is_success();
        TALLY.note(&method, done);
        assert_eq!(done, expected, "{}: {what}: {:?}", invariant_of(&method), failed_with(&outcome));
    }

    async fn step(&mut self, op: &Move) {
        let now_ms = self.now_ms().await;
        let what = format!("{op:?} at {now_ms} ms");
        match *op {
            Move::Wait(ms) => self.harness.wait(Duration::from_millis(ms)).await.unwrap(),
            Move::Publish { part, asks, reversible } => self.publish(part, asks, reversible).await,
            Move::Report { agent, well, of_next } => {
                let release = self.model.told(agent, now_ms) + usize::from(of_next);
                self.report(agent, release, well, &what).await;
            }
            Move::RollCall { from, well, ill } => {
                let release = self.model.way.release;
                let places = (0..AGENTS).map(|place| (place + from) % AGENTS);
                let reached: Vec<usize> = places.filter(|place| self.model.told(*place, now_ms) == release).collect();
                for (count, place) in reached.into_iter().take(well + ill).enumerate() {
                    self.report(place, release, count < well, &what).await;
                }
            }
            Move::Advance => self.advance(&what).await,
            Move::Follow { agent, follow } => {
                let policy = match follow {
                    Follow::Nothing => Policy::Manual,
                    Follow::UpTo { part, soak_ms, anything: new_permissions } => {
                        let bump = [Bump::Patch, Bump::Minor, Bump::Major][part - 1];
                        Policy::Auto { bump, soak_ms, new_permissions }
                    }
                };
                let expected = self.model.choose(agent, now_ms, |agent| agent.follow = follow);
                self.choose(agent, Wanted::Policy(policy), expected, &what).await;
            }
            Move::Pin { agent, release } => {
                let known = release.is_none_or(|release| release == 0 || self.model.release(release).is_some());
                let expected = known && self.model.choose(agent, now_ms, |agent| agent.pin = release);
                let wanted = release.map_or(Wanted::Unpin, |release| Wanted::Pin(id(release)));
                self.choose(agent, wanted, expected, &what).await;
            }
            Move::Accept { agent, release } => {
                let permissions = self.model.release(release).map_or(Hash32([9; 32]), |it| Hash32([it.asks; 32]));
                let expected = self.model.accept(agent, release, now_ms);
                self.choose(agent, Wanted::Accept { release: id(release), permissions }, expected, &what).await;
            }
            Move::Freeze { agent } => {
                let told = self.model.told(agent, now_ms);
                let expected = self.model.agents[agent].is_some();
                self.model.agents[agent].iter_mut().for_each(|agent| agent.pin = Some(told));
                let sent = call(governance::freeze, &AgentRef { agent: self.agent_id(agent) });
                self.send(owner_of(agent), sent, 0, expected, &what).await;
            }
            Move::Leave { agent } => {
                let expected = self.model.agents[agent].take().is_some();
                let sent = call(governance::leave, &AgentRef { agent: self.agent_id(agent) });
                self.send(owner_of(agent), sent, 1, expected, &what).await;
            }
            Move::Enroll { agent, asks, by } => {
                let accepted = Some(Hash32([asks; 32]));
                let args = Enroll { accepted, ..enrolled(self.agent_id(agent), LINE) };
                let expected = owner_of(by) == owner_of(agent);
                self.send(owner_of(by), call(governance::enroll, &args), 1, expected, &what).await;
                if expected {
                    let now_ms = self.now_ms().await;
                    self.model.enroll(agent, asks, now_ms);
                }
            }
        }
        self.check(&what).await;
    }

    async fn choose(&self, place: usize, wanted: Wanted, expected: bool, what: &str) {
        let args = Choose { agent: self.agent_id(place), wanted };
        self.send(owner_of(place), call(governance::choose, &args), 1, expected, what).await;
    }

    async fn report(&mut self, place: usize, release: usize, well: bool, what: &str) {
        let now_ms = self.now_ms().await;
        let expected = self.model.report(place, release, well, now_ms);
        let digest = content().artifacts[0].digest;
        let args = ReportHealth { agent: self.agent_id(place), release: id(release), digest, ok: well };
        self.send(ROBOT, call(governance::report_health, &args), 0, expected, what).await;
    }

    async fn advance(&mut self, what: &str) {
        let before_ms = self.now_ms().await;
        let sent = call(governance::advance, &LineRef { line: LINE });
        let outcome = self.people[STRANGER].send(self.contract(), sent, 0).await.unwrap();
        let done = outcome.is_success();
        TALLY.note("advance", done);
        // The model does not know the second of the call: where the answer depends on it, either will do.
        let (mut early, mut late) = (self.model.clone(), self.model.clone());
        let ends = [early.advance(before_ms), late.advance(self.now_ms().await)];
        assert!(ends.contains(&done), "INV-GOV-8: {ends:?} expected of {what}: {:?}", failed_with(&outcome));
        self.model = if ends[0] == done { early } else { late };
    }

    async fn publish(&mut self, part: usize, asks: u8, reversible: bool) {
        let mut version = self.model.releases.last().map_or([1, 0, 0], |last| last.version);
        version[3 - part] += 1;
        version[4 - part..].fill(0);
        let mut release = Release { version, asks, published_ms: 0 };
        let chief = &self.people[0];
        let args = ProposeRelease { line: LINE, seq: self.model.seq, content: release_content(&release, reversible) };
        let proposal = ok(chief, self.contract(), governance::propose_release, &args, DEPOSIT).await;
        self.model.proposals += 1;
        let owners = self.model.owners();
        let about = ProposalRef { proposal };
        let content_hash = self.view(governance::proposal, &about).await.unwrap().content_hash;
        let vote = Vote { proposal, content_hash, choice: Choice::Yes };
        ok(chief, self.contract(), governance::vote, &vote, DEPOSIT).await;
        self.harness.wait(Duration::from_millis(TIMELOCK_MS + 1)).await.unwrap();
        ok(chief, self.contract(), governance::queue, &about, 0).await;
        self.harness.wait(Duration::from_millis(TIMELOCK_MS + 1)).await.unwrap();
        ok(&self.people[STRANGER], self.contract(), governance::publish, &about, 0).await;
        let rollout = self.rollout().await;
        assert!(rollout.published_ms.abs_diff(self.now_ms().await) <= SLACK_MS);
        release.published_ms = rollout.published_ms;
        self.model.publish(release, owners, reversible, rollout.seed.0);
    }

    /// Everything looks as the model says.
    async fn check(&mut self, what: &str) {
        let (line, rollout) = (self.line().await, self.rollout().await);
        let model = &mut self.model;
        let seen = |state: RolloutState| match state {
            RolloutState::Done => Some(State::Done),
            RolloutState::Running => Some(State::Running),
            RolloutState::Held => Some(State::Held),
            RolloutState::RolledBack => Some(State::Back),
            RolloutState::Drawing => None,
        };
        assert_eq!((line.head, line.seq), (id(model.head), model.seq), "INV-GOV-8: {what}");
        assert_eq!(rollout.owners, id(model.owners()), "INV-GOV-8: owners of agents: {what}");
        if model.way.release != 0 {
            let way = &mut model.way;
            assert_eq!(Some(way.state), seen(rollout.state), "INV-GOV-8: {what}");
            assert_eq!((id(way.release), id(way.previous)), (rollout.release, rollout.previous), "INV-GOV-8: {what}");
            let well = way.well.values().filter(|well| **well).count();
            let counts = (id(well), id(way.well.len()), id(way.spoke.len()));
            assert_eq!(counts, (rollout.ok, rollout.reports(), rollout.fresh), "INV-GOV-8: voices: {what}");
            if way.state == State::Running {
                assert_eq!(way.seed, rollout.seed.0, "INV-GOV-7: it is drawn once: {what}");
                assert!(way.since_ms.abs_diff(rollout.since_ms) <= SLACK_MS, "INV-GOV-8: {what}");
                way.since_ms = rollout.since_ms;
            }
        }
        let now_ms = self.now_ms().await;
        for place in 0..AGENTS {
            let told = self.view(governance::release_for, &AgentRef { agent: self.agent_id(place) }).await;
            let expected = self.model.told(place, now_ms);
            let digests = told.digests.len();
            let of = self.model.agents[place].as_ref();
            assert_eq!(told.release.unwrap_or_default(), id(expected), "INV-GOV-6: {of:?} of {place}: {what}");
            assert_eq!(digests, usize::from(expected != 0), "INV-GOV-6: {what}");
        }
    }
}

/// What a call stands or falls with.
fn invariant_of(method: &str) -> &'static str {
    if method == "report_health" { "INV-GOV-7" } else { "INV-GOV-6" }
}

invariants!(SEQUENCES, play, {
    inv_gov_6_an_agent_is_told_what_its_owner_lets_it_run: "INV-GOV-6",
    inv_gov_7_cohorts_are_nested_and_drawn_once: "INV-GOV-7",
    inv_gov_8_there_is_a_step_on_or_back_for_anybody: "INV-GOV-8",
    inv_gov_11_what_events_tell_is_what_is_stored: "INV-GOV-11",
});

async fn base() -> (Harness, Vec<Account>, Vec<u64>) {
    let base = Harness::start().await.unwrap();
    let mut people = Vec::new();
    for number in 0..OWNERS {
        people.push(base.account(&format!("owner{number}")).await.unwrap());
    }
    for name in ["robot", "stranger"] {
        people.push(base.account(name).await.unwrap());
    }
    let contract = base.contracts.governance.clone();
    for person in &people {
        prepay(person, &contract, 10 * DEPOSIT).await;
    }
    let params = Params { vote_ms: TIMELOCK_MS, timelock_ms: TIMELOCK_MS, extension_ms: 0, ..Params::default() };
    let args = CreateLine { name: "scout".to_owned(), council: Vec::new(), params, guardian: None, stake: None };
    assert_eq!(ok(&people[0], &contract, governance::create_line, &args, DEPOSIT).await, LINE);
    let mut ids = Vec::new();
    for place in 0..AGENTS {
        let owner = &people[owner_of(place)];
        let agent = register(&base, owner, Vec::new()).await;
        let own = SetAgentAccount { agent, agent_account: Some(people[ROBOT].id().clone()) };
        ok(owner, &base.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
        ok(owner, &contract, governance::enroll, &enrolled(agent, LINE), 1).await;
        ids.push(agent);
    }
    (base, people, ids)
}

fn start(ids: &[u64]) -> Model {
    let follow = Follow::UpTo { part: 2, soak_ms: 0, anything: false };
    let agent = Agent { follow, pin: None, accepted: Some(0), running: 0, before: 0, came: 0 };
    let way = Way {
        release: 0,
        previous: 0,
        proposal: 0,
        state: State::Done,
        whole: true,
        since_ms: 0,
        seed: [0; 32],
        owners: 0,
        way_back: false,
        well: std::collections::BTreeMap::new(),
        spoke: BTreeSet::new(),
    };
    let agents = vec![Some(agent); AGENTS];
    Model { releases: Vec::new(), head: 0, seq: 0, proposals: 0, agents, ids: ids.to_vec(), way }
}

fn play(sequences: u32) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (base, people, ids) = runtime.block_on(base());
    let run = Run { whose: "rollouts", sequences, shrinks: 40, runtime: &runtime, base: &base, people: &people };
    TALLY.play(run, Long(vec(ops(), 8..14)), async |harness, people, ops| {
        let mut world = World { harness, people, model: start(&ids) };
        // A fork's clock goes on with its first block.
        prepay(&world.people[0], world.contract(), 1).await;
        for op in &ops {
            world.step(op).await;
        }
        crate::replayed::check(&world.harness).await;
    })
}
