//! Channels: what is claimed, and how it is shared.

use std::collections::BTreeSet;

use super::{ASSETS, Asset, BPS, DELAY_MS, Id, Judged, LONG_MS, Model, NEAR, Part, Person, Transfer, known, refuse_if};

pub const UNKNOWN: &str = "ESCROW_UNKNOWN_CHANNEL";
pub const CLOSING: &str = "ESCROW_CLOSING";
const NOT_PAYER: &str = "ESCROW_NOT_PAYER";
const NOT_PAYEE: &str = "ESCROW_NOT_PAYEE";
const NOTHING_DUE: &str = "ESCROW_NOTHING_DUE";
pub const TOO_SMALL: &str = "ESCROW_DEPOSIT_TOO_SMALL";
pub const DEPOSIT_MIN: u128 = 1_000;
const BAD_SHARES: &str = "ESCROW_BAD_SHARES";
const BAD_LOCK: &str = "ESCROW_BAD_LOCK";
pub const WEAK: &str = "ESCROW_WEAK_KEY";
const LOCK_MS_MAX: u64 = 366 * super::DAY_MS;

/// What a payee offered, and a payer took.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Who gets how many of 10,000 parts.
    pub splits: Vec<(Person, u128)>,
    pub offer: bool,
    pub locked_until_ms: u64,
    pub of_agent: bool,
    /// One of the keys under which anybody can sign.
    pub weak: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub to: Person,
    pub bps: u128,
    pub sent: u128,
    /// When a transfer failed first after the last one that did not, and whether that is too long ago.
    pub failed_ms: Option<u64>,
    pub lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub payer: Person,
    pub payee: Person,
    pub asset: Asset,
    pub of_agent: bool,
    /// Came out of its payer's purse.
    pub drawn: bool,
    pub deposited: u128,
    pub claimed: u128,
    /// Sent to the payee, and back to the payer.
    pub paid: u128,
    pub refunded: u128,
    pub shares: Vec<Share>,
    pub locked_until_ms: u64,
    pub closes_ms: Option<u64>,
    pub closed: bool,
}

impl Channel {
    /// What a share was ever owed: no matter in how many claims.
    fn owed(&self, share: &Share) -> u128 {
        // No amount here is as large as would overflow.
        self.claimed * share.bps / BPS
    }

    fn due_to(&self, share: &Share) -> u128 {
        self.owed(share) - share.sent
    }

    /// The payee's part that was not sent yet. While more can be claimed it is its own part alone, rounded up: what shares
    /// leave falls now and then as more is claimed. The dust comes with the close.
    fn due(&self) -> u128 {
        let shared: u128 = self.shares.iter().map(|share| share.bps).sum();
        let own = (self.claimed * (BPS - shared)).div_ceil(BPS);
        let left = self.claimed - self.shares.iter().map(|share| self.owed(share)).sum::<u128>();
        (if self.closed { left } else { own }) - self.paid
    }

    /// All that payee and shares were sent.
    pub fn sent(&self) -> u128 {
        self.paid + self.shares.iter().map(|share| share.sent).sum::<u128>()
    }

    /// When grace and lock are over: anybody may end the channel from then on.
    fn ends_ms(&self) -> Option<u64> {
        self.closes_ms.map(|closes_ms| closes_ms.max(self.locked_until_ms))
    }

    pub fn held(&self) -> u128 {
        self.deposited - self.sent() - self.refunded
    }

    pub(super) fn is_done(&self) -> bool {
        self.closed && self.sent() == self.claimed && self.claimed + self.refunded == self.deposited
    }

    pub(super) fn settle(&mut self, part: Part, to: Person, amount: u128, arrived: bool, end_ms: u64) {
        match part {
            Part::Payee(_) if !arrived => self.paid -= amount,
            Part::Payer(_) if !arrived => self.refunded -= amount,
            Part::Share(_, place) => {
                let share = &mut self.shares[place];
                if arrived {
                    // What is claimed from now on is tried anew.
                    (share.failed_ms, share.lost) = (None, false);
                    return;
                }
                share.sent -= amount;
                if share.to == to && !share.lost {
                    let first_ms = *share.failed_ms.get_or_insert(end_ms);
                    share.lost = end_ms >= first_ms + LONG_MS;
                }
            }
            _ => {}
        }
    }

