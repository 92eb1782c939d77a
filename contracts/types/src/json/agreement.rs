//! Contracts read by `FromJson`, programs by serde. [`check`] holds the two to the same answers, and every type that is
//! declared with `#[wire]` has a test that calls it. Values come from the type's own schema, so there is nothing to write
//! for a new type, and the ABI is held to what is read as well.
//!
//! Drop `strict ||` or `names.contains(..)` in `Json::in_order`, `Null` in `Json::or_default`, the bound in `Json::number`,
//! the length in `Json::items` or the test in `Json::nothing`, and it fails.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use schemars::schema::{InstanceType, ObjectValidation, RootSchema, Schema, SchemaObject, SingleOrVec};
use schemars::{JsonSchema, Map};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{FromJson, read};
use crate::{AnyKey, Base64Bytes, Ed25519Key, Hash32, Signature64, U128, X25519Key};

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

/// Everything a type's schema allows.
fn values_of<T: JsonSchema>() -> BoxedStrategy<Value> {
    let RootSchema { schema, definitions, .. } = schemars::schema_for!(T);
    text(&T::schema_name()).unwrap_or_else(|| values(&Schema::Object(schema), &definitions))
}

/// Strings of types whose schema says no more than that they are strings.
fn text(name: &str) -> Option<BoxedStrategy<Value>> {
    let short = vec(any::<u8>(), 0..9);
    Some(match name {
        "Hash32" => any::<[u8; 32]>().prop_map(|bytes| json!(Hash32(bytes))).boxed(),
        "U128" => any::<u128>().prop_map(|number| json!(U128(number))).boxed(),
        "Base64Bytes" => short.prop_map(|bytes| json!(Base64Bytes(bytes))).boxed(),
        "Ed25519Key" => any::<[u8; 32]>().prop_map(|bytes| json!(Ed25519Key(bytes))).boxed(),
        "X25519Key" => any::<[u8; 32]>().prop_map(|bytes| json!(X25519Key(bytes))).boxed(),
        "AnyKey" => any::<([u8; 32], bool)>()
            .prop_map(|(bytes, x25519)| {
                json!(if x25519 { AnyKey::X25519(X25519Key(bytes)) } else { AnyKey::Ed25519(Ed25519Key(bytes)) })
            })
            .boxed(),
        "Signature64" => any::<[u8; 64]>().prop_map(|bytes| json!(Signature64(bytes))).boxed(),
        _ => return None,
    })
}

type Definitions = Map<String, Schema>;

fn values(schema: &Schema, definitions: &Definitions) -> BoxedStrategy<Value> {
    let Schema::Object(schema) = schema else { panic!("a schema that says nothing") };
    if let Some(reference) = &schema.reference {
        let name = reference.trim_start_matches("#/definitions/");
        return text(name).unwrap_or_else(|| values(&definitions[name], definitions));
    }
    if let Some(sub) = &schema.subschemas {
        let choices = sub.all_of.iter().chain(&sub.any_of).chain(&sub.one_of).flatten();
        return Union::new(choices.map(|choice| values(choice, definitions))).boxed();
    }
    if let Some(names) = &schema.enum_values {
        return select(names.clone()).boxed();
    }
    let kinds = match schema.instance_type.as_ref().expect("a schema without a type") {
        SingleOrVec::Single(kind) => vec![**kind],
        SingleOrVec::Vec(kinds) => kinds.clone(),
    };
    Union::new(kinds.into_iter().map(|kind| values_of_kind(kind, schema, definitions))).boxed()
}

fn values_of_kind(kind: InstanceType, schema: &SchemaObject, definitions: &Definitions) -> BoxedStrategy<Value> {
    match kind {
        InstanceType::Null => Just(Value::Null).boxed(),
        InstanceType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        InstanceType::Integer => {
            let max = match schema.format.as_deref() {
                Some("uint8") => u64::from(u8::MAX),
                Some("uint16") => u64::from(u16::MAX),
                Some("uint32") => u64::from(u32::MAX),
                Some("uint64") => u64::MAX,
                other => panic!("numbers of format {other:?}"),
            };
            prop_oneof![0..=max, Just(0), Just(max)].prop_map(Value::from).boxed()
        }
        InstanceType::Number => panic!("there are no fractions"),
        // In schemas an account is no more than a string.
        InstanceType::String => "[a-z0-9]{2,9}(\\.[a-z]{2,5})?".prop_map(Value::String).boxed(),
        InstanceType::Array => match schema.array.as_ref().and_then(|array| array.items.as_ref()) {
            Some(SingleOrVec::Single(item)) => vec(values(item, definitions), 0..4).prop_map(Value::Array).boxed(),
            Some(SingleOrVec::Vec(items)) => {
                let items: Vec<_> = items.iter().map(|item| values(item, definitions)).collect();
                items.prop_map(Value::Array).boxed()
            }
            None => panic!("a list of nothing"),
        },
        InstanceType::Object => objects(schema.object.as_deref(), definitions),
    }
}

/// Objects; a field that may be missing sometimes is, or is `null`.
fn objects(object: Option<&ObjectValidation>, definitions: &Definitions) -> BoxedStrategy<Value> {
    let Some(object) = object else { return Just(json!({})).boxed() };
    let field = |(name, schema): (&String, &Schema)| {
        let there = values(schema, definitions).prop_map(Some);
        let value = if object.required.contains(name) {
            there.boxed()
        } else {
            prop_oneof![2 => there, 1 => Just(None), 1 => Just(Some(Value::Null))].boxed()
        };
        (Just(name.clone()), value)
    };
    let fields: Vec<_> = object.properties.iter().map(field).collect();
    fields
        .prop_map(|fields| fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Value>())
        .boxed()
}
