//! Parts of what is claimed that are not the payee's. What anybody is owed follows from all that was ever claimed, so that
//! the order and number of claims change nothing (INV-ESC-8).

use charter_types::escrow::{self, BPS, EscrowError, SHARE_RETURNS_MS, SPLITS_MAX, Split};
use charter_types::{AccountId, U128, all_different};

/// Who it is of, the channel's terms say. Of fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub bps: u16,
    /// Sent, arrived or on its way; a transfer that fails takes it back.
    pub paid: u128,
    /// When a transfer failed that no other has succeeded since; 0: none did.
    pub failed_ms: u64,
}

/// Instead of a time: it failed for so long that what is due goes to the payee.
const GIVEN_UP: u64 = u64::MAX;

/// `claimed × bps / 10,000` rounded down, and what was left over in ten-thousandths. Fits, whatever is claimed. Divides 128
/// bits once: they are dear.
fn divided(claimed: u128, bps: u16) -> (u128, u64) {
    let (bps, whole) = (u64::from(bps.min(BPS)), u64::from(BPS));
    let times = claimed.div_euclid(whole.into());
    let rest = u64::try_from(claimed.saturating_sub(times.saturating_mul(whole.into()))).unwrap_or_default();
    let rest = rest.saturating_mul(bps);
    let parts = times.saturating_mul(bps.into()).saturating_add(rest.div_euclid(whole).into());
    (parts, rest.rem_euclid(whole))
}

impl Share {
    pub fn owed(&self, claimed: u128) -> u128 {
        divided(claimed, self.bps).0
    }

    pub fn due(&self, claimed: u128) -> u128 {
        self.owed(claimed).saturating_sub(self.paid)
    }

    pub fn goes_to_payee(&self) -> bool {
        self.failed_ms == GIVEN_UP
    }

    /// A transfer of `amount` is over, which went to the payee or to whom the share is of. Whether there is something to tell.
    pub fn settle(&mut self, amount: u128, to_payee: bool, arrived: bool, now_ms: u64) -> bool {
        if arrived {
            // What is claimed from now on is tried anew: the account may be there again.
            return std::mem::take(&mut self.failed_ms) != 0;
        }
        self.paid = self.paid.saturating_sub(amount);
        if to_payee || self.goes_to_payee() {
            return true;
        }
        if self.failed_ms == 0 {
            self.failed_ms = now_ms;
        } else if now_ms >= self.failed_ms.saturating_add(SHARE_RETURNS_MS) {
            self.failed_ms = GIVEN_UP;
        }
        true
    }

    pub fn view(&self) -> escrow::Share {
        let failed_ms = Some(self.failed_ms).filter(|ms| *ms != 0 && *ms != GIVEN_UP);
        escrow::Share { bps: self.bps, paid: U128(self.paid), failed_ms, to_payee: self.goes_to_payee() }
    }
}

/// The shares that a channel with these splits has.
pub fn shares_of(splits: &[Split], payee: &AccountId) -> Result<Vec<Share>, EscrowError> {
    let accounts: Vec<&AccountId> = splits.iter().map(|split| &split.account).collect();
    let sum = splits.iter().map(|split| u64::from(split.bps)).sum::<u64>();
    let good = splits.len() <= SPLITS_MAX
        && sum <= u64::from(BPS)
        && splits.iter().all(|split| split.bps > 0)
        && !accounts.contains(&payee)
        && all_different(&accounts);
    if !good {
        return Err(EscrowError::BadSplits {});
    }
    Ok(splits.iter().map(|split| Share { bps: split.bps, paid: 0, failed_ms: 0 }).collect())
}

