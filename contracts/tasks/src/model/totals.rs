//! Sums over everything there ever was of an asset.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::asset::Books;
use charter_types::{U128, tasks};

/// INV-TSK-1: `received = held + sending + paid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    pub received: U128,
    pub books: Books,
    pub paid: U128,
}

/// A token's sums, and how many balances and sets use them: the row goes with the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    pub totals: Totals,
    pub uses: u64,
}

impl Totals {
    pub fn view(&self) -> tasks::Totals {
        let Self { received, books: Books { held, in_flight }, paid } = *self;
        tasks::Totals { received, held, sending: in_flight, paid }
    }

    /// `None`: more than fits. Of what has come and gone the sums start anew before they would not fit any more: who sends a
    /// token's whole supply round and round would keep all others out.
    pub fn receive(&mut self, amount: u128) -> Option<()> {
        let mut next = *self;
        if next.received.0.checked_add(amount).is_none() {
            let Books { held, in_flight } = next.books;
            next = Self { received: U128(held.0.checked_add(in_flight.0)?), books: next.books, ..Self::default() };
        }
        next.received = U128(next.received.0.checked_add(amount)?);
        next.books.receive(amount)?;
        *self = next;
        Some(())
    }

    /// `None`: more than is held.
    pub fn send(&mut self, amount: u128) -> Option<()> {
        self.books.send(amount)
    }

    /// A transfer is over. `None`: so much was not on its way. Nothing else can fail: what lands was received.
    pub fn land(&mut self, amount: u128, arrived: bool) -> Option<()> {
        self.books.land(amount, arrived)?;
        if arrived {
            self.paid = U128(self.paid.0.saturating_add(amount));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::asset::Books;

    use super::Totals;

    fn balanced(totals: &Totals) -> bool {
        let Totals { received, books: Books { held, in_flight }, paid } = *totals;
        [held, in_flight, paid].iter().try_fold(0_u128, |sum, part| sum.checked_add(part.0)) == Some(received.0)
    }

    #[test]
    fn money_is_in_one_place_at_a_time() {
        let mut totals = Totals::default();
        totals.receive(10).unwrap();
        assert_eq!(totals.send(11), None);
        totals.send(7).unwrap();
        for (amount, arrived) in [(3, true), (4, false)] {
            totals.land(amount, arrived).unwrap();
            assert!(balanced(&totals), "{totals:?}");
        }
        assert_eq!((totals.books.held, totals.paid), (U128(7), U128(3)));
        assert_eq!(totals.land(1, true), None);
    }

    #[test]
    fn who_sends_half_of_all_there_can_be_round_and_round_stops_nobody() {
        let (mut totals, half) = (Totals::default(), u128::MAX / 2);
        totals.receive(1_000).unwrap();
        for _ in 0..5 {
            totals.receive(half).unwrap();
            totals.send(half).unwrap();
            assert!(balanced(&totals), "{totals:?}");
            totals.land(half, true).unwrap();
            assert!(balanced(&totals), "{totals:?}");
        }
        assert_eq!(totals.receive(u128::MAX), None, "so much can't be here at once");
        assert_eq!(totals.books.held, U128(1_000));
    }
}
