//! Parts of a request that are short if they are rightful. Text of many small pieces, taken apart, fills ten times its length.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::value::RawValue;

/// Takes apart no more than `MAX` bytes of JSON.
pub fn at_most<'de, const MAX: usize, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    if text.get().len() > MAX {
        return Err(D::Error::custom(format!("this is longer than the {MAX} bytes allowed")));
    }
    serde_json::from_str(text.get()).map_err(D::Error::custom)
}
