//! Reading a call's JSON in a contract.
//!
//! serde's derived readers cost 1 to 3 kB of wasm per type, and contracts have dozens (ADR 11). Here the text is parsed
//! once, by serde_json, into a [`Json`] tree, and each type takes its fields out of it in a few calls that
//! [`charter_derive::wire`] writes. Programs off chain use serde's derives; a test per type holds both to the same answers.
//!
//! What depends on a type is kept small: finding fields and names is one piece of code for all types, and what is wrong is
//! noted in the tree, so that readers hand up nothing but the fact.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

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
    Object(Vec<Field>),
    /// A field that is not there.
    Missing,
    /// What could not be read, and why.
    Wrong(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub json: Json,
}

/// A value can't be read; its tree says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong;

/// A type that is read from JSON on chain.
pub trait FromJson: Sized {
    /// Reads the value, and takes out of the tree what it needs of it.
    fn from_json(json: &mut Json) -> Result<Self, Wrong>;
}

/// Parses and reads a value.
pub fn read<T: FromJson>(bytes: &[u8]) -> Result<T, String> {
    let mut json = parse(bytes)?;
    match T::from_json(&mut json) {
        Ok(value) => Ok(value),
        Err(Wrong) => Err(why(&json)),
    }
}

/// Not a part of each reader: a contract has dozens, and pays for code by the byte.
#[inline(never)]
fn why(json: &Json) -> String {
    json.reason().unwrap_or_default()
}

#[inline(never)]
/// Parses one document; what follows it and nesting beyond 128 are refused.
fn parse(bytes: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

/// More than any argument has. Without it a list of ten thousand would be read before somebody counts it, which costs more
/// gas than the refusal of it has.
const ITEMS_MAX: usize = 1_024;

fn check_length<E: Error>(length: usize) -> Result<(), E> {
    if length < ITEMS_MAX { Ok(()) } else { Err(E::custom("expected at most 1024 items")) }
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
            check_length(list.len())?;
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some((name, json)) = fields.next_entry()? {
            check_length(object.len())?;
            object.push(Field { name, json });
        }
        Ok(Json::Object(object))
    }
}

impl Json {
    /// Notes what should have stood here.
    fn refuse(&mut self, expected: &str) -> Wrong {
        let why = if *self == Self::Missing { "it is missing" } else { expected };
        *self = Self::Wrong(why.to_owned());
        Wrong
    }

    /// What is wrong, and where.
    fn reason(&self) -> Option<String> {
        match self {
            Self::Wrong(why) => Some(why.clone()),
            Self::List(items) => items.iter().find_map(Self::reason),
            Self::Object(fields) => fields.iter().find_map(|Field { name, json }| {
                let why = json.reason()?;
                Some(["field ", name, ": ", &why].concat())
            }),
            _ => None,
        }
    }

    /// An object's fields of these names, in this order. A field named twice is refused, and in what is `strict` one of
    /// another name.
    pub fn fields<const N: usize>(&mut self, names: &[&str; N], strict: bool) -> Result<&mut [Field; N], Wrong> {
        self.in_order(names, strict)?.first_chunk_mut().ok_or(Wrong)
    }

    fn in_order(&mut self, names: &[&str], strict: bool) -> Result<&mut [Field], Wrong> {
        let Self::Object(fields) = self else { return Err(self.refuse("expected an object")) };
        for (index, name) in names.iter().enumerate() {
            let found = fields.iter().skip(index).position(|field| field.name == *name);
            let found = found.unwrap_or_else(|| {
                fields.push(Field { name: (*name).to_owned(), json: Self::Missing });
                fields.len() - 1 - index
            });
            fields.swap(index, index + found);
        }
        for field in &mut fields[names.len()..] {
            if strict || names.contains(&field.name.as_str()) {
                return Err(field.json.refuse("unknown, or named twice"));
            }
        }
        Ok(fields)
    }

    /// A list of exactly so many items.
    pub fn items<const N: usize>(&mut self) -> Result<&mut [Self; N], Wrong> {
        if !matches!(self, Self::List(items) if items.len() == N) {
            return Err(self.refuse("expected a list of another length"));
        }
        let Self::List(items) = self else { return Err(Wrong) };
        items.first_chunk_mut().ok_or(Wrong)
    }