/// What the payee is owed: what shares leave. Rounding makes that fall by a little as more is claimed, so while more can be
/// claimed it is its own part alone, rounded up: as much or less, it never falls, and shares find theirs. The dust, less
/// than there are shares, comes with the close.
pub fn payees(claimed: u128, shares: &[Share], is_final: bool) -> u128 {
    if is_final {
        return shares.iter().fold(claimed, |left, share| left.saturating_sub(share.owed(claimed)));
    }
    if shares.is_empty() {
        return claimed;
    }
    let shared = shares.iter().fold(0_u16, |sum, share| sum.saturating_add(share.bps));
    let (whole, rest) = divided(claimed, BPS.saturating_sub(shared));
    whole.saturating_add(u128::from(rest > 0))
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::{EscrowError, SHARE_RETURNS_MS, SPLITS_MAX, Split};

    use super::{Share, payees, shares_of};

    fn splits(parts: &[u16]) -> Vec<Split> {
        let named =
            |(index, bps): (usize, &u16)| Split { account: format!("s{index}.near").parse().unwrap(), bps: *bps };
        parts.iter().enumerate().map(named).collect()
    }

    fn shares(parts: &[u16]) -> Vec<Share> {
        shares_of(&splits(parts), &"payee.near".parse().unwrap()).unwrap()
    }

    #[test]
    fn both_sides_of_every_bound() {
        let payee = "payee.near".parse().unwrap();
        let check = |splits: &[Split]| shares_of(splits, &payee).map(drop);
        assert_eq!(check(&[]), Ok(()));
        for good in [vec![10_000], vec![1, 9_999], vec![312; SPLITS_MAX]] {
            assert_eq!(check(&splits(&good)), Ok(()), "{good:?}");
        }
        for bad in [vec![0], vec![10_001], vec![5_000, 5_001], vec![u16::MAX; 2], vec![1; SPLITS_MAX + 1]] {
            assert_eq!(check(&splits(&bad)), Err(EscrowError::BadSplits {}), "{bad:?}");
        }
        let mut twice = splits(&[1, 2]);
        twice[1].account = twice[0].account.clone();
        assert_eq!(check(&twice), Err(EscrowError::BadSplits {}));
        twice[1].account = payee.clone();
        assert_eq!(check(&twice), Err(EscrowError::BadSplits {}));
    }

    /// Pay the payee what shares leave while more can be claimed, and two halves of 2 find 1 where both are owed 1.
    #[test]
    fn whatever_was_paid_on_the_way_all_are_owed_the_same_in_the_end() {
        for parts in [&[][..], &[10_000], &[5_000, 5_000], &[3_333, 3_333, 3_333], &[1], &[312; 32], &[9_999, 1]] {
            let shares = shares(parts);
            let mut payee_paid = 0;
            for claimed in (0..400).chain(29_990..30_010).chain([u128::MAX - 1, u128::MAX]) {
                let owed = payees(claimed, &shares, false);
                assert!(owed >= payee_paid, "{parts:?} {claimed}: it never falls");
                payee_paid = owed;
                let shared: u128 = shares.iter().map(|share| share.owed(claimed)).sum();
                let all = shared.checked_add(owed).unwrap();
                assert!(all <= claimed, "{parts:?} {claimed}");
                let dust = claimed - all;
                assert!(dust == 0 || dust < u128::try_from(parts.len()).unwrap(), "{parts:?} {claimed}: {dust}");
                assert_eq!(payees(claimed, &shares, true), owed + dust);
            }
        }
    }

    #[test]
    fn parts_are_exact_at_both_ends_of_what_fits() {
        let share = |bps| Share { bps, paid: 0, failed_ms: 0 };
        assert_eq!(share(10_000).owed(u128::MAX), u128::MAX);
        assert_eq!(share(1).owed(u128::MAX), u128::MAX / 10_000);
        assert_eq!(share(5_000).owed(u128::MAX), u128::MAX / 2);
        assert_eq!((share(1).owed(9_999), share(1).owed(10_000)), (0, 1));
        assert_eq!((share(9_999).owed(1), share(9_999).owed(2)), (0, 1));
        assert_eq!(payees(u128::MAX, &[], false), u128::MAX);
    }

    #[test]
    fn a_share_whose_receiver_is_gone_goes_to_the_payee_after_a_time() {
        let mut share = shares(&[5_000])[0];
        let mut send = |to_payee, arrived, now_ms| {
            let due = share.due(1_000);
            share.paid += due;
            share.settle(due, to_payee, arrived, now_ms);
            (share.paid, share.failed_ms != 0, share.goes_to_payee())
        };
        assert_eq!(send(false, false, 100), (0, true, false));
        assert_eq!(send(false, false, 99 + SHARE_RETURNS_MS), (0, true, false));
        assert_eq!(send(false, false, 100 + SHARE_RETURNS_MS), (0, true, true));
        assert_eq!(send(true, false, u64::MAX), (0, true, true), "the payee is gone, too");
        assert_eq!(send(true, true, 0), (500, false, false));
    }

    #[test]
    fn a_success_in_between_starts_the_time_anew() {
        let mut share = shares(&[5_000])[0];
        share.paid = 10;
        share.settle(5, false, false, 100);
        share.settle(5, false, true, 200);
        assert_eq!((share.paid, share.failed_ms), (5, 0));
        share.settle(5, false, false, 100 + SHARE_RETURNS_MS);
        assert!(!share.goes_to_payee());
    }
}
