//! What must be true of the escrow, by a second reckoning that shares no code with the contract: who may do what, what it
//! moves, and what is left when a transfer does not arrive.

use std::collections::{BTreeMap, BTreeSet};

/// Of the people, by number.
pub type Person = usize;
/// Channels in the order in which they were opened.
pub type Id = usize;

pub const DELAY_MS: u64 = 900_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub payer: Person,
    pub payee: Person,
    pub deposited: u128,
    pub claimed: u128,
    /// Arrived at the payee, and at the payer.
    pub paid: u128,
    pub refunded: u128,
    pub closes_ms: Option<u64>,
    pub closed: bool,
}

impl Channel {
    /// The payee's part that did not arrive yet.
    fn due(&self) -> u128 {
        self.claimed - self.paid
    }
}

#[derive(Clone, Debug)]
pub struct Row {
    pub channel: Id,
    pub amount: u128,
    pub expires_ms: u64,
    /// By the channel's key, over these very bytes.
    pub signed: bool,
}

#[derive(Clone, Debug)]
pub enum Step {
    TopUp(Id),
    Claim {
        rows: Vec<Row>,
        withdraw: bool,
    },
    /// In the order in which the contract looks at them: the first that is wrong says why.
    Withdraw(Vec<Id>),
    Close(Id),
    RequestClose(Id),
    CancelClose(Id),
    FinalizeClose(Id),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Payee,
    Payer,
}

/// Who is sent what, as parts of which channels. One that is gone gets none of it.
struct Transfer {
    to: Person,
    parts: Vec<(Id, Part, u128)>,
}

#[derive(Clone, Default)]
pub struct Model {
    /// Those that are gone are None: their ids never come back.
    pub channels: Vec<Option<Channel>>,
    pub gone: BTreeSet<Person>,
    /// What arrived, by person, since somebody looked.
    pub arrived: BTreeMap<Person, u128>,
    /// What a batch said of its rows: what is claimed now, or a code.
    pub told: Vec<String>,
}

type Judged<T = ()> = Result<T, &'static str>;

const UNKNOWN: &str = "ESCROW_UNKNOWN_CHANNEL";

impl Model {
    pub fn open(&mut self, payer: Person, payee: Person, deposited: u128) {
        let (closes_ms, closed) = (None, false);
        let made = Channel { payer, payee, deposited, claimed: 0, paid: 0, refunded: 0, closes_ms, closed };
        self.channels.push(Some(made));
    }

    fn find(&mut self, id: Id) -> Judged<&mut Channel> {
        self.channels.get_mut(id).and_then(Option::as_mut).ok_or(UNKNOWN)
    }

    /// Everything that one transaction does, one step after the other; what it sends arrives when all steps are done. If one
    /// is refused, none of them happened.
    pub fn play(&mut self, steps: &[(Step, u128)], by: Person, now_ms: u64) -> Judged {
        let mut next = self.clone();
        let mut transfers = Vec::new();
        for (step, deposit) in steps {
            transfers.extend(next.step(step, *deposit, by, now_ms)?);
        }
        for transfer in &transfers {
            next.arrive(transfer);
        }
        // In flight it counted as paid; a channel goes when nothing is owed to either side.
        for channel in &mut next.channels {
            let done = |one: &Channel| one.closed && one.due() == 0 && one.claimed + one.refunded == one.deposited;
            if channel.as_ref().is_some_and(done) {
                *channel = None;
            }
        }
        *self = next;
        Ok(())
    }

    fn arrive(&mut self, Transfer { to, parts }: &Transfer) {
        let sum: u128 = parts.iter().map(|part| part.2).sum();
        if !self.gone.contains(to) {
            *self.arrived.entry(*to).or_default() += sum;
            return;
        }
        for (id, part, amount) in parts {
            let channel = self.channels[*id].as_mut().expect("it was there when the transfer was sent");
            let sent = if *part == Part::Payee { &mut channel.paid } else { &mut channel.refunded };
            *sent -= amount;
        }
    }

