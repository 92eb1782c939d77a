//! Reserves: what a payee owes creators, by a root over all of them.

use super::{Asset, Id, Judged, LONG_MS, Model, Part, Person, Transfer, refuse_if};

const NO_RESERVE: &str = "ESCROW_NO_RESERVE";

/// All that creators were ever owed, and what the payee says is the sum of it.
#[derive(Clone, Debug, Default)]
pub struct Root {
    pub owed: Vec<(Person, u128)>,
    pub total: u128,
}

#[derive(Clone, Debug)]
pub struct Reserve {
    pub number: u64,
    /// All that was ever moved here, and all that was ever sent on.
    pub reserved: u128,
    pub pulled: u128,
    pub root: Root,
    /// When the root was posted.
    pub posted_ms: Option<u64>,
    /// The payee has asked for the rest: it is sent again if it comes back.
    pub ending: bool,
}

impl Reserve {
    pub fn held(&self) -> u128 {
        self.reserved - self.pulled
    }
}

impl Model {
    fn find_reserve(&mut self, payee: Person, asset: Asset) -> Judged<&mut Reserve> {
        self.reserves.get_mut(&(payee, asset)).ok_or_else(|| vec![NO_RESERVE])
    }

    pub(super) fn reserve(&mut self, ids: &[Id], by: Person) -> Judged {
        let own = self.own(ids, by)?;
        let asset = self.channel(own[0]).asset;
        let mixed = own.iter().any(|id| self.channel(*id).asset != asset);
        refuse_if(&[(mixed, "ESCROW_WRONG_ASSET")])?;
        let due: u128 = own.iter().map(|id| self.take_due(*id)).sum();
        refuse_if(&[(due == 0, "ESCROW_NOTHING_DUE")])?;
        if !self.reserves.contains_key(&(by, asset)) {
            self.take_fee(asset);
            self.reserve_counter += 1;
            let (number, root) = (self.reserve_counter, Root::default());
            let opened = Reserve { number, reserved: 0, pulled: 0, root, posted_ms: None, ending: false };
            self.reserves.insert((by, asset), opened);
        }
        self.find_reserve(by, asset)?.reserved += due;
        Ok(())
    }

    pub(super) fn post_root(&mut self, asset: Asset, root: &Root, by: Person, now_ms: u64) -> Judged {
        let reserve = self.find_reserve(by, asset)?;
        let bounds = reserve.root.total..=reserve.reserved;
        refuse_if(&[(!bounds.contains(&root.total), "ESCROW_BAD_TOTAL")])?;
        reserve.root = root.clone();
        reserve.posted_ms = Some(now_ms);
        Ok(())
    }

    pub(super) fn pull(
        &mut self,
        (payee, asset): (Person, Asset),
        to: Person,
        amount: u128,
        bent: bool,
    ) -> Judged<Vec<Transfer>> {
        let Reserve { number, pulled, root, .. } = self.find_reserve(payee, asset)?.clone();
        let due = amount.saturating_sub(self.creators.get(&(number, to)).copied().unwrap_or_default());
        refuse_if(&[
            (bent || !root.owed.contains(&(to, amount)), "ESCROW_BAD_PROOF"),
            (due == 0, "ESCROW_NOTHING_DUE"),
            (due > root.total - pulled, "ESCROW_OVER_TOTAL"),
        ])?;
        self.find_reserve(payee, asset)?.pulled += due;
        *self.creators.entry((number, to)).or_default() += due;
        Ok(vec![Transfer { to, asset, parts: vec![(Part::Creator(payee, asset, to), due)] }])
    }

    pub(super) fn unpull(&mut self, (payee, asset): (Person, Asset), creator: Person, amount: u128) {
        let Some(reserve) = self.reserves.get_mut(&(payee, asset)) else { unreachable!("it can't end meanwhile") };
        reserve.pulled -= amount;
        *self.creators.entry((reserve.number, creator)).or_default() -= amount;
    }

    /// Its row is there until the rest has arrived.
    pub(super) fn end_root(&mut self, asset: Asset, by: Person, now_ms: u64) -> Judged<Vec<Transfer>> {
        let reserve = self.find_reserve(by, asset)?;
        let early = reserve.posted_ms.is_some_and(|posted_ms| now_ms < posted_ms + LONG_MS);
        refuse_if(&[(early, "ESCROW_ROOT_IN_USE")])?;
        let rest = reserve.held();
        reserve.pulled += rest;
        reserve.ending = true;
        Ok(vec![Transfer { to: by, asset, parts: vec![(Part::Rest(by, asset), rest)] }])
    }

    pub(super) fn put_rest_back(&mut self, (payee, asset): (Person, Asset), amount: u128) {
        let Some(reserve) = self.reserves.get_mut(&(payee, asset)) else { unreachable!("its rest did not arrive") };
        reserve.pulled -= amount;
        reserve.ending = false;
    }

    pub(super) fn forget_creators(&mut self, number: u64, creators: &[Person]) -> Judged {
        let lives = self.reserves.values().any(|reserve| reserve.number == number);
        refuse_if(&[(lives, "ESCROW_RESERVE_LIVES")])?;
        self.creators.retain(|key, _| key.0 != number || !creators.contains(&key.1));
        Ok(())
    }
}
