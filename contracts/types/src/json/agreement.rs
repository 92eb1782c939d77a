//! Contracts read by `FromJson`, programs by serde. [`check`] holds the two to the same answers, and every type that is
//! declared with `#[wire]` has a test that calls it. Values come from the type's own schema (`values`), so there is nothing
//! to write for a new type, and the ABI is held to what is read as well.
//!
//! Drop `strict ||` or `names.contains(..)` in `Json::in_order`, `Null` in `Json::or_default`, the bound in `Json::number`,
//! the length in `Json::items` or the test in `Json::nothing`, and it fails.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{FromJson, read};
use values::values_of;

mod values;

/// Field that [`Change::Twice`] adds; in the text it gets the name of the one beside it.
const TWICE: &str = "~";

/// Arbitrary values are read alike and come back; with one thing changed in them they are refused by both readers or
/// still read alike.
///
/// Two spellings that serde knows and contracts do not are let pass: a list where a struct belongs, and `{"name": null}`
/// for a variant without data.
pub fn check<T: FromJson + JsonSchema + Serialize + DeserializeOwned + PartialEq + Debug>() {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let changes = vec((any::<Index>(), change()), 12);
    let run = TestRunner::new(config).run(&(values_of::<T>(), changes), |(value, changes)| {
        let text = value.to_string();
        prop_assert!(both::<T>(&text)?, "both refuse {}: {:?}", text, read::<T>(text.as_bytes()));
        for (place, change) in changes {
            both::<T>(&changed(value.clone(), place, change))?;
        }
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{}: {failure}", T::schema_name()));
}

/// Whether both readers take a text for the same value, and what they read comes back.
fn both<T: FromJson + Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> Result<bool, TestCaseError> {
    let on_chain = |text: &str| read::<T>(text.as_bytes());
    let off_chain = |text: &str| serde_json::from_str::<T>(text);
    match (on_chain(text), off_chain(text)) {
        (Ok(ours), Ok(theirs)) => {
            prop_assert_eq!(&ours, &theirs, "{}", text);
            let written = json!(ours).to_string();
            prop_assert_eq!(on_chain(&written), Ok(ours));
            prop_assert_eq!(off_chain(&written).unwrap(), theirs);
            return Ok(true);
        }
        (Err(why), Err(_)) => prop_assert!(!why.is_empty(), "{}: no reason", text),
        (Err(why), Ok(theirs)) => {
            let given = serde_json::from_str(text).unwrap();
            prop_assert!(spelled_otherwise(&given, &json!(theirs)), "refused on chain only, {}: {}", why, text);
        }
        (Ok(ours), Err(why)) => prop_assert!(false, "refused off chain only, {}: {}: {:?}", why, text, ours),
    }
    Ok(false)
}

fn spelled_otherwise(given: &Value, meant: &Value) -> bool {
    match (given, meant) {
        (Value::Array(_), Value::Object(_)) => true,
        (Value::Object(given), Value::String(name)) => given.len() == 1 && given.get(name) == Some(&Value::Null),
        (Value::Object(given), Value::Object(meant)) => {
            given.iter().any(|(name, given)| meant.get(name).is_some_and(|meant| spelled_otherwise(given, meant)))
        }
        (Value::Array(given), Value::Array(meant)) => {
            given.iter().zip(meant).any(|(given, meant)| spelled_otherwise(given, meant))
        }
        _ => false,
    }
}

#[derive(Clone, Debug)]
enum Change {
    Other(Value),
    Unknown,
    Less(Index),
    Twice(Index),
    /// One more item in a list.
    Longer,
    /// A name gets data.
    Data,
}

impl Change {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Other(_) => true,
            Self::Unknown | Self::Less(_) | Self::Twice(_) => value.is_object(),
            Self::Longer => value.is_array(),
            Self::Data => value.is_string(),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let odd = [
        json!(null),
        json!(0),
        json!(256),
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!("?"),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "?": null }),
    ];
    prop_oneof![
        3 => select(odd.to_vec()).prop_map(Change::Other),
        2 => "\\PC{0,9}|[\"\\\\/\n\u{0}]{1,3}".prop_map(|text| Change::Other(json!(text))),
        1 => Just(Change::Unknown),
        1 => any::<Index>().prop_map(Change::Less),
        1 => any::<Index>().prop_map(Change::Twice),
        1 => Just(Change::Longer),
        1 => Just(Change::Data),
    ]
}

/// The text of a value with a change somewhere in it.
fn changed(mut value: Value, place: Index, change: Change) -> String {
    let mut places = places(&value);
    places.retain(|place| value.pointer(place).is_some_and(|value| change.fits(value)));
    if places.is_empty() {
        return value.to_string();
    }
    let node = value.pointer_mut(&places[place.index(places.len())]).unwrap();
    match (change, node) {
        (Change::Other(other), node) => *node = other,
        (Change::Unknown, Value::Object(fields)) => drop(fields.insert("unknown".to_owned(), json!(1))),
        (Change::Longer, Value::Array(items)) => items.push(items.last().cloned().unwrap_or(Value::Null)),
        (Change::Data, node) => *node = json!({ node.as_str().unwrap_or_default(): 1 }),
        (Change::Less(which), Value::Object(fields)) if !fields.is_empty() => {
            let name = fields.keys().nth(which.index(fields.len())).unwrap().clone();
            fields.remove(&name);
        }
        (Change::Twice(which), Value::Object(fields)) if !fields.is_empty() => {
            let (name, field) = fields.iter().nth(which.index(fields.len())).unwrap();
            let (name, field) = (json!(name), field.clone());
            fields.insert(TWICE.to_owned(), field);
            return value.to_string().replace(&json!(TWICE).to_string(), &name.to_string());
        }
        _ => {}
    }
    value.to_string()
}

/// JSON pointers to a value and all that is in it. Names of fields need no escapes.
fn places(value: &Value) -> Vec<String> {
    let below = |name: &str, inner: &Value| -> Vec<String> {
        places(inner).iter().map(|place| format!("/{name}{place}")).collect()
    };
    let inner = match value {
        Value::Object(fields) => fields.iter().flat_map(|(name, field)| below(name, field)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| below(&index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    [vec![String::new()], inner].concat()
}
