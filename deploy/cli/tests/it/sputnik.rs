//! What docs/dao.md has a Sputnik DAO send is what governance reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_types::governance::Choice;
use charter_types::governance::methods::vote;
use charter_types::method::{Deposit, Method};
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/dao.md");
/// More than a ballot's row takes, with the longest account id: a byte costs 1e19.
const ROW_YOCTO: u128 = 300 * 10_000_000_000_000_000_000;

#[test]
fn the_call_of_a_sputnik_dao_is_a_vote() {
    let section = PAGE.split("## A DAO on the council").nth(1).unwrap();
    let block = section.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let proposal: Value = serde_json::from_str(block).unwrap();
    let action = &proposal["proposal"]["kind"]["FunctionCall"]["actions"][0];
    assert_eq!(action["method_name"], vote::NAME);
    let args = STANDARD.decode(action["args"].as_str().unwrap()).unwrap();
    let read = vote::read(&args).unwrap();
    assert_eq!((read.proposal, read.choice), (4, Choice::Yes));
    let number = |field: &str| action[field].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(vote::RULE.deposit, Deposit::Storage);
    assert!(number("deposit") > ROW_YOCTO, "the rest comes back, and too little is refused");
    assert_eq!(number("gas"), u128::from(vote::RULE.gas.tgas()) * 1_000_000_000_000);
}
