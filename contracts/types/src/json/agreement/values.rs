//! Arbitrary values of any wire type, from its schema. The indexer's tests include this file, too.

use charter_types::{
    AnyKey, AnySignature, Base64Bytes, Ed25519Key, EthAddress, Hash32, Signature64, Signature65, U128, X25519Key,
};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::Union;
use schemars::schema::{InstanceType, ObjectValidation, RootSchema, Schema, SchemaObject, SingleOrVec};
use schemars::{JsonSchema, Map};
use serde_json::{Value, json};

/// Everything a type's schema allows.
pub fn values_of<T: JsonSchema>() -> BoxedStrategy<Value> {
    let RootSchema { schema, definitions, .. } = schemars::schema_for!(T);
    text(&T::schema_name()).unwrap_or_else(|| values(&Schema::Object(schema), &definitions))
}

/// Strings of types whose schema says no more than that they are strings.
fn text(name: &str) -> Option<BoxedStrategy<Value>> {
    let short = vec(any::<u8>(), 0..9);
    Some(match name {
        "Hash32" => any::<[u8; 32]>().prop_map(|bytes| json!(Hash32(bytes))).boxed(),
        "U128" => prop_oneof![any::<u128>(), Just(0), Just(u128::MAX)].prop_map(|number| json!(U128(number))).boxed(),
        "Base64Bytes" => short.prop_map(|bytes| json!(Base64Bytes(bytes))).boxed(),
        "Ed25519Key" => any::<[u8; 32]>().prop_map(|bytes| json!(Ed25519Key(bytes))).boxed(),
        "X25519Key" => any::<[u8; 32]>().prop_map(|bytes| json!(X25519Key(bytes))).boxed(),
        "AnyKey" => any::<([u8; 32], bool)>()
            .prop_map(|(bytes, x25519)| {
                json!(if x25519 { AnyKey::X25519(X25519Key(bytes)) } else { AnyKey::Ed25519(Ed25519Key(bytes)) })
            })
            .boxed(),
        "Signature64" => any::<[u8; 64]>().prop_map(|bytes| json!(Signature64(bytes))).boxed(),
        "Signature65" => any::<[u8; 65]>().prop_map(|bytes| json!(Signature65(bytes))).boxed(),
        "AnySignature" => any::<([u8; 65], bool)>()
            .prop_map(|(bytes, secp256k1)| {
                let [first @ .., _] = bytes;
                let ed25519 = AnySignature::Ed25519(Signature64(first));
                json!(if secp256k1 { AnySignature::Secp256k1(Signature65(bytes)) } else { ed25519 })
            })
            .boxed(),
        "EthAddress" => any::<[u8; 20]>().prop_map(|bytes| json!(EthAddress(bytes))).boxed(),
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
