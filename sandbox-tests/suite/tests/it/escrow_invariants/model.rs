//! What must be true of the escrow, by a second reckoning that shares no code with the contract and was written from its
//! README: who may do what, what it moves, and what is left when a transfer does not arrive. It is naive on purpose: what
//! is due is worked out anew from what was claimed and sent, and all that a transaction sends arrives or not when all of
//! its steps are done.

mod channels;
mod edges;
mod purses;
mod roots;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

pub use channels::{Channel, Row, Terms};
pub use edges::{Edge, Late, NewEdge, Request, State, WINDOW_MS};
pub use purses::{Caps, Drawn, Goal, Purse};
pub use roots::{Reserve, Root};
pub use steps::{Act, Step, Target};

/// Of the people, by number.
pub type Person = usize;
/// Channels, or edges, in the order in which they were opened.
pub type Id = usize;
pub type Asset = usize;

pub const ANN: Person = 0;
pub const BEN: Person = 1;
/// The account of the agent, which ann or ben owns.
pub const BOT: Person = 4;
pub const PEOPLE: usize = 5;
/// A name that nobody has: NEAR that is sent there comes back.
pub const NOBODY: Person = PEOPLE;

pub const NEAR: Asset = 0;
pub const TOKEN: Asset = 1;
pub const ASSETS: usize = 2;

pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
pub const DAY_MS: u64 = 24 * HOUR_MS;
pub const DELAY_MS: u64 = 15 * MINUTE_MS;
/// How long a share's account may be gone, and a root be the last.
pub const LONG_MS: u64 = 90 * DAY_MS;
pub const BPS: u128 = 10_000;
/// What a channel, purse, reserve or edge in a token takes for the single yoctos that go with its transfers.
pub const TRANSFERS_FEE: u128 = 1_000_000_000;

/// Why something is refused: all that is wrong with it. Which of these is told first is the contract's business, except
/// for rows of a batch, where the README has an order.
pub type Faults = Vec<&'static str>;
pub type Judged<T = ()> = Result<T, Faults>;

/// Refused with the codes of all that holds.
fn refuse_if(faults: &[(bool, &'static str)]) -> Judged {
    let codes: Faults = faults.iter().filter(|fault| fault.0).map(|fault| fault.1).collect();
    if codes.is_empty() { Ok(()) } else { Err(codes) }
}

/// Whose part of a transfer it is, and so where it goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Payee(Id),
    Payer(Id),
    Share(Id, usize),
    Purse(Person, Asset),
    Creator(Person, Asset, Person),
    /// What is left of a reserve.
    Rest(Person, Asset),
    /// Late pay.
    Late(Id),
    Cut(Id),
    /// What an edge's asker (0) or acker (1) gets back.
    Side(Id, usize),
}

/// Who is sent what of one asset, as parts of what.
struct Transfer {
    to: Person,
    asset: Asset,
    parts: Vec<(Part, u128)>,
}

/// Of one asset: all that ever came, and all that arrived at somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub deposited: u128,
    pub arrived: u128,
}

/// What arrived at an account from channels that name the agent, since somebody opened the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earnings {
    pub earned: u128,
    pub payments: u64,
}

/// What is found; else it is refused, with that and all else that is wrong.
fn known<T>(found: Option<T>, code: &'static str, faults: &[(bool, &'static str)]) -> Judged<T> {
    found.ok_or_else(|| [vec![code], refuse_if(faults).err().unwrap_or_default()].concat())
}

