//! Purses: what an agent may open channels from, and how much of it.

use super::channels::{CLOSING, DEPOSIT_MIN, TOO_SMALL, UNKNOWN};
use super::{Asset, BOT, DAY_MS, Id, Judged, Model, NEAR, NOBODY, Part, Person, Terms, Transfer, known, refuse_if};

const NO_PURSE: &str = "ESCROW_NO_PURSE";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    pub per_day: u128,
    pub per_payee: u128,
    pub until_ms: u64,
}

/// What was drawn on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    pub day: u64,
    pub amount: u128,
}

impl Drawn {
    fn on(&self, day: u64) -> u128 {
        if self.day == day { self.amount } else { 0 }
    }

    fn add(&mut self, day: u64, amount: u128) {
        *self = Self { day, amount: self.on(day) + amount };
    }
}

#[derive(Clone, Debug, Default)]
pub struct Purse {
    pub left: u128,
    pub caps: Option<Caps>,
    /// In all, on the last day on which anything was.
    pub drawn: Drawn,
    /// What was in it is on its way to its owner.
    pub ending: bool,
}

/// What a draw is for.
#[derive(Clone, Debug)]
pub enum Goal {
    Open { payee: Person, terms: Terms },
    TopUp(Id),
}

impl Model {
    fn find_purse(&mut self, owner: Person, asset: Asset) -> Judged<&mut Purse> {
        self.purses.get_mut(&(owner, asset)).ok_or_else(|| vec![NO_PURSE])
    }

    /// There is one from the first call on that says something of it.
    fn open_purse(&mut self, owner: Person, asset: Asset) -> &mut Purse {
        if !self.purses.contains_key(&(owner, asset)) {
            self.take_fee(asset);
        }
        self.purses.entry((owner, asset)).or_default()
    }

    /// NEAR comes with the call, tokens later.
    pub(super) fn fill_purse(&mut self, asset: Asset, amount: u128, by: Person) -> Judged {
        refuse_if(&[(asset == NEAR && amount < DEPOSIT_MIN, TOO_SMALL)])?;
        let filled = if asset == NEAR { amount } else { 0 };
        self.open_purse(by, asset).left += filled;
        self.deposit(asset, filled);
        Ok(())
    }

    /// By a transfer of tokens.
    pub(super) fn add_to_purse(&mut self, asset: Asset, amount: u128, by: Person) -> Judged {
        let small = (amount < DEPOSIT_MIN, TOO_SMALL);
        let purse = known(self.purses.get_mut(&(by, asset)), NO_PURSE, &[small])?;
        refuse_if(&[small])?;
        purse.left += amount;
        self.deposit(asset, amount);
        Ok(())
    }

    pub(super) fn set_caps(&mut self, asset: Asset, caps: Caps, by: Person) {
        self.open_purse(by, asset).caps = Some(caps);
    }

    pub(super) fn empty_purse(&mut self, asset: Asset, by: Person) -> Judged<Vec<Transfer>> {
        let purse = self.find_purse(by, asset)?;
        let left = std::mem::take(&mut purse.left);
        purse.ending = true;
        Ok(vec![Transfer { to: by, asset, parts: vec![(Part::Purse(by, asset), left)] }])
    }

    pub(super) fn put_purse_back(&mut self, key: (Person, Asset), amount: u128) {
        let Some(purse) = self.purses.get_mut(&key) else { unreachable!("what was in it did not arrive") };
        purse.left += amount;
        purse.ending = false;
    }

    /// On the purse of who owns the agent now, whoever that is.
    pub(super) fn draw(&mut self, (asset, amount): (Asset, u128), to: &Goal, by: Person, now_ms: u64) -> Judged {
        // Who is not the agent has prepaid nothing, perhaps.
        refuse_if(&[(by != BOT, "ESCROW_NOT_AGENT"), (by != BOT, "CHARTER_STORAGE_SHORT")])?;
        let (owner, day) = (self.owner, now_ms / DAY_MS);
        let mut faults = vec![(amount < DEPOSIT_MIN, TOO_SMALL)];
        let payee = match to {
            Goal::Open { payee, terms } => {
                faults.extend(self.open_faults(owner, *payee, terms, now_ms));
                let for_itself = *payee == BOT || terms.splits.iter().any(|split| split.0 == BOT);
                faults.push((for_itself, "ESCROW_DRAWN_FOR_AGENT"));
                *payee
            }
            Goal::TopUp(id) => {
                if let Some(channel) = self.channels.get(*id).and_then(Option::as_ref) {
                    let own = channel.drawn && channel.payer == owner && channel.asset == asset;
                    faults.extend([(!own, "ESCROW_NOT_DRAWN"), (channel.closed, UNKNOWN)]);
                    faults.push((channel.closes_ms.is_some(), CLOSING));
                    channel.payee
                } else {
                    faults.push((true, UNKNOWN));
                    NOBODY
                }
            }
        };
        let of_payee = self.draws.get(&(owner, asset, payee)).map_or(0, |drawn| drawn.on(day));
        let purse = known(self.purses.get_mut(&(owner, asset)), NO_PURSE, &faults)?;
        let caps = purse.caps.filter(|caps| now_ms <= caps.until_ms);
        let over = |caps: Caps| purse.drawn.on(day) + amount > caps.per_day || of_payee + amount > caps.per_payee;
        let until_ms = purse.caps.map_or(0, |caps| caps.until_ms);
        let lock_ms = match to {
            Goal::Open { terms, .. } => terms.locked_until_ms,
            Goal::TopUp(id) => {
                self.channels.get(*id).and_then(Option::as_ref).map_or(0, |channel| channel.locked_until_ms)
            }
        };
        faults.extend([
            (lock_ms > until_ms, "ESCROW_BAD_LOCK"),
            (caps.is_none(), "ESCROW_NO_CAPS"),
            (caps.is_some_and(over), "ESCROW_OVER_CAPS"),
            (amount > purse.left, "ESCROW_PURSE_SHORT"),
        ]);
        refuse_if(&faults)?;
        purse.left -= amount;
        purse.drawn.add(day, amount);
        self.draws.entry((owner, asset, payee)).or_default().add(day, amount);
        match to {
            Goal::Open { terms, .. } => self.add_channel(owner, (payee, asset), terms, (amount, true)),
            Goal::TopUp(id) => self.channel(*id).deposited += amount,
        }
        Ok(())
    }

    /// Of payees for whom nothing was drawn today.
    pub(super) fn forget_draws(&mut self, (owner, asset): (Person, Asset), payees: &[Person], now_ms: u64) {
        let today = now_ms / DAY_MS;
        self.draws
            .retain(|key, drawn| (key.0, key.1) != (owner, asset) || !payees.contains(&key.2) || drawn.day == today);
    }
}
