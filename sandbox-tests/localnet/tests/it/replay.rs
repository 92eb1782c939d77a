//! Recorded nearcore history replays without a difference, up to what is refused by name.

use charter_localnet::replay::replay;

#[test]
fn recorded_history_is_equal_up_to_the_first_global_contract() {
    let lines = replay(include_str!("../data/history.json")).unwrap();
    let equal = lines.iter().take_while(|line| line.differences.is_empty());
    let names: Vec<_> = equal.map(|line| line.name.as_str()).collect();
    assert_eq!(names.len(), 41, "{}", lines[names.len()]);
    assert!(names.contains(&"joined promises, one failing"));
    assert!(lines[41].name.starts_with("global contract"), "{}", lines[41]);
}
