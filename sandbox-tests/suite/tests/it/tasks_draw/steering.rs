//! A worker that has a friend among the reviewers, reveals its work and looks at the panel in one transaction, with just too
//! little gas for a panel on which the friend does not sit: then all of the transaction is undone, and it tries again.

use charter_harness::{Call, Harness};
use charter_types::tasks::args::TaskRef;
use near_workspaces::operations::Function;
use near_workspaces::types::Gas;
use near_workspaces::{Account, AccountId};

use super::odds::Score;
use crate::tasks_wire as wire;

/// How often it tries before it takes what comes.
const TRIES: usize = 16;
/// More than a reveal or a look takes.
const ENOUGH: Gas = Gas::from_tgas(60);
/// A look takes more than the first and less than the last of these, in thousandths of a TGas.
const LOOKS: (u64, u64) = (50, 20_000);

fn function(call: &Call, gas: Gas) -> Function {
    Function::new(&call.method).args(call.args.clone()).gas(gas)
}

/// What is attacked.
pub struct Target<'a> {
    pub contract: &'a AccountId,
    pub reveal: Call,
    pub look: Call,
}

impl Target<'_> {
    async fn goes_through(&self, by: &Account, gas: Gas) -> bool {
        let batch = by.batch(self.contract).call(function(&self.reveal, ENOUGH)).call(function(&self.look, gas));
        batch.transact().await.unwrap().is_success()
    }

    /// How many reveals were undone.
    pub async fn steer(&self, by: &Account, gas: Gas) -> usize {
        for tries in 0..TRIES {
            if self.goes_through(by, gas).await {
                return tries;
            }
        }
        assert!(self.goes_through(by, ENOUGH).await, "a reveal with all gas goes through");
        TRIES
    }

    /// The most gas that does not suffice for a look.
    pub async fn just_too_little(&self, by: &Account) -> Gas {
        let (mut low, mut high) = LOOKS;
        while high - low > 1 {
            let middle = low.midpoint(high);
            let looked = by.batch(self.contract).call(function(&self.look, Gas::from_ggas(middle)));
            if looked.transact().await.unwrap().is_success() {
                high = middle;
            } else {
                low = middle;
            }
        }
        Gas::from_ggas(low)
    }
}

/// A contract that draws a panel of one of eight reviewers while work is revealed; whoever has one of the two short names
/// takes less gas to show.
const STAND_IN_NAIVE: &str = r#"(module
  (import "env" "random_seed" (func $seed (param i64)))
  (import "env" "read_register" (func $read (param i64 i64)))
  (import "env" "storage_write" (func $write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_read" (func $find (param i64 i64 i64) (result i64)))
  (import "env" "value_return" (func $answer (param i64 i64)))
  (memory 1)
  (data (i32.const 0) "panel")
  (func (export "reveal_work")
    (call $seed (i64.const 0))
    (call $read (i64.const 0) (i64.const 100))
    (i32.store8 (i32.const 200) (i32.add (i32.and (i32.load8_u (i32.const 100)) (i32.const 7)) (i32.const 48)))
    (drop (call $write (i64.const 5) (i64.const 0) (i64.const 1) (i64.const 200) (i64.const 1))))
  (func (export "task") (local $left i32)
    (drop (call $find (i64.const 5) (i64.const 0) (i64.const 0)))
    (call $read (i64.const 0) (i64.const 300))
    (if (i32.ge_u (i32.load8_u (i32.const 300)) (i32.const 50)) (then
      (local.set $left (i32.const 100000))
      (loop $again
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $again (local.get $left)))))
    (call $answer (i64.const 1) (i64.const 300))))"#;
const TASK: TaskRef = TaskRef { set: 1, index: 0 };
/// Two of eight.
const NAIVE_CHANCE: f64 = 0.25;

async fn is_liked(harness: &Harness, contract: &AccountId) -> bool {
    let shown = harness.raw_view(contract, wire::look(TASK)).await.unwrap();
    shown[0] < b'2'
}

/// The test of the real contract, of the naive one: without this it would prove nothing.
#[tokio::test]
async fn inv_tsk_5_a_draw_within_the_reveal_is_steered_by_gas() {
    let harness = Harness::start().await.unwrap();
    let (worker, naive) = (harness.account("worker").await.unwrap(), harness.account("naive").await.unwrap());
    naive.deploy(&wat::parse_str(STAND_IN_NAIVE).unwrap()).await.unwrap().into_result().unwrap();
    // It asks for nothing of what the calls say.
    let reveal = wire::reveal_work(TASK, b"cat", [0; 32]);
    let target = Target { contract: naive.id(), reveal, look: wire::look(TASK) };
    // Until a panel is there that it does not like.
    while target.goes_through(&worker, ENOUGH).await && is_liked(&harness, naive.id()).await {}
    let gas = target.just_too_little(&worker).await;
    let mut score = Score::default();
    for _ in 0..super::STEERED {
        target.steer(&worker, gas).await;
        score.add(is_liked(&harness, naive.id()).await, NAIVE_CHANCE);
    }
    assert!(!score.is_fair() && score.excess() > 0.0, "a naive contract is not steered: {score}");
    println!("drawn within the reveal: {score}");
}
