//! How long random sequences are.

use std::fmt::Debug;

use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Fewer steps than these hardly get a chain anywhere.
const STEPS_MIN: usize = 30;

/// Rows of moves with [`STEPS_MIN`] steps at least, all of them together. A filter would keep what fails from being made
/// simpler; this one looks at what is drawn, and at nothing that is made of it.
#[derive(Debug)]
pub struct Long<S>(pub S);

impl<Op: Debug, S: Strategy<Value = Vec<Vec<Op>>>> Strategy for Long<S> {
    type Tree = S::Tree;
    type Value = Vec<Vec<Op>>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        loop {
            let tree = self.0.new_tree(runner)?;
            if tree.current().iter().map(Vec::len).sum::<usize>() >= STEPS_MIN {
                return Ok(tree);
            }
        }
    }
}

#[test]
fn a_drawn_sequence_is_long_and_is_made_simpler_as_far_as_it_goes() {
    let rows = proptest::collection::vec(proptest::collection::vec(0..9, 1..8), 4..12);
    let (long, mut runner) = (Long(rows), TestRunner::deterministic());
    let steps = |tree: &dyn ValueTree<Value = Vec<Vec<i32>>>| tree.current().iter().map(Vec::len).sum::<usize>();
    for _ in 0..100 {
        let mut tree = long.new_tree(&mut runner).unwrap();
        assert!(steps(&tree) >= STEPS_MIN);
        while tree.simplify() {}
        assert!(steps(&tree) < STEPS_MIN);
    }
}
