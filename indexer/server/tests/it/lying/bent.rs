//! Valid answers with something else in one place.

use serde_json::{Value, json};

use crate::taken::Chance;

/// Characters that hashes, numbers, names and bytes are written with.
const LETTERS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Which place of an answer, and what is done with what stands there.
pub struct Bend {
    place: usize,
    at: usize,
    how: usize,
}

/// JSON pointers to all in a value, and to itself.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{place}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| places(field, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
    found.push(place.to_owned());
}

impl Bend {
    pub fn any(chance: &mut Chance) -> Self {
        Self { place: chance.below(1_000_000), at: chance.below(1_000), how: chance.below(1_000) }
    }

    /// Bends an answer, and says where.
    pub fn apply(&self, answer: &mut Value) -> String {
        let mut found = Vec::new();
        places(answer, "", &mut found);
        let place = found.swap_remove(self.place % found.len());
        self.bend(answer.pointer_mut(&place).unwrap());
        place
    }

    fn bend(&self, value: &mut Value) {
        let others =
            [json!([]), json!(0), json!(true), json!("11111111111111111111111111111111"), json!(""), json!({})];
        match value {
            Value::Null => *value = others[self.how % others.len()].clone(),
            _ if self.how % 16 == 15 => *value = Value::Null,
            Value::Bool(is_so) => *is_so = !*is_so,
            Value::Number(number) => {
                let number = number.as_u64().unwrap_or_default();
                let others =
                    [number.wrapping_add(1), number.wrapping_sub(1), number ^ (1_u64 << (self.at % 64)), 0, u64::MAX];
                *value = json!(others[self.how % others.len()]);
            }
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => self.list(items),
            Value::Object(fields) => fields.clear(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let (length, letter) = (bytes.len().max(1), LETTERS[self.at % LETTERS.len()]);
        match self.how % 8 {
            0 => bytes.truncate(length - 1),
            1 => bytes.insert(self.at % length, letter),
            2 => bytes.clear(),
            _ if bytes.is_empty() => bytes.push(letter),
            _ => {
                let byte = &mut bytes[self.at % length];
                *byte = if byte.is_ascii_digit() { b'0' + (*byte - b'0' + 1) % 10 } else { letter };
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn list(&self, items: &mut Vec<Value>) {
        let Some(last) = items.len().checked_sub(1) else {
            items.push(json!(self.how));
            return;
        };
        let place = self.at % items.len();
        match self.how % 6 {
            0 => drop(items.remove(place)),
            1 => items.push(items[place].clone()),
            2 => items.insert(place, items[place].clone()),
            3 => items.swap(place, last),
            4 => items.clear(),
            _ => items.reverse(),
        }
    }
}
