//! The version byte in front of a contract's state.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{LayoutVersion, Migrate, read_state};
use near_sdk::env;

use crate::vm::next_call;

#[derive(BorshSerialize, BorshDeserialize)]
struct Unversioned {
    count: u64,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct State {
    layout: LayoutVersion<1>,
    count: u64,
    name: String,
}

impl Migrate for State {
    fn from_earlier(state: &[u8]) -> Option<Self> {
        let Unversioned { count } = borsh::from_slice(state).ok()?;
        Some(Self { layout: LayoutVersion, count, name: "new".to_owned() })
    }
}

#[test]
fn state_of_either_layout_is_read_and_written_in_the_newest() {
    next_call("alice.near", &serde_json::json!({}), 0);
    assert!(read_state::<State>().is_err(), "there is none");
    env::storage_write(b"STATE", &borsh::to_vec(&Unversioned { count: 3 }).unwrap());
    let mut state = read_state::<State>().unwrap();
    assert_eq!((state.count, state.name.as_str()), (3, "new"));
    state.name = "newer".to_owned();
    env::state_write(&state);
    assert_eq!(env::storage_read(b"STATE").unwrap()[0], 1);
    assert_eq!(read_state::<State>().unwrap().name, "newer");
}