#[derive(Clone, Default)]
pub struct Model {
    /// Those that are gone are None: their ids never come back.
    pub channels: Vec<Option<Channel>>,
    pub purses: BTreeMap<(Person, Asset), Purse>,
    /// On an owner's purse for a payee, on the last day.
    pub draws: BTreeMap<(Person, Asset, Person), Drawn>,
    pub reserves: BTreeMap<(Person, Asset), Reserve>,
    pub reserve_counter: u64,
    /// What the reserve of this number sent a creator.
    pub creators: BTreeMap<(u64, Person), u128>,
    pub edges: Vec<Option<Edge>>,
    pub requests: BTreeMap<(Id, u64), Request>,
    pub earnings: BTreeMap<(Person, Asset), Earnings>,
    pub sums: [Sums; ASSETS],
    /// Tokens of the people and, last, of nobody.
    pub tokens: Vec<u128>,
    /// Who owns the agent.
    pub owner: Person,
    pub gone: BTreeSet<Person>,
    /// The token is switched off, or sends nothing to these.
    pub fails: bool,
    pub refused: BTreeSet<Person>,
    /// NEAR that arrived, by person, and what was taken for transfers of tokens, since somebody looked.
    pub arrived: BTreeMap<Person, u128>,
    pub fees: u128,
    /// What the last transaction sent of each asset, whether it arrived or not.
    pub sent: [u128; ASSETS],
    /// What a batch said of its rows: what is claimed now, or a code.
    pub told: Vec<String>,
}

