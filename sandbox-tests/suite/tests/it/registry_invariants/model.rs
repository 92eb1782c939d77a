//! What the registry should do with agents, written from its documentation and from nothing of its code: who may do what,
//! and what comes of it. Storage is not in it; everybody has prepaid more than they need.

use std::collections::{BTreeMap, BTreeSet};

/// Somebody, by number.
pub type Person = usize;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A call. What it is about is the agent of its step, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Move {
    Register,
    RegisterTwo,
    Retire,
    SetCard {
        stale: bool,
    },
    Offer,
    Cancel,
    Accept {
        stale: bool,
    },
    Transferable(bool),
    NftTransfer,
    /// To the shop, which keeps it or gives it back.
    NftCall {
        kept: bool,
    },
    SetOperator,
    RemoveOperator,
    SetGuardian,
    RemoveGuardian,
    AcceptRole,
    Renounce,
    AgentAccount,
    Pause(Option<u64>),
    Unpause,
    RevokeAll,
    PanicAll,
    Rearm,
    /// A name by its number, or none.
    Handle(Option<usize>),
    ReleaseHandle(usize),
    SetPayout,
    AcceptPayout {
        stale: bool,
    },
    Heartbeat,
    /// With how many recoverers, who all have to agree but one.
    Recoverers(usize),
    Propose,
    Approve {
        stale: bool,
    },
    Withdraw,
    Veto,
    Execute,
    Measure,
    ClearPolicy,
    RevokeMeasurement,
    RevokeAttestation,
    Begin,
    Submit,
    Report(Report),
    Wait(u64),
}

/// Of whose totals a reporter tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Whose {
    /// The account's that is paid for the agent.
    Payout,
    Owner,
    /// The step's.
    Other,
    /// No account's: the agent's as a whole.
    Nobody,
}

/// What a reporter tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    pub whose: Whose,
    pub earned: u128,
    pub payments: u64,
    /// As it was seen in another epoch.
    pub stale: bool,
}

/// A report that was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    account: Option<Person>,
    earned: u128,
    payments: u64,
}

/// Who calls what about which agent, with whom as argument.
#[derive(Clone, Debug)]
pub struct Step {
    pub by: Person,
    pub agent: u64,
    pub other: Person,
    pub deposit: u128,
    pub what: Move,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub people: Vec<Person>,
    pub threshold: usize,
    pub delay_ms: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub new_owner: Person,
    pub approvals: BTreeSet<Person>,
    /// When it can be executed, once enough agree.
    pub ready_ms: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    pub owner: Person,
    pub armed: bool,
    pub account: Option<Person>,
    pub operators: BTreeSet<Person>,
    pub guardians: BTreeSet<Person>,
    /// Who has a role and has shown that it knows.
    pub confirmed: BTreeSet<Person>,
    pub payout: Person,
    pub payout_offer: Option<Person>,
    /// To whom, and from when on.
    pub offer: Option<(Person, u64)>,
    pub transferable: bool,
    pub handle: Option<usize>,
    pub revision: u64,
    /// 0: not; the largest number: without an end.
    pub paused_until_ms: u64,
    /// None: there never were any under this owner.
    pub recoverers: Option<Group>,
    pub next: Option<(Group, u64)>,
    pub proposals: BTreeMap<Person, Proposal>,
    /// Whether its measurement is revoked.
    pub policy: Option<bool>,
    /// Whether the policy lists nothing that is not revoked.
    pub cleared: bool,
    /// Until when its nonce is good.
    pub nonce_until_ms: Option<u64>,
    /// Every report of this epoch, in their order.
    pub told: Vec<Told>,
}

/// Who gave a name back, and until when it is nobody else's.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    pub by: Person,
    pub until_ms: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub agents: BTreeMap<u64, Agent>,
    pub highest: u64,
    pub rests: BTreeMap<usize, Rest>,
    /// The number of the account that receives tokens by code.
    pub shop: Person,
    /// Whose reports count.
    pub reporter: Person,
}

/// What comes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Done,
    Refused,
    /// The quote was looked at and found bad, which it is.
    Judged,
}

/// Nothing is done unless all of it may be.
fn need(may: bool) -> Option<()> {
    may.then_some(())
}

impl Agent {
    fn has_role(&self, person: Person) -> bool {
        self.account == Some(person) || self.operators.contains(&person) || self.guardians.contains(&person)
    }

    fn forget_roles(&mut self) {
        let confirmed = self.confirmed.clone();
        self.confirmed = confirmed.into_iter().filter(|person| self.has_role(*person)).collect();
    }

    /// Whoever is named anew has not shown that it knows, unless it has another role.
    fn name(&mut self, person: Person, give: impl FnOnce(&mut Self)) {
        if !self.has_role(person) {
            self.confirmed.remove(&person);
        }
        give(self);
        self.forget_roles();
    }