    fn step(&mut self, step: &Step, deposit: u128, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let payers = matches!(step, Step::RequestClose(_) | Step::CancelClose(_));
        match (payers, step, deposit) {
            (_, Step::TopUp(_), _) | (true, _, 1) | (false, _, 0) => {}
            (true, ..) => return Err("CHARTER_ONE_YOCTO"),
            (false, ..) => return Err("CHARTER_NO_DEPOSIT"),
        }
        match step {
            Step::TopUp(id) => self.top_up(*id, deposit, by).map(|()| Vec::new()),
            Step::Claim { rows, withdraw } => Ok(self.claim_all(rows, *withdraw, by, now_ms)),
            Step::Withdraw(ids) => self.withdraw(ids, by),
            Step::Close(id) => {
                if self.find(*id)?.payee != by {
                    return Err("ESCROW_NOT_PAYEE");
                }
                Ok(self.close(*id))
            }
            Step::RequestClose(id) => {
                let channel = self.payers(*id, by)?;
                if channel.closed {
                    return Err(UNKNOWN);
                }
                if channel.closes_ms.is_some() {
                    return Err("ESCROW_CLOSING");
                }
                channel.closes_ms = Some(now_ms + DELAY_MS);
                Ok(Vec::new())
            }
            Step::CancelClose(id) => {
                let channel = self.payers(*id, by)?;
                if channel.closed {
                    return Err(UNKNOWN);
                }
                channel.closes_ms.take().ok_or("ESCROW_NOT_CLOSING")?;
                Ok(Vec::new())
            }
            Step::FinalizeClose(id) => {
                let channel = self.find(*id)?;
                if !channel.closed && now_ms < channel.closes_ms.ok_or("ESCROW_NOT_CLOSING")? {
                    return Err("ESCROW_TOO_EARLY");
                }
                Ok(self.close(*id))
            }
        }
    }

    fn payers(&mut self, id: Id, by: Person) -> Judged<&mut Channel> {
        let channel = self.find(id)?;
        if channel.payer == by { Ok(channel) } else { Err("ESCROW_NOT_PAYER") }
    }

    fn top_up(&mut self, id: Id, amount: u128, by: Person) -> Judged {
        let channel = self.payers(id, by)?;
        if channel.closed {
            return Err(UNKNOWN);
        }
        if amount < 1_000 {
            return Err("ESCROW_DEPOSIT_TOO_SMALL");
        }
        if channel.closes_ms.is_some() {
            return Err("ESCROW_CLOSING");
        }
        channel.deposited += amount;
        Ok(())
    }

    fn claim_all(&mut self, rows: &[Row], withdraw: bool, by: Person, now_ms: u64) -> Vec<Transfer> {
        self.told = rows
            .iter()
            .map(|row| match self.claim(row, now_ms) {
                Ok(claimed) => claimed.to_string(),
                Err(code) => code.to_owned(),
            })
            .collect();
        let named: BTreeSet<Id> = rows.iter().map(|row| row.channel).collect();
        let mut parts = Vec::new();
        for id in named.into_iter().filter(|_| withdraw) {
            let Some(channel) = self.channels.get_mut(id).and_then(Option::as_mut) else { continue };
            if channel.payee == by && !channel.closed && channel.due() > 0 {
                parts.push((id, Part::Payee, channel.due()));
                channel.paid = channel.claimed;
            }
        }
        vec![Transfer { to: by, parts }]
    }

    fn claim(&mut self, row: &Row, now_ms: u64) -> Judged<u128> {
        let channel = self.find(row.channel)?;
        if channel.closed {
            return Err(UNKNOWN);
        }
        if row.expires_ms != 0 && now_ms > row.expires_ms {
            return Err("ESCROW_EXPIRED");
        }
        if row.amount > channel.deposited {
            return Err("ESCROW_OVER_DEPOSIT");
        }
        if row.amount <= channel.claimed {
            return Err("ESCROW_NOT_HIGHER");
        }
        if !row.signed {
            return Err("ESCROW_BAD_SIGNATURE");
        }
        channel.claimed = row.amount;
        Ok(row.amount)
    }

    fn withdraw(&mut self, ids: &[Id], by: Person) -> Judged<Vec<Transfer>> {
        let (mut parts, mut known) = (Vec::new(), 0);
        for id in ids {
            // What is gone was paid when it went.
            let Ok(channel) = self.find(*id) else { continue };
            known += 1;
            if channel.payee != by {
                return Err("ESCROW_NOT_PAYEE");
            }
            if channel.due() > 0 {
                parts.push((*id, Part::Payee, channel.due()));
                channel.paid = channel.claimed;
            }
        }
        if known == 0 {
            return Err("ESCROW_UNKNOWN_CHANNEL");
        }
        if parts.is_empty() { Err("ESCROW_NOTHING_DUE") } else { Ok(vec![Transfer { to: by, parts }]) }
    }

    /// Both parts, each by a transfer of its own.
    fn close(&mut self, id: Id) -> Vec<Transfer> {
        let channel = self.channels[id].as_mut().expect("it was found");
        channel.closed = true;
        let rest = channel.deposited - channel.claimed - channel.refunded;
        let sent = [(channel.payee, Part::Payee, channel.due()), (channel.payer, Part::Payer, rest)];
        channel.paid = channel.claimed;
        channel.refunded += rest;
        sent.map(|(to, part, amount)| Transfer { to, parts: vec![(id, part, amount)] }).into()
    }

    pub fn held(&self) -> u128 {
        self.channels.iter().flatten().map(|one| one.deposited - one.paid - one.refunded).sum()
    }
}