impl Model {
    /// Everything that one transaction does, one step after the other; what it sends arrives, at `end_ms`, when all steps
    /// are done. If one is refused, none of them happened. Answers the code of a transfer that did not arrive, where the
    /// call waits for it.
    pub fn play(&mut self, acts: &[Act], by: Person, (now_ms, end_ms): (u64, u64)) -> Judged<Option<&'static str>> {
        let mut next = self.clone();
        let mut transfers = Vec::new();
        for act in acts {
            let deposit = act.deposit_fault();
            match next.step(act, by, now_ms) {
                Ok(sent) => transfers.extend(sent),
                Err(faults) => return Err([deposit.into_iter().collect(), faults].concat()),
            }
            if let Some(code) = deposit {
                return Err(vec![code]);
            }
        }
        let mut came_back = false;
        next.sent = [0; ASSETS];
        for transfer in transfers.iter().filter(|transfer| transfer.parts.iter().any(|part| part.1 > 0)) {
            next.sent[transfer.asset] += transfer.parts.iter().map(|part| part.1).sum::<u128>();
            came_back = !next.arrive(transfer, end_ms);
        }
        next.sweep();
        *self = next;
        let last = acts.last().map(|act| &act.step);
        let waits = matches!(last, Some(Step::Pull { .. } | Step::EmptyPurse(_) | Step::EndRoot(_)));
        Ok((came_back && waits).then_some("ESCROW_TRANSFER_FAILED"))
    }

    fn reaches(&self, to: Person, asset: Asset) -> bool {
        if asset == NEAR {
            to != NOBODY && !self.gone.contains(&to)
        } else {
            !self.fails && !self.refused.contains(&to)
        }
    }

    fn arrive(&mut self, Transfer { to, asset, parts }: &Transfer, end_ms: u64) -> bool {
        let reaches = self.reaches(*to, *asset);
        let sum: u128 = parts.iter().map(|part| part.1).sum();
        if reaches {
            self.sums[*asset].arrived += sum;
            if *asset == NEAR {
                *self.arrived.entry(*to).or_default() += sum;
            } else {
                self.tokens[*to] += sum;
            }
            self.earn(*to, *asset, parts);
        }
        for (part, amount) in parts.iter().filter(|part| part.1 > 0) {
            self.settle(*part, *to, *amount, reaches, end_ms);
        }
        reaches
    }

    /// What channels that name the agent pay at an account that has a row for it: one payment for each channel.
    fn earn(&mut self, account: Person, asset: Asset, parts: &[(Part, u128)]) {
        let mut by_channel: BTreeMap<Id, u128> = BTreeMap::new();
        for (part, amount) in parts.iter().filter(|part| part.1 > 0) {
            if let Part::Payee(id) | Part::Share(id, _) = part
                && self.channel(*id).of_agent
            {
                *by_channel.entry(*id).or_default() += amount;
            }
        }
        if let Some(row) = self.earnings.get_mut(&(account, asset)) {
            row.earned += by_channel.values().sum::<u128>();
            row.payments += u64::try_from(by_channel.len()).unwrap();
        }
    }

    /// In flight it counted as sent; what comes back is due as before.
    fn settle(&mut self, part: Part, to: Person, amount: u128, arrived: bool, end_ms: u64) {
        match part {
            Part::Payee(id) | Part::Payer(id) | Part::Share(id, _) => {
                self.channel(id).settle(part, to, amount, arrived, end_ms);
            }
            _ if arrived => {}
            Part::Purse(owner, asset) => self.put_purse_back((owner, asset), amount),
            Part::Creator(payee, asset, creator) => self.unpull((payee, asset), creator, amount),
            Part::Rest(payee, asset) => self.put_rest_back((payee, asset), amount),
            Part::Late(id) => self.edge(id).asker_due += amount,
            Part::Cut(id) => self.edge(id).cut_failed(amount, end_ms),
            Part::Side(id, side) => self.edge(id).has[side] += amount,
        }
    }

    /// What nothing is owed on goes.
    fn sweep(&mut self) {
        for channel in &mut self.channels {
            if channel.as_ref().is_some_and(Channel::is_done) {
                *channel = None;
            }
        }
        for edge in &mut self.edges {
            if edge.as_ref().is_some_and(Edge::is_done) {
                *edge = None;
            }
        }
        self.purses.retain(|_, purse| !purse.ending);
        self.reserves.retain(|_, reserve| !reserve.ending);
        if self.uses(TOKEN) == 0 {
            // A token's sums start anew when nothing is in it any more.
            self.sums[TOKEN] = Sums::default();
        }
    }

    /// Channels, purses, reserves and edges in an asset.
    fn uses(&self, asset: Asset) -> usize {
        let channels = self.channels.iter().flatten().filter(|one| one.asset == asset).count();
        let edges = self.edges.iter().flatten().filter(|one| one.asset() == asset).count();
        let purses = self.purses.keys().filter(|key| key.1 == asset).count();
        channels + edges + purses + self.reserves.keys().filter(|key| key.1 == asset).count()
    }

    /// Of a row that a transfer is about.
    fn channel(&mut self, id: Id) -> &mut Channel {
        self.channels[id].as_mut().expect("it was there when the transfer was sent")
    }

    fn edge(&mut self, id: Id) -> &mut Edge {
        self.edges[id].as_mut().expect("it was there when the transfer was sent")
    }

    /// What comes into the books.
    fn deposit(&mut self, asset: Asset, amount: u128) {
        self.sums[asset].deposited += amount;
    }

    fn take_fee(&mut self, asset: Asset) {
        self.fees += if asset == TOKEN { TRANSFERS_FEE } else { 0 };
    }

    fn step(&mut self, Act { step, attached, rest }: &Act, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let none = |()| Vec::new();
        match step {
            Step::Open { payee, asset, terms } => self.open(by, (*payee, *asset), terms, (*rest, now_ms)).map(none),
            Step::TopUp(id) => self.top_up(*id, NEAR, *attached, by).map(none),
            Step::ExtendLock { id, until_ms } => self.extend_lock(*id, *until_ms, by, now_ms).map(none),
            Step::Claim { rows, withdraw } => Ok(self.claim_all(rows, *withdraw, by, now_ms)),
            Step::Withdraw(ids) => self.withdraw(ids, by),
            Step::Distribute { id, own_terms, shares } => self.distribute(*id, *own_terms, shares),
            Step::Close(id) => self.close(*id, by),
            Step::RequestClose(id) => self.request_close(*id, by, now_ms).map(none),
            Step::CancelClose(id) => self.cancel_close(*id, by).map(none),
            Step::FinalizeClose(id) => self.finalize_close(*id, now_ms),
            Step::Send { to, amount } => self.send(*to, *amount, by, now_ms).map(none),
            Step::Lie { to, sender, amount } => self.lie(*to, *amount, *sender, now_ms).map(none),
            Step::FillPurse(asset) => self.fill_purse(*asset, *rest, by).map(none),
            Step::SetCaps { asset, caps } => {
                self.set_caps(*asset, *caps, by);
                Ok(Vec::new())
            }
            Step::EmptyPurse(asset) => self.empty_purse(*asset, by),
            Step::Draw { asset, amount, to } => self.draw((*asset, *amount), to, by, now_ms).map(none),
            Step::ForgetDraws { owner, asset, payees } => {
                self.forget_draws((*owner, *asset), payees, now_ms);
                Ok(Vec::new())
            }
            Step::Reserve(ids) => self.reserve(ids, by).map(none),
            Step::PostRoot { asset, root } => self.post_root(*asset, root, by, now_ms).map(none),
            Step::Pull { payee, asset, to, amount, bent } => self.pull((*payee, *asset), *to, *amount, *bent),
            Step::EndRoot(asset) => self.end_root(*asset, by, now_ms),
            Step::ForgetCreators { number, creators } => self.forget_creators(*number, creators).map(none),
            _ => self.step_of_edge(step, *attached, by, now_ms),
        }
    }

    fn step_of_edge(&mut self, step: &Step, attached: u128, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let none = |()| Vec::new();
        match step {
            Step::OpenEdge(new) => self.open_edge(new, attached, by, now_ms).map(none),
            Step::JoinEdge(id) => self.join_edge(*id, attached, by, now_ms).map(none),
            Step::EndEdge(id) => self.end_edge(*id, by, now_ms),
            Step::CutEdge(id) => self.cut_edge(*id, by, now_ms),
            Step::Escalate { id, late } => self.escalate(*id, late, by, now_ms).map(none),
            Step::Deliver { id, counter, signed } => self.deliver(*id, *counter, *signed, now_ms).map(none),
            Step::ClaimLate { id, counter } => self.claim_late(*id, *counter, now_ms),
            Step::ForgetRequest { id, counter } => self.forget_request(*id, *counter, now_ms).map(none),
            Step::OpenEarnings { asset } => {
                let is_known = self.earnings.contains_key(&(by, *asset));
                refuse_if(&[(is_known, "ESCROW_EARNINGS_OPEN")])?;
                self.earnings.insert((by, *asset), Earnings::default());
                Ok(Vec::new())
            }
            Step::EndEarnings { asset } => {
                let ended = self.earnings.remove(&(by, *asset));
                refuse_if(&[(ended.is_none(), "ESCROW_NO_EARNINGS")])?;
                Ok(Vec::new())
            }
            _ => unreachable!("{step:?} is about no edge"),
        }
    }

    /// Tokens that somebody sends here. Of transfers that the token itself refuses it tells nobody.
    fn send(&mut self, to: Target, amount: u128, by: Person, now_ms: u64) -> Judged {
        refuse_if(&[(self.fails || amount == 0 || self.tokens[by] < amount, "TOKEN")])?;
        self.receive(to, (TOKEN, amount), by, now_ms)?;
        self.tokens[by] -= amount;
        Ok(())
    }

    /// Nothing here is in that token: whatever it says is refused.
    fn lie(&mut self, to: Target, amount: u128, sender: Person, now_ms: u64) -> Judged {
        self.receive(to, (ASSETS, amount), sender, now_ms)
    }

    fn receive(&mut self, to: Target, (asset, amount): (Asset, u128), sender: Person, now_ms: u64) -> Judged {
        match to {
            Target::Channel(id) => self.top_up(id, asset, amount, sender),
            Target::Purse => self.add_to_purse(asset, amount, sender),
            Target::Edge(id) => self.add_to_edge(id, (asset, amount), sender, now_ms),
            Target::Nothing => Err(vec!["ESCROW_BAD_MESSAGE"]),
        }
    }

    /// What the contract holds of an asset, by what it is held for.
    pub fn held(&self, asset: Asset) -> u128 {
        let channels = self.channels.iter().flatten().filter(|one| one.asset == asset).map(Channel::held);
        let purses = self.purses.iter().filter(|purse| purse.0.1 == asset).map(|purse| purse.1.left);
        let reserves = self.reserves.iter().filter(|reserve| reserve.0.1 == asset).map(|reserve| reserve.1.held());
        let edges = self.edges.iter().flatten().filter(|edge| edge.asset() == asset).map(Edge::held);
        channels.chain(purses).chain(reserves).chain(edges).sum()
    }
}
