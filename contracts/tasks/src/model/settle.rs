//! Who gets what when a task is final.

use charter_types::tasks::{MINORITY_LOSS, Outcome, SILENT_LOSS};

use super::Seat;

/// What becomes of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    Paid,
    Minority,
    Silent,
}

impl Lot {
    fn of(seat: &Seat, outcome: Outcome) -> Self {
        match seat.verdict {
            None => Self::Silent,
            // Where there is no majority there is no minority.
            Some(verdict) if outcome == Outcome::NoMajority || Outcome::from(verdict) == outcome => Self::Paid,
            Some(_) => Self::Minority,
        }
    }

    /// INV-TSK-2: at most the bond of the slot.
    pub fn loss(self) -> u128 {
        match self {
            Self::Paid => 0,
            Self::Minority => MINORITY_LOSS,
            Self::Silent => SILENT_LOSS,
        }
    }
}

/// The worker's and the requester's part of the reward. An odd unit is the worker's.
pub fn reward_of(outcome: Outcome, reward: u128) -> (u128, u128) {
    let back = match outcome {
        Outcome::Good => 0,
        Outcome::Bad | Outcome::Unfetchable => reward,
        Outcome::NoMajority => reward / 2,
    };
    (reward.saturating_sub(back), back)
}

/// What a round's seats get, lose and leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Of each seat.
    pub lots: Vec<Lot>,
    /// Of the fees of all seats that there could be, what nobody has earned.
    pub fees_back: u128,
    /// Of what seats have lost, yoctoNEAR: to each that is paid.
    pub share: u128,
    pub to_appellant: u128,
    pub to_worker: u128,
}

impl Round {
    /// `compensation`: what goes to the appellant first, if so much was lost. INV-TSK-1: what seats lose is what others get.
    pub fn of(seats: &[Seat], of_seats: u8, fee: u128, outcome: Outcome, compensation: u128) -> Self {
        let lots: Vec<Lot> = seats.iter().map(|seat| Lot::of(seat, outcome)).collect();
        let paid = lots.iter().fold(0_u128, |paid, lot| paid.saturating_add(u128::from(*lot == Lot::Paid)));
        let lost = lots.iter().fold(0_u128, |lost, lot| lost.saturating_add(lot.loss()));
        let to_appellant = lost.min(compensation);
        let rest = lost.saturating_sub(to_appellant);
        let share = rest.checked_div(paid).unwrap_or_default();
        let to_worker = rest.saturating_sub(share.saturating_mul(paid));
        let fees_back = fee.saturating_mul(u128::from(of_seats).saturating_sub(paid));
        Self { lots, fees_back, share, to_appellant, to_worker }
    }
}

#[cfg(test)]
mod tests {
    use charter_types::tasks::{MINORITY_LOSS, Outcome, SILENT_LOSS, SLOT_BOND, Verdict};

    use super::{Lot, Round, reward_of};
    use crate::model::Seat;

    fn seats(verdicts: &[Option<Verdict>]) -> Vec<Seat> {
        let seat = |verdict: &Option<Verdict>| {
            let seat = Seat::new("ann.near".parse().unwrap(), 0, 0);
            Seat { verdict: *verdict, ..seat }
        };
        verdicts.iter().map(seat).collect()
    }

    const GOOD: Option<Verdict> = Some(Verdict::Good);
    const BAD: Option<Verdict> = Some(Verdict::Bad);

    #[test]
    fn a_reward_is_divided_without_rest() {
        assert_eq!(reward_of(Outcome::Good, 7), (7, 0));
        assert_eq!(reward_of(Outcome::Bad, 7), (0, 7));
        assert_eq!(reward_of(Outcome::Unfetchable, 7), (0, 7));
        assert_eq!(reward_of(Outcome::NoMajority, 7), (4, 3));
        assert_eq!(reward_of(Outcome::NoMajority, u128::MAX), (u128::MAX / 2 + 1, u128::MAX / 2));
    }

    #[test]
    fn those_that_lose_pay_those_that_agree_and_the_dust_is_the_workers() {
        let round = Round::of(&seats(&[GOOD, BAD, GOOD]), 3, 10, Outcome::Good, 0);
        assert_eq!(round.lots, [Lot::Paid, Lot::Minority, Lot::Paid]);
        assert_eq!((round.fees_back, round.share, round.to_worker), (10, MINORITY_LOSS / 2, 0));
        let round = Round::of(&seats(&[GOOD, GOOD, GOOD, GOOD, BAD, None, GOOD]), 7, 10, Outcome::Bad, 0);
        let lost = 5 * MINORITY_LOSS + SILENT_LOSS;
        assert_eq!((round.fees_back, round.share, round.to_worker, round.to_appellant), (60, lost, 0, 0));
        let round = Round::of(&seats(&[GOOD, GOOD, GOOD, None]), 7, 10, Outcome::Good, 0);
        assert_eq!((round.share, round.to_worker), (SILENT_LOSS / 3, SILENT_LOSS - SILENT_LOSS / 3 * 3));
        assert!(round.to_worker > 0);
    }

    #[test]
    fn without_a_majority_who_spoke_is_paid_and_without_anybody_paid_the_worker_is() {
        let round = Round::of(&seats(&[GOOD, BAD, None]), 3, 10, Outcome::NoMajority, 0);
        assert_eq!(round.lots, [Lot::Paid, Lot::Paid, Lot::Silent]);
        assert_eq!((round.fees_back, round.share), (10, SILENT_LOSS / 2));
        let round = Round::of(&seats(&[None, None, None]), 3, 10, Outcome::NoMajority, 0);
        assert_eq!((round.fees_back, round.share, round.to_worker), (30, 0, 3 * SILENT_LOSS));
        let round = Round::of(&[], 7, 10, Outcome::Good, 5);
        assert_eq!((round.fees_back, round.to_appellant, round.to_worker), (70, 0, 0));
    }

    #[test]
    fn an_appellant_who_was_right_is_compensated_first() {
        let wrong = seats(&[BAD, BAD, GOOD]);
        let round = Round::of(&wrong, 3, 10, Outcome::Good, 70);
        assert_eq!((round.to_appellant, round.share), (70, 2 * MINORITY_LOSS - 70));
        let round = Round::of(&wrong, 3, 10, Outcome::Good, SLOT_BOND);
        assert_eq!((round.to_appellant, round.share, round.to_worker), (2 * MINORITY_LOSS, 0, 0));
    }

    /// All verdicts that three seats can give, and every outcome.
    #[test]
    fn what_is_lost_is_what_others_get() {
        let all = [None, GOOD, BAD, Some(Verdict::Unfetchable)];
        let all = all.as_slice();
        let outcomes = [Outcome::Good, Outcome::Bad, Outcome::Unfetchable, Outcome::NoMajority];
        for verdicts in all.iter().flat_map(|a| all.iter().flat_map(move |b| all.iter().map(move |c| [*a, *b, *c]))) {
            for outcome in outcomes {
                let round = Round::of(&seats(&verdicts), 3, 11, outcome, 77);
                let paid = u128::try_from(round.lots.iter().filter(|lot| **lot == Lot::Paid).count()).unwrap();
                let lost: u128 = round.lots.iter().map(|lot| lot.loss()).sum();
                assert_eq!(lost, round.share * paid + round.to_appellant + round.to_worker);
                assert_eq!(33, round.fees_back + 11 * paid);
                assert!(round.lots.iter().all(|lot| lot.loss() <= SLOT_BOND));
            }
        }
    }
}