    /// Every right given before is gone; guardians, who can only take away, stay. It is another epoch, in which nothing is
    /// earned yet.
    fn revoke(&mut self) {
        self.told.clear();
        (self.operators, self.account) = (BTreeSet::new(), None);
        (self.offer, self.payout_offer) = (None, None);
        self.forget_roles();
    }

    fn hand_over(&mut self, to: Person, keeps_recoverers: bool, stays_token: bool) {
        self.revoke();
        self.owner = to;
        self.armed = true;
        self.payout = to;
        self.guardians.clear();
        self.confirmed.clear();
        self.transferable &= stays_token;
        self.paused_until_ms = 0;
        (self.policy, self.cleared, self.nonce_until_ms) = (None, false, None);
        if !keeps_recoverers {
            (self.recoverers, self.next) = (None, None);
            self.proposals.clear();
        }
    }

    /// A change of recoverers that is due has happened. The next call about a recovery writes that down, and with it the
    /// proposals of before go; until then who made one can still take it back.
    fn settle(&mut self, now_ms: u64) {
        if self.next.as_ref().is_some_and(|(_, from_ms)| *from_ms <= now_ms) {
            self.recoverers = self.next.take().map(|(group, _)| group);
            self.proposals.clear();
        }
    }

    fn recoverer(&self, person: Person) -> bool {
        self.recoverers.as_ref().is_some_and(|group| group.people.contains(&person))
    }

    /// How long the recoverers of that time could take, and a day.
    fn wait_ms(&self, now_ms: u64) -> u64 {
        let due = self.next.as_ref().filter(|(_, from_ms)| *from_ms <= now_ms).map(|(group, _)| group);
        let group = due.or(self.recoverers.as_ref()).filter(|group| !group.people.is_empty());
        group.map_or(0, |group| group.delay_ms + DAY_MS)
    }

    /// Of an account it is about the one that is paid now. An epoch's first report pays for its row.
    fn report(&mut self, of: Report, other: Person, pays: bool) -> Option<()> {
        let account = match of.whose {
            Whose::Payout => Some(self.payout),
            Whose::Owner => Some(self.owner),
            Whose::Other => Some(other),
            Whose::Nobody => None,
        };
        need(!of.stale && account.is_none_or(|account| account == self.payout))?;
        need(pays || !self.told.is_empty())?;
        self.told.push(Told { account, earned: of.earned, payments: of.payments });
        Some(())
    }

    /// What is earned in this epoch, and the first report, which it is counted from. As long as the same account is told of,
    /// by how much its highest total is more than its first one.
    pub fn earned(&self) -> Option<[(u128, u64); 2]> {
        let first = self.told.first()?;
        let (mut earned, mut payments) = (0, 0);
        for run in self.told.chunk_by(|one, next| one.account == next.account) {
            earned += run.iter().map(|told| told.earned).max()? - run[0].earned;
            payments += run.iter().map(|told| told.payments).max()? - run[0].payments;
        }
        Some([(earned, payments), (first.earned, first.payments)])
    }

    fn approve(&mut self, proposer: Person, by: Person, now_ms: u64) -> Option<()> {
        let group = self.recoverers.clone()?;
        let proposal = self.proposals.get_mut(&proposer)?;
        proposal.approvals.insert(by);
        if proposal.approvals.len() >= group.threshold && proposal.ready_ms.is_none() {
            proposal.ready_ms = Some(now_ms + group.delay_ms);
        }
        Some(())
    }
}

impl Model {
    /// Makes a call at a time, if it may be made.
    pub fn play(&mut self, step: &Step, now_ms: u64) -> End {
        let mut after = self.clone();
        match after.act(step, now_ms) {
            None => End::Refused,
            Some(end) => {
                *self = after;
                end
            }
        }
    }

    fn act(&mut self, step: &Step, now_ms: u64) -> Option<End> {
        let (by, some, one, none) = (step.by, step.deposit >= 1, step.deposit == 1, step.deposit == 0);
        match step.what {
            Move::Register => need(some).map(|()| self.register(by, 1))?,
            Move::RegisterTwo => need(some).map(|()| self.register(by, 2))?,
            Move::PanicAll => {
                need(one && self.agents.values().any(|agent| agent.owner == by))?;
                self.agents.values_mut().filter(|agent| agent.owner == by).for_each(|agent| agent.armed = false);
            }
            Move::ReleaseHandle(name) => {
                need(none && self.rests.get(&name)?.until_ms <= now_ms)?;
                self.rests.remove(&name);
            }
            Move::Handle(name) => self.handle(step, name, now_ms)?,
            Move::Retire => {
                let agent = self.agents.get(&step.agent)?.clone();
                need(agent.owner == by && one && agent.wait_ms(now_ms) == 0)?;
                self.agents.remove(&step.agent);
                self.rest(agent.handle, by, now_ms);
            }
            Move::Wait(_) => {}
            _ => return self.about_one(step, now_ms),
        }
        Some(End::Done)
    }

