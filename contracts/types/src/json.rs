//! Reading a call's JSON in a contract.
//!
//! serde's derived readers cost 1 to 3 kB of wasm per type, and contracts have dozens. Here the text is parsed once, by
//! serde_json, into a [`Json`] tree, and each type takes its fields out of it in a few calls (`from_json!`). Programs
//! off chain keep using serde's derives; a test holds both to the same answers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::AccountId;

/// A parsed value. There are no fractions and no negative numbers in Charter's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Parses one document; what follows it, a field named twice, and nesting beyond 128 are refused.
pub fn parse(bytes: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// Parses and reads a value.
pub fn read<T: FromJson>(bytes: &[u8]) -> Result<T, String> {
    T::from_json(parse(bytes)?)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON without fractions and negative numbers")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Err(E::custom("expected a number of 0 to 2^64-1"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Err(E::custom("expected a number of 0 to 2^64-1"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry::<String, Json>()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

/// A type that is read from JSON on chain.
pub trait FromJson: Sized {
    fn from_json(json: Json) -> Result<Self, String>;

    /// What a missing field of this type means, if it means anything.
    fn absent() -> Option<Self> {
        None
    }
}

/// The fields of an object that nobody has taken yet.
pub struct Fields(Vec<(String, Json)>);

impl Fields {
    pub fn of(json: Json) -> Result<Self, String> {
        match json {
            Json::Object(fields) => Ok(Self(fields)),
            _ => Err("expected an object".to_owned()),
        }
    }

    fn remove(&mut self, name: &str) -> Option<Json> {
        let position = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(position).1)
    }

    /// A field; `default` stands in for one that is missing or `null`, which is how ABIs say that it may be missing.
    pub fn take<T: FromJson>(&mut self, name: &str, default: Option<T>) -> Result<T, String> {
        let read = match (self.remove(name), default) {
            (None | Some(Json::Null), Some(default)) => Ok(default),
            (Some(json), _) => T::from_json(json),
            (None, None) => T::absent().ok_or_else(|| "it is missing".to_owned()),
        };
        read.map_err(|wrong| inside(name, &wrong))
    }

    /// Refuses what is left: a field nobody knows, or one named twice.
    pub fn finish(&self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(inside(name, "unknown, or named twice")),
        }
    }
}

fn inside(name: &str, wrong: &str) -> String {
    ["field ", name, ": ", wrong].concat()
}

/// For serde what [`Fields::take`] does with a default: `null` stands for it too.
pub(crate) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads an enum as serde writes it by default: a variant without data is its name, one with data an object with the name
/// as its only field.
pub fn variant(json: Json) -> Result<(String, Option<Json>), String> {
    match json {
        Json::Text(name) => Ok((name, None)),
        Json::Object(mut fields) if fields.len() == 1 => {
            let (name, data) = fields.remove(0);
            Ok((name, Some(data)))
        }
        _ => Err("expected the name of a variant, or an object with it as only field".to_owned()),
    }
}

pub fn unknown_variant<T>(name: &str) -> Result<T, String> {
    Err(["unknown variant ", name].concat())
}

/// Makes a struct or an enum of plain names readable on chain.
///
/// `from_json!(Card { uri, sha256 })`; a field with a default is `from = 0`; an enum is
/// `from_json!(enum Method { "GET" => Get })`; arguments that a NEP defines are `lenient`: unknown fields are ignored.
/// Leaving a field out does not compile.
#[macro_export]
macro_rules! from_json {
    (enum $name:ident { $($text:literal => $variant:ident),* $(,)? }) => {
        impl $crate::json::FromJson for $name {
            fn from_json(json: $crate::json::Json) -> Result<Self, String> {
                match json {
                    $($crate::json::Json::Text(name) if name == $text => Ok(Self::$variant),)*
                    $crate::json::Json::Text(name) => $crate::json::unknown_variant(&name),
                    _ => Err("expected the name of a variant".to_owned()),
                }
            }
        }
    };
    (lenient $($rest:tt)*) => { $crate::from_json!(@structure [(|_| Ok(()))] $($rest)*); };
    (@structure [$finish:expr] $name:ident { $($field:ident $(= $default:expr)?),* $(,)? }) => {
        impl $crate::json::FromJson for $name {
            fn from_json(json: $crate::json::Json) -> Result<Self, String> {
                let fields = &mut $crate::json::Fields::of(json)?;
                let made = Self {
                    $($field: fields.take(stringify!($field), $crate::from_json!(@default $($default)?))?,)*
                };
                let finish: fn(&$crate::json::Fields) -> Result<(), String> = $finish;
                finish(fields)?;
                Ok(made)
            }
        }
    };
    ($name:ident $($rest:tt)*) => { $crate::from_json!(@structure [$crate::json::Fields::finish] $name $($rest)*); };
    (@default) => { None };
    (@default $default:expr) => { Some($default) };
}

