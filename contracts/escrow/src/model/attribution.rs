//! A reserve: what a payee keeps for its creators, who pull what a Merkle root says against a proof.

use charter_rules::attribution::{leaf, root_of};
use charter_types::asset::Asset;
use charter_types::escrow::{self, EscrowError, PROOF_MAX, ROOT_MS};
use charter_types::{AccountId, Hash32, Sha256, U128};

use super::{Outcome, add};

/// Of fixed size but for its names, which don't change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    pub payee: AccountId,
    pub asset: Asset,
    pub root: Hash32,
    /// The root's sum. It never falls.
    pub total: u128,
    /// All that was ever put in.
    pub reserved: u128,
    /// Sent out, arrived or on its way; a transfer that fails takes it back.
    pub pulled: u128,
    pub in_flight: u128,
    /// 0: no root so far.
    pub posted_ms: u64,
    /// The rest is on its way to the payee.
    pub ending: bool,
}

/// What a creator was sent, arrived or on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Creator {
    pub paid: u128,
}

impl Reserve {
    pub fn new(payee: AccountId, asset: Asset) -> Self {
        Self {
            payee,
            asset,
            root: Hash32::default(),
            total: 0,
            reserved: 0,
            pulled: 0,
            in_flight: 0,
            posted_ms: 0,
            ending: false,
        }
    }

    /// What is pulled is at most the root's sum, that at most what was reserved; while it ends, all of it is on its way.
    pub fn check_invariant(&self) -> Outcome {
        let most = if self.ending { self.reserved } else { self.total };
        let holds = self.pulled <= most && self.total <= self.reserved && self.in_flight <= self.pulled;
        if holds { Ok(()) } else { Err(EscrowError::Overflow {}) }
    }

    fn check_lives(&self) -> Outcome {
        if self.ending { Err(EscrowError::ReserveEnding {}) } else { Ok(()) }
    }

    pub fn put(&mut self, amount: u128) -> Outcome {
        self.check_lives()?;
        self.reserved = add(self.reserved, amount)?;
        Ok(())
    }

    pub fn post(&mut self, root: Hash32, total: u128, now_ms: u64) -> Outcome {
        self.check_lives()?;
        let (least, most) = (self.total, self.reserved);
        if !(least..=most).contains(&total) {
            return Err(EscrowError::BadTotal { least, most });
        }
        (self.root, self.total, self.posted_ms) = (root, total, now_ms);
        Ok(())
    }

    /// Takes what is due to a creator out, the caller sends it. `owed`: who it is, and all it was ever owed.
    pub fn pull(
        &mut self,
        creator: &mut Creator,
        owed: (&AccountId, u128),
        proof: &[Hash32],
        sha256: Sha256,
    ) -> Outcome<u128> {
        self.check_lives()?;
        let leaf = leaf(owed.0, owed.1, sha256);
        if self.posted_ms == 0 || proof.len() > PROOF_MAX || root_of(leaf, proof, sha256) != self.root {
            return Err(EscrowError::BadProof {});
        }
        let due = owed.1.saturating_sub(creator.paid);
        if due == 0 {
            return Err(EscrowError::NothingDue {});
        }
        // Whatever the root says.
        let left = self.total.saturating_sub(self.pulled);
        if due > left {
            return Err(EscrowError::OverTotal { left });
        }
        self.pulled = add(self.pulled, due)?;
        self.in_flight = add(self.in_flight, due)?;
        creator.paid = add(creator.paid, due)?;
        Ok(due)
    }

    /// A transfer to a creator is over.
    pub fn settle_pull(&mut self, creator: &mut Creator, amount: u128, arrived: bool) {
        self.in_flight = self.in_flight.saturating_sub(amount);
        if !arrived {
            self.pulled = self.pulled.saturating_sub(amount);
            creator.paid = creator.paid.saturating_sub(amount);
        }
    }

    /// Takes out what was not pulled, the caller sends it to the payee.
    pub fn end(&mut self, now_ms: u64) -> Outcome<u128> {
        self.check_lives()?;
        let until_ms = self.posted_ms.saturating_add(ROOT_MS);
        if self.posted_ms != 0 && now_ms < until_ms {
            return Err(EscrowError::RootInUse { until_ms });
        }
        if self.in_flight > 0 {
            return Err(EscrowError::InFlight {});
        }
        let rest = self.reserved.saturating_sub(self.pulled);
        (self.ending, self.pulled, self.in_flight) = (true, self.reserved, rest);
        Ok(rest)
    }

    /// The transfer of the rest did not arrive: the reserve goes on.
    pub fn end_failed(&mut self, rest: u128) {
        self.in_flight = self.in_flight.saturating_sub(rest);
        self.pulled = self.pulled.saturating_sub(rest);
        self.ending = false;
    }

    pub fn view(&self, number: u64) -> escrow::Reserve {
        escrow::Reserve {
            number,
            payee: self.payee.clone(),
            asset: self.asset.clone(),
            root: self.root,
            total: U128(self.total),
            reserved: U128(self.reserved),
            pulled: U128(self.pulled),
            in_flight: U128(self.in_flight),
            posted_ms: (self.posted_ms != 0).then_some(self.posted_ms),
            ending: self.ending,
        }
    }
}

