//! A card's file, as everybody reads it the same.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

/// Why a file is no card.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error("a byte order mark stands in front of it: save it as UTF-8 without one")]
    ByteOrderMark,
    #[error("a JSON object is expected ({0})")]
    NotJson(serde_json::Error),
    #[error("it is empty, and says nothing of the agent")]
    Empty,
    #[error("it has more than 1 MiB, and is not read for offers")]
    TooLong,
}

/// Any JSON whose objects name each field once: of two with a name, readers take the first or the last.
struct Json {
    /// Only an object will do.
    object: bool,
}

/// How many fields or items there are.
impl<'de> DeserializeSeed<'de> for Json {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        if self.object { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.object { "an object" } else { "JSON" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Self { object: false })?;
            if let Some(doubled) = names.replace(name) {
                return Err(A::Error::custom(format!("{doubled:?} is there twice")));
            }
        }
        Ok(names.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while items.next_element_seed(Self { object: false })?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_str<E>(self, _: &str) -> Result<usize, E> {
        Ok(1)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }
}

/// Fails if a file is no card at all. Which shape it has, [`super::shape`] says.
pub fn check(bytes: &[u8]) -> Result<(), CardError> {
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(CardError::ByteOrderMark);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let fields = Json { object: true }.deserialize(&mut reader).map_err(CardError::NotJson)?;
    reader.end().map_err(CardError::NotJson)?;
    if fields == 0 { Err(CardError::Empty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn files_that_readers_take_differently_are_no_cards() {
        for (text, named) in [
            ("\u{feff}{\"a\":1}", "byte order mark"),
            ("[1]", "a JSON object is expected"),
            ("", "a JSON object is expected"),
            ("{\"a\":1} x", "a JSON object is expected"),
            ("{}", "says nothing"),
            ("{\"url\":\"https://a.example\",\"url\":\"https://b.example\"}", "\"url\" is there twice"),
            ("{\"skills\":[{\"id\":1,\"\\u0069d\":2}]}", "\"id\" is there twice"),
        ] {
            let error = check(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
        check(br#"{"a":[1,-2,0.5,null,true,"x",{"a":{"a":[]}}]}"#).unwrap();
    }
}
