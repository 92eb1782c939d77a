//! A contract's own state and its versions.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::error::CommonError;
use near_sdk::env;

use crate::{Answer, Core, Standard, corrupt};

/// The first field of a contract's state: a byte with the number of its layout. Release `faa0a5a` had none; its state
/// begins with the length of the admin's account id, 2 to 64, which is no layout's number: after 1 comes 65.
#[derive(Clone, Copy, Default)]
pub struct LayoutVersion<const NUMBER: u8>;

impl<const NUMBER: u8> BorshSerialize for LayoutVersion<NUMBER> {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        NUMBER.serialize(writer)
    }
}

impl<const NUMBER: u8> BorshDeserialize for LayoutVersion<NUMBER> {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        if u8::deserialize_reader(reader)? == NUMBER { Ok(Self) } else { Err(std::io::ErrorKind::InvalidData.into()) }
    }
}

/// A contract's state, with what all contracts have in it.
pub trait Chartered {
    /// Of its events.
    const STANDARD: Standard;

    fn core(&mut self) -> &mut Core;
}

/// A contract's state, which knows its earlier layouts.
pub trait Migrate: BorshDeserialize {
    /// The state in an earlier layout, brought up to this one.
    fn from_earlier(state: &[u8]) -> Option<Self>;

    /// Money of others that the contract keeps besides their storage accounts, yoctoNEAR.
    fn held(&self) -> u128 {
        0
    }
}

pub(crate) const STATE: &[u8] = b"STATE";

/// The state as whatever code ran before has left it.
pub fn read_state<S: Migrate>() -> Answer<S> {
    let missing = || CommonError::BadArguments { reason: "no state to migrate".to_owned() };
    let state = env::storage_read(STATE).ok_or_else(missing)?;
    Ok(borsh::from_slice(&state).ok().or_else(|| S::from_earlier(&state)).unwrap_or_else(|| corrupt()))
}

/// The same, told in an event.
pub fn migrate<S: Migrate + Chartered>() -> Answer<S> {
    let mut state = read_state::<S>()?;
    let held = state.held();
    let core = state.core();
    core.migrated(S::STANDARD)?;
    core.check_funds(held)?;
    Ok(state)
}
