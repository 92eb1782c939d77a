//! A history recorded from nearcore replays without a difference.

use charter_localnet::replay::replay;

#[test]
fn recorded_history_is_equal() {
    let lines = replay(crate::HISTORY).unwrap().lines;
    let different: Vec<_> = lines.iter().filter(|line| !line.differences.is_empty()).collect();
    for line in &different {
        println!("{line}");
    }
    assert_eq!((lines.len(), different.len()), (58, 0));
}
