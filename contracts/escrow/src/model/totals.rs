//! Sums over everything the escrow ever held of an asset.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::asset::Books;
use charter_types::{U128, escrow};

/// INV-ESC-1: `deposited = held + in_flight + paid + refunded`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    pub deposited: U128,
    pub books: Books,
    pub paid: U128,
    pub refunded: U128,
}

/// Where money in flight came down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// At whom it was promised to.
    Paid,
    /// At whom it came from.
    Refunded,
    /// Here, as before.
    Back,
}

/// A token's sums, and how many channels, purses, reserves and edges use them: the row goes with the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    pub totals: Totals,
    pub uses: u64,
}

impl Totals {
    pub fn view(&self) -> escrow::Totals {
        let Self { deposited, books: Books { held, in_flight }, paid, refunded } = *self;
        escrow::Totals { deposited, held, in_flight, paid, refunded }
    }

    /// `None`: more than fits. Of what has come and gone the sums start anew before they would not fit any more: who sends a
    /// token's whole supply round and round would keep all others out (INV-ESC-13).
    pub fn receive(&mut self, amount: u128) -> Option<()> {
        let mut next = *self;
        if next.deposited.0.checked_add(amount).is_none() {
            let Books { held, in_flight } = next.books;
            next = Self { deposited: U128(held.0.checked_add(in_flight.0)?), books: next.books, ..Self::default() };
        }
        next.deposited = U128(next.deposited.0.checked_add(amount)?);
        next.books.receive(amount)?;
        *self = next;
        Some(())
    }

    /// `None`: more than is held.
    pub fn send(&mut self, amount: u128) -> Option<()> {
        self.books.send(amount)
    }

    /// A transfer is over. `None`: so much was not on its way. Nothing else can fail: what lands was deposited.
    pub fn land(&mut self, amount: u128, landed: Landed) -> Option<()> {
        self.books.land(amount, landed != Landed::Back)?;
        match landed {
            Landed::Paid => self.paid = U128(self.paid.0.saturating_add(amount)),
            Landed::Refunded => self.refunded = U128(self.refunded.0.saturating_add(amount)),
            Landed::Back => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::asset::Books;

    use super::{Landed, Totals};

    fn balanced(totals: &Totals) -> bool {
        let Totals { deposited, books: Books { held, in_flight }, paid, refunded } = *totals;
        let parts = [held, in_flight, paid, refunded];
        parts.iter().try_fold(0_u128, |sum, part| sum.checked_add(part.0)) == Some(deposited.0)
    }

    #[test]
    fn money_is_in_one_place_at_a_time() {
        let mut totals = Totals::default();
        totals.receive(10).unwrap();
        assert_eq!(totals.send(11), None);
        totals.send(7).unwrap();
        for (amount, landed) in [(1, Landed::Paid), (2, Landed::Refunded), (4, Landed::Back)] {
            totals.land(amount, landed).unwrap();
            assert!(balanced(&totals), "{totals:?}");
        }
        let Totals { books: Books { held, in_flight }, paid, refunded, .. } = totals;
        assert_eq!([held, in_flight, paid, refunded], [U128(7), U128(0), U128(1), U128(2)]);
    }

    /// Let the sums grow on, and the fifth deposit is refused.
    #[test]
    fn who_sends_half_of_all_there_can_be_round_and_round_stops_nobody() {
        let (mut totals, half) = (Totals::default(), u128::MAX / 2);
        totals.receive(1_000).unwrap();
        for _ in 0..5 {
            totals.receive(half).unwrap();
            totals.send(half).unwrap();
            assert!(balanced(&totals), "{totals:?}");
            totals.land(half, Landed::Refunded).unwrap();
            assert!(balanced(&totals), "{totals:?}");
        }
        assert_eq!(totals.books.held, U128(1_000));
        assert_eq!(totals.receive(u128::MAX), None, "so much can't be here at once");
        assert_eq!(totals.books.held, U128(1_000));
    }
}