    fn register(&mut self, by: Person, count: u64) {
        for _ in 0..count {
            self.highest += 1;
            let agent = Agent { owner: by, armed: true, payout: by, revision: 1, ..Agent::default() };
            self.agents.insert(self.highest, agent);
        }
    }

    fn rest(&mut self, name: Option<usize>, by: Person, now_ms: u64) {
        if let Some(name) = name {
            self.rests.insert(name, Rest { by, until_ms: now_ms + 30 * DAY_MS });
        }
    }

    fn handle(&mut self, step: &Step, name: Option<usize>, now_ms: u64) -> Option<()> {
        let agent = self.agents.get(&step.agent)?;
        need(agent.owner == step.by && step.deposit >= 1)?;
        let old = agent.handle;
        self.rest(old, step.by, now_ms);
        if let Some(name) = name {
            let taken = self.agents.iter().any(|(id, agent)| *id != step.agent && agent.handle == Some(name));
            let rests = self.rests.get(&name).is_some_and(|rest| rest.by != step.by && now_ms < rest.until_ms);
            need(!taken && !rests)?;
            self.rests.remove(&name);
        }
        self.agents.get_mut(&step.agent)?.handle = name;
        Some(())
    }

    /// What concerns nothing but one agent.
    #[expect(clippy::too_many_lines, reason = "an arm for each move")]
    fn about_one(&mut self, step: &Step, now_ms: u64) -> Option<End> {
        let (shop, reporter) = (self.shop, self.reporter);
        let agent = self.agents.get_mut(&step.agent)?;
        if matches!(step.what, Move::Recoverers(_) | Move::Propose | Move::Approve { .. } | Move::Veto | Move::Execute)
        {
            agent.settle(now_ms);
        }
        let (by, other) = (step.by, step.other);
        let (some, one, none) = (step.deposit >= 1, step.deposit == 1, step.deposit == 0);
        let owner = agent.owner == by;
        let guards = if owner { one } else { none && agent.guardians.contains(&by) };
        let speaks = agent.armed && agent.account == Some(by);
        let operates = agent.armed && agent.operators.contains(&by);
        let attests = if owner { one } else { none && (speaks || operates) };
        match step.what {
            Move::SetCard { stale } => {
                need(if owner { some } else { operates } && !stale)?;
                agent.revision += 1;
                if !owner {
                    agent.confirmed.insert(by);
                }
            }
            Move::Offer => {
                need(owner && some && other != by)?;
                agent.offer = Some((other, now_ms + agent.wait_ms(now_ms)));
            }
            Move::Cancel => {
                need(owner && one)?;
                agent.offer = None;
            }
            Move::Accept { stale } => {
                let (to, from_ms) = agent.offer?;
                need(some && to == by && from_ms <= now_ms && now_ms < from_ms + 30 * DAY_MS && !stale)?;
                agent.hand_over(by, false, false);
            }
            Move::Transferable(open) => {
                need(owner && some)?;
                agent.transferable = open;
            }
            Move::NftTransfer | Move::NftCall { .. } => {
                let to = if step.what == Move::NftTransfer { other } else { shop };
                need(owner && one && to != by && agent.transferable && agent.wait_ms(now_ms) == 0)?;
                agent.hand_over(to, false, true);
                if step.what == (Move::NftCall { kept: false }) {
                    agent.hand_over(by, false, true);
                }
            }
            Move::SetOperator => {
                need(owner && some)?;
                agent.name(other, |agent| _ = agent.operators.insert(other));
            }
            Move::RemoveOperator => {
                need(owner && some && agent.operators.remove(&other))?;
                agent.forget_roles();
            }
            Move::SetGuardian => {
                need(owner && some)?;
                agent.name(other, |agent| _ = agent.guardians.insert(other));
            }
            Move::RemoveGuardian => {
                need(owner && some && agent.guardians.remove(&other))?;
                agent.forget_roles();
            }
            Move::AgentAccount => {
                need(owner && some)?;
                agent.name(other, |agent| agent.account = Some(other));
            }
            Move::AcceptRole => {
                need(none && agent.has_role(by))?;
                agent.confirmed.insert(by);
            }
            Move::Renounce => {
                need(none && agent.has_role(by))?;
                agent.operators.remove(&by);
                agent.guardians.remove(&by);
                agent.account = agent.account.filter(|account| *account != by);
                agent.forget_roles();
            }
            Move::Pause(for_ms) => {
                need(guards)?;
                let length_ms = for_ms.unwrap_or(u64::MAX);
                need(if owner { length_ms > 0 } else { (1..=7 * DAY_MS).contains(&length_ms) })?;
                let until_ms = now_ms.saturating_add(length_ms);
                if owner || until_ms > agent.paused_until_ms {
                    agent.paused_until_ms = until_ms;
                }
                if agent.has_role(by) {
                    agent.confirmed.insert(by);
                }
            }
            Move::Unpause => {
                need(owner && some && agent.paused_until_ms > 0)?;
                agent.paused_until_ms = 0;
            }
            Move::RevokeAll => {
                need(guards)?;
                if agent.has_role(by) {
                    agent.confirmed.insert(by);
                }
                agent.revoke();
            }
            Move::Rearm => {
                need(owner && one)?;
                agent.revoke();
                agent.armed = true;
            }
            Move::SetPayout => {
                need(owner && some)?;
                if other == by {
                    (agent.payout, agent.payout_offer) = (by, None);
                } else {
                    agent.payout_offer = Some(other);
                }
            }
            Move::AcceptPayout { stale } => {
                need(one && agent.payout_offer == Some(by) && !stale)?;
                (agent.payout, agent.payout_offer) = (by, None);
            }
            Move::Heartbeat => {
                need(none && speaks)?;
                agent.confirmed.insert(by);
            }
            Move::Recoverers(count) => {
                need(owner && some)?;
                agent.offer = None;
                let people: Vec<Person> = (0..).filter(|person| *person != by).take(count).collect();
                let (threshold, delay_ms) = if count == 0 { (0, 0) } else { (1.max(count - 1), HOUR_MS) };
                let group = Group { people, threshold, delay_ms };
                if agent.wait_ms(now_ms) == 0 {
                    agent.recoverers = Some(group);
                    agent.proposals.clear();
                } else {
                    agent.next = Some((group, now_ms + agent.wait_ms(now_ms)));
                }
            }
            Move::Propose => {
                need(some && agent.recoverer(by) && other != agent.owner)?;
                let (new_owner, approvals) = (other, BTreeSet::new());
                agent.proposals.insert(by, Proposal { new_owner, approvals, ready_ms: None });
                agent.approve(by, by, now_ms)?;
            }
            Move::Approve { stale } => {
                need(one && agent.recoverer(by) && !stale)?;
                agent.approve(other, by, now_ms)?;
            }
            Move::Withdraw => need(none && agent.proposals.remove(&by).is_some())?,
            Move::Veto => {
                need(owner && one && agent.recoverers.is_some())?;
                agent.proposals.clear();
            }
            Move::Execute => {
                let proposal = agent.proposals.get(&other)?.clone();
                need(some && proposal.ready_ms? <= now_ms && proposal.new_owner != agent.owner)?;
                agent.proposals.clear();
                // Nobody whom the old owner named to come.
                agent.next = None;
                agent.hand_over(proposal.new_owner, true, false);
            }
            Move::Measure => {
                need(owner && some && agent.policy != Some(true))?;
                (agent.policy, agent.cleared) = (Some(false), false);
            }
            Move::ClearPolicy => {
                need(owner && some && agent.policy.is_some())?;
                // What was revoked stays revoked.
                agent.policy = agent.policy.filter(|revoked| *revoked);
                agent.cleared = agent.policy.is_some();
                agent.nonce_until_ms = None;
            }
            Move::RevokeMeasurement => {
                need(guards && agent.policy.is_some())?;
                agent.policy = Some(true);
            }
            Move::RevokeAttestation => {
                need(guards && agent.policy.is_some() && agent.nonce_until_ms.is_some())?;
                agent.nonce_until_ms = None;
            }
            Move::Begin => {
                need(attests && agent.policy.is_some())?;
                if agent.nonce_until_ms.is_none_or(|until_ms| until_ms <= now_ms) {
                    agent.nonce_until_ms = Some(now_ms + 10 * MINUTE_MS);
                }
            }
            Move::Submit => {
                need(attests && agent.armed && agent.policy.is_some())?;
                need(agent.nonce_until_ms? > now_ms)?;
                agent.nonce_until_ms = None;
                return Some(End::Judged);
            }
            Move::Report(of) => {
                need(some && by == reporter)?;
                agent.report(of, other, !one)?;
            }
            Move::Register
            | Move::RegisterTwo
            | Move::PanicAll
            | Move::ReleaseHandle(_)
            | Move::Handle(_)
            | Move::Retire
            | Move::Wait(_) => return None,
        }
        Some(End::Done)
    }
}
