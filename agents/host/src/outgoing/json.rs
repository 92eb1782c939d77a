//! JSON, as far as its fields may make another request of it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::escape::undone;
use super::field::{Meaning, is_http_method, meaning};

/// What a field's name means. It is read as bytes: other readers take halves of surrogate pairs, too.
struct Name(Meaning);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Name, E> {
                Ok(Name(meaning(name.iter().copied())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Whether a value is an object with a field that makes another request of the whole. What is below is skipped, not kept.
struct ChangesMeaning(bool);

impl<'de> Deserialize<'de> for ChangesMeaning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = ChangesMeaning;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ChangesMeaning, A::Error> {
        let mut found = false;
        while let Some(Name(meaning)) = fields.next_key()? {
            if meaning == Meaning::ByValue {
                let value: &RawValue = fields.next_value()?;
                found |= is_http_method(undone(value.get().as_bytes()).into_iter());
            } else {
                fields.next_value::<IgnoredAny>()?;
                found |= meaning == Meaning::Another;
            }
        }
        Ok(ChangesMeaning(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ChangesMeaning, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ChangesMeaning(false))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }

    fn visit_unit<E: Error>(self) -> Result<ChangesMeaning, E> {
        Ok(ChangesMeaning(false))
    }
}

/// Reads one value after another: how many there are, and whether one of them makes another request of the whole. It asks for
/// no error but the last: each counts lines from the start, and with one for each value a long body would take minutes.
pub fn read(body: &[u8]) -> serde_json::Result<(usize, bool)> {
    let (mut count, mut found) = (0, false);
    for value in serde_json::Deserializer::from_slice(body).into_iter::<ChangesMeaning>() {
        found |= value?.0;
        count += 1;
    }
    Ok((count, found))
}