impl Creator {
    pub fn view(&self, reserve: u64, account: AccountId) -> escrow::Creator {
        escrow::Creator { reserve, account, paid: U128(self.paid) }
    }
}

#[cfg(test)]
mod tests {
    use charter_rules::attribution::{leaf, node};
    use charter_types::asset::Asset;
    use charter_types::escrow::{EscrowError, PROOF_MAX, ROOT_MS};
    use charter_types::{AccountId, Hash32};
    use sha2::{Digest, Sha256};

    use super::{Creator, Reserve};

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    fn ann() -> AccountId {
        "ann.near".parse().unwrap()
    }

    /// 100 in it, of which ann is owed `amount`, beside somebody else.
    fn reserve(amount: u128, total: u128) -> (Reserve, [Hash32; 1]) {
        let mut reserve = Reserve::new("payee.near".parse().unwrap(), Asset::Near);
        reserve.put(100).unwrap();
        let other = leaf(&"ben.near".parse().unwrap(), 10, sha256);
        reserve.post(node(leaf(&ann(), amount, sha256), other, sha256), total, 5).unwrap();
        (reserve, [other])
    }

    #[test]
    fn a_creator_is_sent_what_it_is_owed_above_what_it_got() {
        let (mut reserve, proof) = reserve(40, 50);
        let mut creator = Creator::default();
        let pull = |reserve: &mut Reserve, creator: &mut Creator, amount| {
            let pulled = reserve.pull(creator, (&ann(), amount), &proof, sha256);
            reserve.check_invariant().unwrap();
            pulled
        };
        assert_eq!(pull(&mut reserve, &mut creator, 41), Err(EscrowError::BadProof {}));
        assert_eq!(pull(&mut reserve, &mut creator, 40), Ok(40));
        assert_eq!(pull(&mut reserve, &mut creator, 40), Err(EscrowError::NothingDue {}));
        reserve.settle_pull(&mut creator, 40, false);
        assert_eq!((reserve.pulled, reserve.in_flight, creator.paid), (0, 0, 0));
        assert_eq!(pull(&mut reserve, &mut creator, 40), Ok(40));
        reserve.settle_pull(&mut creator, 40, true);
        assert_eq!((reserve.pulled, reserve.in_flight, creator.paid), (40, 0, 40));
        let root = node(leaf(&ann(), 45, sha256), proof[0], sha256);
        assert_eq!(reserve.post(root, 49, 6), Err(EscrowError::BadTotal { least: 50, most: 100 }));
        assert_eq!(reserve.post(root, 101, 6), Err(EscrowError::BadTotal { least: 50, most: 100 }));
        reserve.post(root, 55, 6).unwrap();
        assert_eq!(pull(&mut reserve, &mut creator, 45), Ok(5));
    }

    #[test]
    fn a_root_can_say_what_it_likes_no_more_than_its_sum_goes_out() {
        let (mut reserve, proof) = reserve(u128::MAX, 100);
        let mut creator = Creator::default();
        let pulled = reserve.pull(&mut creator, (&ann(), u128::MAX), &proof, sha256);
        assert_eq!(pulled, Err(EscrowError::OverTotal { left: 100 }));
        let long = vec![proof[0]; PROOF_MAX + 1];
        assert_eq!(reserve.pull(&mut creator, (&ann(), 1), &long, sha256), Err(EscrowError::BadProof {}));
        // A leaf may be the root, and zeroes are none.
        reserve.root = leaf(&ann(), 7, sha256);
        assert_eq!(reserve.pull(&mut creator, (&ann(), 7), &[], sha256), Ok(7));
        let mut fresh = Reserve { posted_ms: 0, ..reserve };
        assert_eq!(fresh.pull(&mut creator, (&ann(), 7), &[], sha256), Err(EscrowError::BadProof {}));
    }

    #[test]
    fn a_reserve_ends_when_its_root_is_old_and_nothing_is_on_its_way() {
        let (mut reserve, proof) = reserve(40, 50);
        let until_ms = 5 + ROOT_MS;
        let mut creator = Creator::default();
        reserve.pull(&mut creator, (&ann(), 40), &proof, sha256).unwrap();
        assert_eq!(reserve.end(until_ms - 1), Err(EscrowError::RootInUse { until_ms }));
        assert_eq!(reserve.end(until_ms), Err(EscrowError::InFlight {}));
        reserve.settle_pull(&mut creator, 40, true);
        let before = reserve.clone();
        assert_eq!(reserve.end(until_ms), Ok(60));
        reserve.check_invariant().unwrap();
        for refused in [reserve.put(1), reserve.post(Hash32::default(), 50, 9), reserve.end(u64::MAX).map(drop)] {
            assert_eq!(refused, Err(EscrowError::ReserveEnding {}));
        }
        reserve.end_failed(60);
        assert_eq!(reserve, before);
        let mut without_root = Reserve::new("payee.near".parse().unwrap(), Asset::Near);
        without_root.put(u128::MAX).unwrap();
        assert_eq!(without_root.put(1), Err(EscrowError::Overflow {}));
        assert_eq!(without_root.end(0), Ok(u128::MAX));
    }
}
