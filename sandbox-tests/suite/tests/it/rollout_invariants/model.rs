//! How releases reach agents, in the words of the README: written apart from the contract, and from what it is made of.

use std::collections::{BTreeMap, BTreeSet};

use charter_client::sha256;

pub const HOUR_MS: u64 = 3_600_000;
/// The last stage takes the line's timelock.
pub const TIMELOCK_MS: u64 = HOUR_MS;
const SILENCE_MS: u64 = 14 * 24 * HOUR_MS;
/// Owners, each with one agent but the first, who has several.
pub const OWNERS: usize = 22;
pub const AGENTS: usize = 25;

pub fn owner_of(agent: usize) -> usize {
    if agent < OWNERS { agent } else { 0 }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    Nothing,
    /// How far: 1 for patches, 2 for minor, 3 for all versions.
    UpTo {
        part: usize,
        soak_ms: u64,
        anything: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Agent {
    pub follow: Follow,
    pub pin: Option<usize>,
    pub accepted: Option<u8>,
    pub running: usize,
    pub before: usize,
    /// Proposals that were made before it came.
    pub came: usize,
}

#[derive(Clone, Debug)]
pub struct Release {
    pub version: [u64; 3],
    pub asks: u8,
    pub published_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Done,
    Running,
    Held,
    Back,
}

#[derive(Clone, Debug)]
pub struct Way {
    pub release: usize,
    pub previous: usize,
    pub proposal: usize,
    pub state: State,
    pub whole: bool,
    pub since_ms: u64,
    pub seed: [u8; 32],
    pub owners: usize,
    pub way_back: bool,
    /// Of each owner that spoke: whether it is well.
    pub well: BTreeMap<usize, bool>,
    /// Who spoke in this stage.
    pub spoke: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub struct Model {
    /// Release 1 is the first.
    pub releases: Vec<Release>,
    pub head: usize,
    pub seq: u64,
    pub proposals: usize,
    pub agents: Vec<Option<Agent>>,
    /// What the registry calls them.
    pub ids: Vec<u64>,
    pub way: Way,
}

impl Way {
    fn failed(&self) -> usize {
        self.well.values().filter(|well| !**well).count()
    }

    fn is_bad(&self) -> bool {
        self.failed() * 5 > self.well.len()
    }

    fn words_needed(&self) -> usize {
        if self.owners >= 20 { 3 } else { 1 }
    }

    fn ends_ms(&self) -> u64 {
        self.since_ms + if self.whole { TIMELOCK_MS } else { 24 * HOUR_MS }
    }
}

impl Model {
    pub fn owners(&self) -> usize {
        let enrolled = self.agents.iter().enumerate().filter(|(_, agent)| agent.is_some());
        enrolled.map(|(place, _)| owner_of(place)).collect::<BTreeSet<_>>().len()
    }

    pub fn release(&self, id: usize) -> Option<&Release> {
        self.releases.get(id.checked_sub(1)?)
    }

    fn in_first_half(&self, place: usize) -> bool {
        let mut text = self.way.seed.to_vec();
        text.extend(self.ids[place].to_le_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&sha256(&text)[..8]);
        u64::from_le_bytes(first) % 10_000 < 5_000
    }

    fn was_there(&self, agent: &Agent) -> bool {
        agent.came < self.way.proposal
    }

    pub fn reaches(&self, place: usize) -> bool {
        let agent = self.agents[place].as_ref();
        match self.way.state {
            State::Done => true,
            State::Back => false,
            State::Running | State::Held => {
                self.way.whole || agent.is_some_and(|agent| self.was_there(agent)) && self.in_first_half(place)
            }
        }
    }

    fn may(&self, agent: &Agent, to: usize, now_ms: u64) -> bool {
        let Follow::UpTo { part, soak_ms, anything } = agent.follow else { return false };
        let Some(next) = self.release(to) else { return false };
        let first_other = |running: &Release| running.version.iter().zip(&next.version).position(|(a, b)| a != b);
        // The first number that differs: 0 is the largest part.
        let differs = self.release(agent.running).map_or(1, |running| 3 - first_other(running).unwrap_or(2));
        (anything || agent.accepted == Some(next.asks)) && differs <= part && next.published_ms + soak_ms <= now_ms
    }

    /// What an agent is told to run; 0 is nothing.
    pub fn told(&self, place: usize, now_ms: u64) -> usize {
        let Some(agent) = &self.agents[place] else { return 0 };
        if let Some(pin) = agent.pin {
            return pin;
        }
        let taken_back = self.way.state == State::Back;
        let turn = taken_back || self.reaches(place);
        let next = if turn { self.head } else { self.way.previous };
        let goes_back = if taken_back {
            agent.running == self.way.release || agent.before == next && next < agent.running
        } else {
            !turn && agent.before == next && next < agent.running
        };
        if next == 0 || next == agent.running || goes_back || self.may(agent, next, now_ms) {
            return next;
        }
        let before = self.way.previous;
        let gave_up = self.way.way_back && before < agent.running && agent.running < next;
        let goes = gave_up && agent.before == before || self.may(agent, before, now_ms);
        let behind = before != 0 && before < next && (gave_up || agent.running < before);
        if behind && goes { before } else { agent.running }
    }

    fn runs(&mut self, place: usize, release: usize) {
        if let Some(agent) = self.agents[place].as_mut().filter(|agent| agent.running != release) {
            (agent.before, agent.running) = (agent.running, release);
        }
    }

    /// A release that was proposed when there were so many owners. `seed` is what was drawn for it, if it was.
    pub fn publish(&mut self, release: Release, owners: usize, reversible: bool, seed: [u8; 32]) {
        let was = self.way.clone();
        let on_its_way = matches!(was.state, State::Running | State::Held);
        let all_have = on_its_way && was.whole && !was.is_bad();
        let stuck = on_its_way && !all_have && !was.way_back;
        let previous = if on_its_way && !all_have { was.previous } else { self.head };
        let now_ms = release.published_ms;
        self.releases.push(release);
        self.head = self.releases.len();
        self.seq += 1;
        self.way = Way {
            release: self.head,
            previous,
            proposal: self.proposals,
            state: if owners == 0 && self.owners() == 0 { State::Done } else { State::Running },
            whole: owners < 20 || stuck && was.whole,
            since_ms: now_ms,
            seed: if stuck { was.seed } else { seed },
            owners,
            way_back: reversible && previous != 0 && !stuck,
            well: BTreeMap::new(),
            spoke: BTreeSet::new(),
        };
    }

    /// Whether the word is heard.
    pub fn report(&mut self, place: usize, release: usize, well: bool, now_ms: u64) -> bool {
        let Some(agent) = self.agents[place].clone() else { return false };
        if release == 0 || self.told(place, now_ms) != release {
            return false;
        }
        let asked = self.way.state == State::Running && self.way.release == release;
        if asked && self.was_there(&agent) && self.reaches(place) {
            let owner = owner_of(place);
            *self.way.well.entry(owner).or_insert(true) &= well;
            self.way.spoke.insert(owner);
        }
        self.runs(place, release);
        true
    }

    /// Whether there is a step.
    pub fn advance(&mut self, now_ms: u64) -> bool {
        let (needed, ends_ms) = (self.way.words_needed(), self.way.ends_ms());
        let over = now_ms >= ends_ms;
        if self.way.state != State::Running {
            return false;
        }
        let given_up = now_ms > ends_ms + SILENCE_MS;
        if self.way.is_bad() && (given_up || self.way.well.len() >= needed && (over || self.way.owners >= 20)) {
            if self.way.way_back {
                (self.way.state, self.head) = (State::Back, self.way.previous);
                self.seq += 1;
            } else {
                self.way.state = State::Held;
            }
            return true;
        }
        if !over {
            return false;
        }
        if self.way.spoke.len() < needed {
            if given_up {
                self.way.state = State::Held;
            }
            return given_up;
        }
        if self.way.whole {
            self.way.state = State::Done;
        } else {
            (self.way.whole, self.way.since_ms) = (true, now_ms);
            self.way.spoke.clear();
        }
        true
    }

    /// Before an owner says something else it has moved to whatever it was told.
    pub fn choose(&mut self, place: usize, now_ms: u64, change: impl FnMut(&mut Agent)) -> bool {
        let told = self.told(place, now_ms);
        if self.agents[place].is_none() {
            return false;
        }
        if told != 0 {
            self.runs(place, told);
        }
        self.agents[place].iter_mut().for_each(change);
        true
    }

    pub fn accept(&mut self, place: usize, release: usize, now_ms: u64) -> bool {
        let Some(asks) = self.release(release).map(|release| release.asks) else { return false };
        let known = self.choose(place, now_ms, |agent| agent.accepted = Some(asks));
        if self.agents[place].as_ref().is_some_and(|agent| agent.follow == Follow::Nothing) {
            self.runs(place, release);
        }
        known
    }

    pub fn enroll(&mut self, place: usize, asks: u8, now_ms: u64) {
        let follow = Follow::UpTo { part: 2, soak_ms: 0, anything: false };
        let came = self.proposals;
        self.agents[place] = Some(Agent { follow, pin: None, accepted: Some(asks), running: 0, before: 0, came });
        let told = self.told(place, now_ms);
        self.agents[place].iter_mut().for_each(|agent| agent.running = told);
    }
}
