//! Conservation of storage money, over random operations and upgrades in between.
//!
//! After every step each account is charged exactly for its rows less the contract's shares, and a row that is written
//! as it is costs nobody anything; once all rows are gone everybody has back what was charged. Leave the share out of
//! `write` or of `remove` in `rows.rs`, or the `min` of `Share::put_into`, and this fails.

use charter_common::{StorageLedger, Stored};
use charter_types::AccountId;
use near_sdk::env;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestRunner;

use crate::migration::{Second, Stored1, Stored2, Stored3, Table, Thing, account, first, ledger};

const PEOPLE: [&str; 2] = ["alice", "bob"];

#[derive(Clone, Debug)]
enum Op {
    Upgrade,
    Put { row: u64, payer: usize, name: usize, tags: usize },
    Touch { row: u64 },
    HandOver { row: u64, payer: usize },
    Remove { row: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let (row, payer) = (0_u64..3, any::<bool>().prop_map(usize::from));
    let put = (row.clone(), payer.clone(), 0_usize..20, 0_usize..5);
    prop_oneof![
        1 => any::<bool>().prop_map(|_| Op::Upgrade),
        4 => put.prop_map(|(row, payer, name, tags)| Op::Put { row, payer, name, tags }),
        2 => row.clone().prop_map(|row| Op::Touch { row }),
        1 => (row.clone(), payer).prop_map(|(row, payer)| Op::HandOver { row, payer }),
        1 => row.prop_map(|row| Op::Remove { row }),
    ]
}

/// The table as the code of `release` has it.
struct World {
    release: u8,
    ledger: StorageLedger,
    base: [u64; 2],
}

impl World {
    fn used(&self) -> [u64; 2] {
        PEOPLE.map(|name| self.ledger.used_bytes(&account(name)))
    }

    fn put(&mut self, row: u64, payer: usize, name: &str, tags: Vec<u64>) {
        let (payer, name, ledger) = (account(PEOPLE[payer]), name.to_owned(), &mut self.ledger);
        match self.release {
            1 => Table::<Stored1>::default().put(&row, &payer, &first(&name), ledger),
            2 => {
                let second = Second { name, tags, notes: String::new() };
                Table::<Stored2>::default().put(&row, &payer, &second, ledger)
            }
            _ => Table::<Stored3>::default().put(&row, &payer, &Thing { name, tags, color: 1 }, ledger),
        }
        .unwrap();
    }

    fn touch(&mut self, row: u64) {
        match self.release {
            1 => touch::<Stored1>(row, &mut self.ledger),
            2 => touch::<Stored2>(row, &mut self.ledger),
            _ => touch::<Stored3>(row, &mut self.ledger),
        }
    }

    fn hand_over(&mut self, row: u64, payer: usize) {
        let payer = account(PEOPLE[payer]);
        match self.release {
            1 => hand_over::<Stored1>(row, &payer, &mut self.ledger),
            2 => hand_over::<Stored2>(row, &payer, &mut self.ledger),
            _ => hand_over::<Stored3>(row, &payer, &mut self.ledger),
        }
    }

    fn remove(&mut self, row: u64) {
        match self.release {
            1 => Table::<Stored1>::default().remove(&row, &mut self.ledger),
            2 => Table::<Stored2>::default().remove(&row, &mut self.ledger),
            _ => Table::<Stored3>::default().remove(&row, &mut self.ledger),
        };
    }

    fn step(&mut self, op: &Op) {
        let before = self.used();
        match *op {
            Op::Upgrade => self.release = 3.min(self.release + 1),
            Op::Put { row, payer, name, tags } => self.put(row, payer, &"n".repeat(name), vec![9; tags]),
            Op::Touch { row } => {
                self.touch(row);
                let after = self.used();
                assert!(after.iter().zip(before).all(|(after, before)| *after <= before), "a migration was charged");
            }
            Op::HandOver { row, payer } => self.hand_over(row, payer),
            Op::Remove { row } => self.remove(row),
        }
        assert_eq!(charged(), [0, 1].map(|index| self.used()[index] - self.base[index]), "after {op:?}");
    }
}

/// Writes a row as it is.
fn touch<S: Stored>(row: u64, ledger: &mut StorageLedger) {
    let table = Table::<S>::default();
    if let Some(record) = table.get(&row) {
        table.update(&row, &record, ledger).unwrap();
    }
}

fn hand_over<S: Stored>(row: u64, payer: &AccountId, ledger: &mut StorageLedger) {
    let table = Table::<S>::default();
    if let Some(record) = table.get(&row) {
        table.hand_over(&row, payer, &record, ledger).unwrap();
    }
}

/// What is charged for the rows that there are, read off their bytes.
fn charged() -> [u64; 2] {
    let mut sums = [0; 2];
    for row in 0..3_u64 {
        let key = [[1].as_slice(), &row.to_le_bytes()].concat();
        let Some(bytes) = env::storage_read(&key) else { continue };
        let (payer, value) = bytes.split_at(20);
        let payer = PEOPLE.iter().position(|name| {
            let hash = env::sha256_array(account(name).as_bytes());
            hash[..20] == *payer
        });
        let share = match value[0] & 0x80 {
            0 => 0,
            _ => 4 + u64::from(u32::from_le_bytes(value[1..5].try_into().unwrap())),
        };
        // NEAR adds 40 bytes to each row.
        sums[payer.unwrap()] += 40 + u64::try_from(key.len() + bytes.len()).unwrap() - share;
    }
    sums
}

#[test]
fn nobody_pays_for_a_migration_and_nobody_gains_by_one() {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&vec(op(), 1..40), |ops| {
            let mut world = World { release: 1, ledger: ledger(&PEOPLE), base: [0; 2] };
            (0..3).for_each(|row| world.remove(row));
            world.base = world.used();
            for op in &ops {
                world.step(op);
            }
            (0..3).for_each(|row| world.remove(row));
            assert_eq!(world.used(), world.base);
            Ok(())
        })
        .unwrap();
}
