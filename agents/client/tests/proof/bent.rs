//! One field or one byte of a rightful answer is another: it is refused, or means exactly what it meant. Where it may
//! mean what it meant is said field by field, and each of these is one that no hash and no signature is over.

use std::fmt::Debug;
use std::sync::LazyLock;

use charter_client::proof::{
    AccountRoot, BlockProof, Checkpoint, OutcomeProof, block, lite, outcome, state, state_prefix,
};
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{BlockHeaderView, LightClientBlockView, StateItem, ViewStateResult};
use proptest::prelude::{ProptestConfig, any, proptest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chain::{EPOCH, views};
use crate::world::{HEAD, REGISTRY, TOLD, WHOLE, WORLD, account, data_key, entries, receipt};

/// Never fewer, whatever `PROPTEST_CASES` says.
const CASES_MIN: u32 = 3_000;

fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(CASES_MIN).max(CASES_MIN)
}

/// A rightful answer.
struct Kind {
    name: &'static str,
    answer: Value,
    /// How a program reads it: what the same is written like.
    normal: fn(Value) -> Option<Value>,
    /// What it proves, if anything.
    judge: fn(Value) -> Option<String>,
    free: &'static [Free],
}

/// Where nothing is committed to.
enum Free {
    /// There and below.
    Below(&'static str),
    /// Items of this list may be missing: who did not approve is not counted, and the others may be enough.
    Missing(&'static str),
    /// The list may be longer or in another order, or be cut by its last.
    Order(&'static str),
}

fn read<T: DeserializeOwned>(answer: Value) -> Option<T> {
    serde_json::from_value(answer).ok()
}

fn normal<T: DeserializeOwned + Serialize>(answer: Value) -> Option<Value> {
    serde_json::to_value(read::<T>(answer)?).ok()
}

fn told(proven: impl Debug) -> String {
    format!("{proven:?}")
}

#[derive(Serialize, Deserialize)]
struct Trusted {
    header: BlockHeaderView,
    producers: Vec<ValidatorStakeView>,
}

const CHECKPOINT: usize = 2 * EPOCH + 1;
/// Of an even number, so that all approve, and where nobody of the next epoch does.
const NEXT: usize = 3 * EPOCH;

fn of_a_head() -> Kind {
    Kind {
        name: "next_light_client_block",
        answer: json!(WORLD.chain.light(NEXT)),
        normal: normal::<LightClientBlockView>,
        judge: |answer| {
            let view: LightClientBlockView = read(answer)?;
            WORLD.chain.trusted(CHECKPOINT).advance(&view).ok().map(told)
        },
        free: &[
            // For people: machines read the one that is a string.
            Free::Below("/inner_lite/timestamp"),
            Free::Missing("/approvals_after_next"),
            Free::Order("/approvals_after_next"),
        ],
    }
}

fn of_a_checkpoint() -> Kind {
    let (header, producers) = (WORLD.chain.header(CHECKPOINT), views(&WORLD.chain.producers(3)));
    Kind {
        name: "block, EXPERIMENTAL_validators_ordered",
        answer: json!(Trusted { header, producers }),
        normal: normal::<Trusted>,
        judge: |answer| {
            let Trusted { header, producers } = read(answer)?;
            let trusted = *WORLD.chain.headers[CHECKPOINT].hash();
            Checkpoint::new(trusted, &lite(&header).ok()?, &producers).ok().map(told)
        },
        free: &[
            Free::Below("/header/timestamp"),
            // What headers had once.
            Free::Below("/header/challenges_root"),
            Free::Below("/header/challenges_result"),
            Free::Below("/header/rent_paid"),
            Free::Below("/header/validator_reward"),
            // The number of chunks in `chunk_mask`.
            Free::Below("/header/chunks_included"),
            // The producer's own, which is over the hash.
            Free::Below("/header/signature"),
        ],
    }
}

fn of_an_outcome(name: &'static str, place: usize, judge: fn(Value) -> Option<String>) -> Kind {
    Kind {
        name,
        answer: json!(WORLD.chain.outcome_proof((TOLD, 0, place), HEAD)),
        normal: normal::<OutcomeProof>,
        judge,
        free: &[
            Free::Below("/block_header_lite/inner_lite/timestamp"),
            // The node's word: the block is the one whose header is shown.
            Free::Below("/outcome_proof/block_hash"),
            // What the gas went for.
            Free::Below("/outcome_proof/outcome/metadata"),
            // Why it failed, but not that it did.
            Free::Below("/outcome_proof/outcome/status/Failure"),
        ],
    }
}

fn judge_outcome(answer: Value, number: u64) -> Option<String> {
    let proof: OutcomeProof = read(answer)?;
    outcome(WORLD.chain.trusted(HEAD).tip(), receipt(number), &account(REGISTRY), &proof).ok().map(told)
}

fn of_a_block() -> Kind {
    Kind {
        name: "EXPERIMENTAL_light_client_block_proof",
        answer: json!(WORLD.chain.block_proof(WHOLE, HEAD)),
        normal: normal::<BlockProof>,
        judge: |answer| {
            let proof: BlockProof = read(answer)?;
            block(WORLD.chain.trusted(HEAD).tip(), &proof).ok().map(told)
        },
        free: &[Free::Below("/block_header_lite/inner_lite/timestamp")],
    }
}

fn root() -> AccountRoot {
    let state_root = *WORLD.chain.headers[WHOLE].prev_state_root();
    AccountRoot::of_only(state_root, WORLD.whole.root, &account(REGISTRY)).unwrap()
}

/// What `view_state` answers for the registry, with proof.
fn view_state() -> Value {
    let values = entries().into_iter().map(|(key, value)| StateItem { key: key.into(), value: value.into() });
    let proof = WORLD.whole.nodes(&data_key(REGISTRY, b""));
    json!(ViewStateResult { values: values.collect(), proof, last_key: None })
}

fn of_a_state() -> Kind {
    Kind {
        name: "view_state",
        answer: view_state(),
        normal: normal::<ViewStateResult>,
        judge: |answer| {
            let ViewStateResult { values, proof, .. } = read(answer)?;
            state_prefix(&root(), b"", &values, &proof).ok()?;
            Some(told(values))
        },
        // None that is needed is left out.
        free: &[Free::Order("/proof")],
    }
}

fn of_an_absence() -> Kind {
    Kind {
        name: "view_state of a key that is not there",
        answer: view_state(),
        normal: normal::<ViewStateResult>,
        judge: |answer| {
            let ViewStateResult { values, proof, .. } = read(answer)?;
            let key = b"a\x02".as_slice();
            let value = values.iter().find(|item| item.key.as_slice() == key);
            state(&root(), key, value.map(|item| item.value.as_slice()), &proof).ok()?;
            Some(told(value))
        },
        // Other entries and their nodes say nothing about it.
        free: &[Free::Below("/proof"), Free::Below("/values")],
    }
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    vec![
        of_a_head(),
        of_a_checkpoint(),
        of_an_outcome("light_client_proof", 0, |answer| judge_outcome(answer, 1)),
        of_an_outcome("light_client_proof of a failure", 2, |answer| judge_outcome(answer, 3)),
        of_a_block(),
        of_a_state(),
        of_an_absence(),
    ]
});

/// JSON pointers to all in a value, and to itself.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            let numbered = items.iter().enumerate();
            numbered.for_each(|(index, item)| places(item, &format!("{place}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| places(field, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
    found.push(place.to_owned());
}

/// One character is another of those that hashes, numbers, names and bytes are written with.
fn bend_text(text: &str, at: usize, how: u8) -> String {
    const LETTERS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = text.as_bytes().to_vec();
    let (length, letter) = (bytes.len().max(1), LETTERS[usize::from(how) % LETTERS.len()]);
    match how % 8 {
        0 => bytes.truncate(length - 1),
        1 => bytes.insert(at % length, letter),
        2 => bytes.clear(),
        _ if bytes.is_empty() => bytes.push(letter),
        _ => {
            let place = &mut bytes[at % length];
            *place = if place.is_ascii_digit() { b'0' + how % 10 } else { letter };
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn bend_list(items: &mut Vec<Value>, at: usize, how: u8) {
    let Some(last) = items.len().checked_sub(1) else {
        items.push(json!(how));
        return;
    };
    let place = at % items.len();
    match how % 6 {
        0 => drop(items.remove(place)),
        1 => items.push(items[place].clone()),
        2 => items.insert(place, items[place].clone()),
        3 => items.swap(place, last),
        4 => items.clear(),
        _ => items.reverse(),
    }
}

fn bend(value: &mut Value, at: usize, how: u8) {
    let others = [json!([]), json!(0), json!(true), json!("11111111111111111111111111111111"), json!("")];
    match value {
        Value::Null => *value = others[usize::from(how) % others.len()].clone(),
        _ if how % 16 == 15 => *value = Value::Null,
        Value::Bool(is_so) => *is_so = !*is_so,
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            let others = [number.wrapping_add(1), number.wrapping_sub(1), number ^ (1_u64 << (at % 64)), 0, u64::MAX];
            *value = json!(others[usize::from(how) % others.len()]);
        }
        Value::String(text) => *text = bend_text(text, at, how),
        Value::Array(items) => bend_list(items, at, how),
        Value::Object(fields) => fields.clear(),
    }
}

impl Kind {
    /// The answer with something else in one place: which, and what is there now.
    fn bent(&self, place: usize, at: usize, how: u8) -> (String, Value) {
        let mut found = Vec::new();
        places(&self.answer, "", &mut found);
        let place = found.swap_remove(place % found.len());
        let mut answer = self.answer.clone();
        bend(answer.pointer_mut(&place).unwrap(), at, how);
        (place, answer)
    }

    /// Whether what is in a place now may mean what was there before.
    fn is_free(&self, place: &str, bent: &Value) -> bool {
        let item_of = |list: &str| place.strip_prefix(list).is_some_and(|rest| rest.starts_with('/'));
        self.free.iter().any(|free| match *free {
            Free::Below(below) => place == below || item_of(below),
            Free::Missing(list) => item_of(list) && bent.pointer(place).is_some_and(Value::is_null),
            Free::Order(list) => place == list,
        })
    }
}

#[test]
fn answers_that_nobody_bent_are_believed() {
    for kind in &*KINDS {
        assert!((kind.judge)(kind.answer.clone()).is_some(), "{}", kind.name);
        assert_eq!((kind.normal)(kind.answer.clone()).as_ref(), Some(&kind.answer), "{}", kind.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Take any check out of the module, and this or a test that is named for it fails.
    #[test]
    fn a_bent_answer_is_refused_or_means_what_it_meant(
        kind in any::<usize>(), place in any::<usize>(), at in any::<usize>(), how in any::<u8>()
    ) {
        let kind = &KINDS[kind % KINDS.len()];
        // Some ways of writing a thing are as good as others, and some ways to bend one leave it as it was.
        let mut ways = (0..=u8::MAX).map(|more| kind.bent(place, at, how.wrapping_add(more)));
        let is_other = |bent: &Value| (kind.normal)(bent.clone()).as_ref() != Some(&kind.answer);
        let (place, bent) = ways.find(|(_, bent)| is_other(bent)).unwrap();
        let before = (kind.judge)(kind.answer.clone());
        let after = (kind.judge)(bent.clone());
        assert!(after.is_none() || (after == before && kind.is_free(&place, &bent)), "{}: {place}: {bent}", kind.name);
    }
}