/// Makes a type readable whose JSON is a string in its one spelling.
#[macro_export]
macro_rules! from_json_text {
    ($($name:ty),*) => {
        $(impl $crate::json::FromJson for $name {
            fn from_json(json: $crate::json::Json) -> Result<Self, String> {
                let text = <String as $crate::json::FromJson>::from_json(json)?;
                text.parse().map_err(|error: <Self as std::str::FromStr>::Err| error.to_string())
            }
        })*
    };
}

/// Types of our own that are text in JSON: read on chain, and described in ABIs.
#[macro_export]
macro_rules! json_text {
    ($($name:ident),*) => {
        $crate::from_json_text!($($name),*);
        $(#[cfg(not(near))]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> String {
                stringify!($name).to_owned()
            }

            fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                String::json_schema(generator)
            }
        })*
    };
}

from_json_text!(AccountId);

impl FromJson for String {
    fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::Text(text) => Ok(text),
            _ => Err("expected a string".to_owned()),
        }
    }
}

impl FromJson for bool {
    fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::Bool(value) => Ok(value),
            _ => Err("expected true or false".to_owned()),
        }
    }
}

impl FromJson for u64 {
    fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::Number(value) => Ok(value),
            _ => Err("expected a number".to_owned()),
        }
    }
}

macro_rules! smaller_numbers {
    ($($name:ty),*) => {
        $(impl FromJson for $name {
            fn from_json(json: Json) -> Result<Self, String> {
                let too_big = |_| ["expected at most ", &Self::MAX.to_string()].concat();
                Self::try_from(u64::from_json(json)?).map_err(too_big)
            }
        })*
    };
}
smaller_numbers!(u8, u16, u32);

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: Json) -> Result<Self, String> {
        if json == Json::Null { Ok(None) } else { T::from_json(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: Json) -> Result<Self, String> {
        match json {
            Json::List(items) => items.into_iter().map(T::from_json).collect(),
            _ => Err("expected a list".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, parse, read};
    use crate::keys::Grantee;
    use crate::registry::args::{RegisterAgent, SetCard};

    #[test]
    fn fractions_negatives_tails_and_depth_are_refused() {
        assert_eq!(
            parse(b"[1, null, \"a\\u0041\"]"),
            Ok(Json::List(vec![Json::Number(1), Json::Null, Json::Text("aA".to_owned())]))
        );
        for text in ["1.5", "-1", "1e3", "18446744073709551616", "{} {}", "", "{\"a\": 01}"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let deep = |depth| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(parse(deep(100).as_bytes()).is_ok());
        assert!(parse(deep(1_000).as_bytes()).is_err());
    }

    #[test]
    fn a_wrong_field_is_named() {
        let card = r#"{"uri": "u", "sha256": "11"}"#;
        let text = format!(r#"{{"agent": 1, "card": {card}, "expected_revision": 1}}"#);
        let wrong = read::<SetCard>(text.as_bytes()).unwrap_err();
        assert!(wrong.starts_with("field card: field sha256: expected 64 lower-case hex digits"), "{wrong}");
        let missing = read::<SetCard>(br#"{"agent": 1}"#).unwrap_err();
        assert_eq!(missing, "field card: it is missing");
        let twice = read::<RegisterAgent>(br#"{"card": {"uri": "u", "uri": "v"}}"#).unwrap_err();
        assert!(twice.starts_with("field card: "), "{twice}");
        assert!(read::<Grantee>(br#""host""#).is_err());
        assert_eq!(read::<Grantee>(br#"{"host": 3}"#), Ok(Grantee::Host(3)));
    }
}
