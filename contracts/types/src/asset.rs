//! What money is made of.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::{AccountId, U128};

/// NEAR in yoctoNEAR, or a fungible token of NEP-141 in its smallest unit.
#[wire]
#[derive(Default, BorshSerialize, BorshDeserialize)]
pub enum Asset {
    #[default]
    Near,
    Nep141(AccountId),
}

impl Asset {
    pub fn is_near(&self) -> bool {
        *self == Self::Near
    }
}

/// What a token's contract tells of tokens that it has moved here (NEP-141). It is the caller; what it says of the sender
/// is its word alone.
#[wire]
pub struct FtOnTransfer {
    pub sender_id: AccountId,
    pub amount: U128,
    /// What the sender wants done with them.
    pub msg: String,
}

/// What a contract holds of an asset for others, and what of it is on its way out. Money that comes back from a transfer
/// is held again.
#[wire]
#[derive(Copy, Default, BorshSerialize, BorshDeserialize)]
pub struct Books {
    pub held: U128,
    pub in_flight: U128,
}

impl Books {
    /// `None`: more than fits.
    pub fn receive(&mut self, amount: u128) -> Option<()> {
        self.held = U128(self.held.0.checked_add(amount)?);
        Some(())
    }

    /// `None`: more than is held.
    pub fn send(&mut self, amount: u128) -> Option<()> {
        let held = self.held.0.checked_sub(amount)?;
        self.in_flight = U128(self.in_flight.0.checked_add(amount)?);
        self.held = U128(held);
        Some(())
    }

    /// A transfer of `amount` is over. `None`: so much was not on its way.
    pub fn land(&mut self, amount: u128, arrived: bool) -> Option<()> {
        let in_flight = self.in_flight.0.checked_sub(amount)?;
        if !arrived {
            self.receive(amount)?;
        }
        self.in_flight = U128(in_flight);
        Some(())
    }
}