    /// What is sent when it is settled up, with the channel as it is then.
    fn settle_up(&mut self, id: Id) -> [Transfer; 2] {
        let (due, rest) = (self.due(), self.deposited - self.claimed - self.refunded);
        self.paid += due;
        self.refunded += rest;
        let sent = [(self.payee, Part::Payee(id), due), (self.payer, Part::Payer(id), rest)];
        sent.map(|(to, part, amount)| Transfer { to, asset: self.asset, parts: vec![(part, amount)] })
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

impl Model {
    pub(super) fn find(&mut self, id: Id) -> Judged<&mut Channel> {
        self.channels.get_mut(id).and_then(Option::as_mut).ok_or_else(|| vec![UNKNOWN])
    }

    pub(super) fn open(
        &mut self,
        payer: Person,
        (payee, asset): (Person, Asset),
        terms: &Terms,
        (amount, now_ms): (u128, u64),
    ) -> Judged {
        let [same, splits, lock, weak] = self.open_faults(payer, payee, terms, now_ms);
        refuse_if(&[same, splits, lock, weak, (asset == NEAR && amount < DEPOSIT_MIN, TOO_SMALL)])?;
        let deposited = if asset == NEAR { amount } else { 0 };
        self.deposit(asset, deposited);
        self.add_channel(payer, (payee, asset), terms, (deposited, false));
        Ok(())
    }

    pub(super) fn open_faults(
        &self,
        payer: Person,
        payee: Person,
        terms: &Terms,
        now_ms: u64,
    ) -> [(bool, &'static str); 4] {
        let accounts: BTreeSet<Person> = terms.splits.iter().map(|split| split.0).collect();
        let good = accounts.len() == terms.splits.len()
            && !accounts.contains(&payee)
            && terms.splits.iter().all(|split| (1..=BPS).contains(&split.1))
            && terms.splits.iter().map(|split| split.1).sum::<u128>() <= BPS;
        [
            (payer == payee, "ESCROW_SAME_PAYEE"),
            (!good, "ESCROW_BAD_SPLITS"),
            (terms.locked_until_ms > now_ms + LOCK_MS_MAX, BAD_LOCK),
            (terms.weak.is_some(), WEAK),
        ]
    }

    pub(super) fn add_channel(
        &mut self,
        payer: Person,
        (payee, asset): (Person, Asset),
        terms: &Terms,
        (deposited, drawn): (u128, bool),
    ) {
        self.take_fee(asset);
        let share = |&(to, bps): &(Person, u128)| Share { to, bps, sent: 0, failed_ms: None, lost: false };
        let made = Channel {
            payer,
            payee,
            asset,
            of_agent: terms.of_agent,
            drawn,
            deposited,
            claimed: 0,
            paid: 0,
            refunded: 0,
            shares: terms.splits.iter().map(share).collect(),
            locked_until_ms: terms.locked_until_ms,
            closes_ms: None,
            closed: false,
        };
        self.channels.push(Some(made));
    }

    pub(super) fn top_up(&mut self, id: Id, asset: Asset, amount: u128, by: Person) -> Judged {
        let small = (amount < DEPOSIT_MIN, TOO_SMALL);
        let channel = known(self.channels.get_mut(id).and_then(Option::as_mut), UNKNOWN, &[small])?;
        refuse_if(&[
            small,
            (channel.payer != by, NOT_PAYER),
            (channel.closed, UNKNOWN),
            (channel.asset != asset, "ESCROW_WRONG_ASSET"),
            (channel.closes_ms.is_some(), CLOSING),
        ])?;
        channel.deposited += amount;
        self.deposit(asset, amount);
        Ok(())
    }

    pub(super) fn extend_lock(&mut self, id: Id, until_ms: u64, by: Person, now_ms: u64) -> Judged {
        let channel = self.find(id)?;
        let bounds = channel.locked_until_ms + 1..=now_ms + LOCK_MS_MAX;
        refuse_if(&[
            (channel.payer != by, NOT_PAYER),
            (channel.closed, UNKNOWN),
            (!bounds.contains(&until_ms), BAD_LOCK),
        ])?;
        channel.locked_until_ms = until_ms;
        Ok(())
    }

    pub(super) fn claim_all(&mut self, rows: &[Row], withdraw: bool, by: Person, now_ms: u64) -> Vec<Transfer> {
        let tell = |row: &Row| match self.claim(row, now_ms) {
            Ok(claimed) => claimed.to_string(),
            Err(code) => code.to_owned(),
        };
        self.told = rows.iter().map(tell).collect();
        let named: BTreeSet<Id> = rows.iter().map(|row| row.channel).filter(|_| withdraw).collect();
        let mine =
            |id: &Id| self.channels.get(*id).and_then(Option::as_ref).is_some_and(|one| one.payee == by && !one.closed);
        let mine: Vec<Id> = named.into_iter().filter(mine).collect();
        self.pay_out(&mine, by)
    }

    /// In this order; the first that holds refuses it, and nothing else does: not even that anybody may end the channel.
    fn claim(&mut self, row: &Row, now_ms: u64) -> Result<u128, &'static str> {
        let channel = self.find(row.channel).map_err(|_| UNKNOWN)?;
        let faults = [
            (channel.closed, UNKNOWN),
            (row.expires_ms != 0 && row.expires_ms < now_ms, "ESCROW_EXPIRED"),
            (row.amount > channel.deposited, "ESCROW_OVER_DEPOSIT"),
            (row.amount <= channel.claimed, "ESCROW_NOT_HIGHER"),
            (!row.signed, "ESCROW_BAD_SIGNATURE"),
        ];
        if let Some(fault) = faults.iter().find(|fault| fault.0) {
            return Err(fault.1);
        }
        channel.claimed = row.amount;
        Ok(row.amount)
    }

    /// What is due on these channels, in one transfer for each asset.
    fn pay_out(&mut self, ids: &[Id], to: Person) -> Vec<Transfer> {
        let mut transfers: Vec<_> = (0..ASSETS).map(|asset| Transfer { to, asset, parts: Vec::new() }).collect();
        for id in ids {
            let channel = self.channel(*id);
            let due = channel.due();
            channel.paid += due;
            if due > 0 {
                transfers[channel.asset].parts.push((Part::Payee(*id), due));
            }
        }
        transfers
    }

    /// The caller's channels among these that are still there.
    pub(super) fn own(&mut self, ids: &[Id], by: Person) -> Judged<Vec<Id>> {
        // What is gone was paid when it went.
        let known: BTreeSet<Id> = ids.iter().copied().filter(|id| self.find(*id).is_ok()).collect();
        let strange = known.iter().any(|id| self.channel(*id).payee != by);
        refuse_if(&[(known.is_empty(), UNKNOWN), (strange, NOT_PAYEE)])?;
        Ok(known.into_iter().collect())
    }

    pub(super) fn withdraw(&mut self, ids: &[Id], by: Person) -> Judged<Vec<Transfer>> {
        let own = self.own(ids, by)?;
        let transfers = self.pay_out(&own, by);
        refuse_if(&[(transfers.iter().all(|transfer| transfer.parts.is_empty()), NOTHING_DUE)])?;
        Ok(transfers)
    }

    /// What is due to the payee, without sending it: for a reserve. Of a closed channel it is sent.
    pub(super) fn take_due(&mut self, id: Id) -> u128 {
        let channel = self.channel(id);
        let due = if channel.closed { 0 } else { channel.due() };
        channel.paid += due;
        due
    }

    pub(super) fn distribute(&mut self, id: Id, own_terms: bool, places: &[usize]) -> Judged<Vec<Transfer>> {
        let size = (!(1..=8).contains(&places.len()), BAD_SHARES);
        let channel = known(self.channels.get_mut(id).and_then(Option::as_mut), UNKNOWN, &[size])?;
        let once: BTreeSet<_> = places.iter().filter(|place| **place < channel.shares.len()).collect();
        refuse_if(&[size, (!own_terms, "ESCROW_WRONG_TERMS"), (once.len() < places.len(), BAD_SHARES)])?;
        let asset = channel.asset;
        let mut transfers: Vec<Transfer> = Vec::new();
        for place in places {
            let share = &channel.shares[*place];
            let (due, to) = (channel.due_to(share), if share.lost { channel.payee } else { share.to });
            channel.shares[*place].sent += due;
            let part = (Part::Share(id, *place), due);
            // All that goes to the payee is one transfer.
            match transfers.iter_mut().find(|transfer| transfer.to == to) {
                Some(known) => known.parts.push(part),
                None => transfers.push(Transfer { to, asset, parts: vec![part] }),
            }
        }
        let nothing = transfers.iter().flat_map(|transfer| &transfer.parts).all(|part| part.1 == 0);
        refuse_if(&[(nothing, NOTHING_DUE)])?;
        Ok(transfers)
    }

    pub(super) fn close(&mut self, id: Id, by: Person) -> Judged<Vec<Transfer>> {
        refuse_if(&[(self.find(id)?.payee != by, NOT_PAYEE)])?;
        Ok(self.end(id))
    }

    pub(super) fn request_close(&mut self, id: Id, by: Person, now_ms: u64) -> Judged {
        let channel = self.find(id)?;
        refuse_if(&[
            (channel.payer != by, NOT_PAYER),
            (channel.closed, UNKNOWN),
            (channel.closes_ms.is_some(), CLOSING),
        ])?;
        channel.closes_ms = Some(now_ms + DELAY_MS);
        Ok(())
    }

    pub(super) fn cancel_close(&mut self, id: Id, by: Person) -> Judged {
        let channel = self.find(id)?;
        refuse_if(&[
            (channel.payer != by, NOT_PAYER),
            (channel.closed, UNKNOWN),
            (channel.closes_ms.is_none(), "ESCROW_NOT_CLOSING"),
        ])?;
        channel.closes_ms = None;
        Ok(())
    }

    pub(super) fn finalize_close(&mut self, id: Id, now_ms: u64) -> Judged<Vec<Transfer>> {
        let channel = self.find(id)?;
        if !channel.closed {
            let early = channel.ends_ms().is_some_and(|ends_ms| now_ms < ends_ms);
            refuse_if(&[(channel.closes_ms.is_none(), "ESCROW_NOT_CLOSING"), (early, "ESCROW_TOO_EARLY")])?;
        }
        Ok(self.end(id))
    }

    /// Both sides are sent theirs; what a purse gave goes back there, if it is there.
    fn end(&mut self, id: Id) -> Vec<Transfer> {
        let channel = self.channel(id);
        channel.closed = true;
        let home = (channel.payer, channel.asset);
        let (drawn, [to_payee, to_payer]) = (channel.drawn, channel.settle_up(id));
        match self.purses.get_mut(&home).filter(|_| drawn) {
            Some(purse) => {
                purse.left += to_payer.parts[0].1;
                vec![to_payee]
            }
            None => vec![to_payee, to_payer],
        }
    }
}