    /// The index of the name that stands here.
    pub fn name(&mut self, names: &[&str]) -> Result<usize, Wrong> {
        let Self::Text(text) = self else { return Err(self.refuse("expected the name of a variant")) };
        let unknown = match names.iter().position(|name| name == text) {
            Some(index) => return Ok(index),
            None => ["unknown variant ", text].concat(),
        };
        Err(self.refuse(&unknown))
    }

    /// The index of a variant's name and its data. As serde writes it by default, a variant without data is its name, one
    /// with data an object with the name as its only field.
    pub fn variant(&mut self, names: &[&str]) -> Result<(usize, &mut Self), Wrong> {
        if let Self::Text(name) = self {
            *self = Self::Object(vec![Field { name: std::mem::take(name), json: Self::Missing }]);
        }
        if !matches!(self, Self::Object(fields) if fields.len() == 1) {
            return Err(self.refuse("expected the name of a variant, or an object with it as only field"));
        }
        let Self::Object(fields) = self else { return Err(Wrong) };
        let [Field { name, json }] = fields.as_mut_slice() else { return Err(Wrong) };
        match names.iter().position(|known| known == name) {
            Some(index) => Ok((index, json)),
            None => Err(json.refuse("unknown variant")),
        }
    }

    /// Data of a variant that has none.
    pub fn nothing(&mut self) -> Result<(), Wrong> {
        if *self == Self::Missing { Ok(()) } else { Err(self.refuse("this variant has no data")) }
    }

    fn number(&mut self, max: u64) -> Result<u64, Wrong> {
        match self {
            Self::Number(value) if *value <= max => Ok(*value),
            Self::Number(_) => Err(self.refuse(&["expected at most ", &max.to_string()].concat())),
            _ => Err(self.refuse("expected a number")),
        }
    }

    /// A value whose JSON is a string in its one spelling.
    pub fn parse<T: FromStr<Err: ToString>>(&mut self) -> Result<T, Wrong> {
        String::from_json(self)?.parse().map_err(|why: T::Err| self.refuse(&why.to_string()))
    }

    /// A field whose type's default stands in for one that is missing or `null`, which is how ABIs say that it may be
    /// missing.
    pub fn or_default<T: FromJson + Default>(&mut self) -> Result<T, Wrong> {
        if matches!(self, Self::Null | Self::Missing) { Ok(T::default()) } else { T::from_json(self) }
    }
}

/// For serde what [`Json::or_default`] does.
pub(crate) fn null_is_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl FromJson for AccountId {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        json.parse()
    }
}

impl FromJson for String {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        match json {
            Json::Text(text) => Ok(std::mem::take(text)),
            _ => Err(json.refuse("expected a string")),
        }
    }
}

impl FromJson for bool {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        match json {
            Json::Bool(value) => Ok(*value),
            _ => Err(json.refuse("expected true or false")),
        }
    }
}

macro_rules! numbers {
    ($($name:ident),*) => {
        $(impl FromJson for $name {
            fn from_json(json: &mut Json) -> Result<Self, Wrong> {
                json.number(u64::from($name::MAX))?.try_into().map_err(|_| Wrong)
            }
        })*
    };
}
numbers!(u8, u16, u32);

impl FromJson for u64 {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        json.number(Self::MAX)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        if matches!(json, Json::Null | Json::Missing) { Ok(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        T::from_json(json).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        let Json::List(items) = json else { return Err(json.refuse("expected a list")) };
        let mut list = Self::with_capacity(items.len());
        for item in items {
            list.push(T::from_json(item)?);
        }
        Ok(list)
    }
}

/// An object whose fields have any names. As with serde, the last of two with one name counts.
impl<K: FromStr<Err: ToString> + Ord, T: FromJson> FromJson for BTreeMap<K, T> {
    fn from_json(json: &mut Json) -> Result<Self, Wrong> {
        let Json::Object(fields) = json else { return Err(json.refuse("expected an object")) };
        let mut map = Self::new();
        for Field { name, json } in fields {
            let key = name.parse().map_err(|why: K::Err| json.refuse(&why.to_string()))?;
            map.insert(key, T::from_json(json)?);
        }
        Ok(map)
    }
}

#[cfg(test)]
pub(crate) mod agreement;

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
