//! Text as PostgreSQL holds it.
//!
//! `text` and `jsonb` hold every character but U+0000, which JSON, and so the chain, may hold. So U+0000 is kept as `␀0` and
//! `␀` (U+2400) itself as `␀␀`: no two texts look alike in the database, and what has neither character looks as it is. This
//! is the only place that knows. What is written to the database, or is compared with what is in it, is escaped; what is
//! read from it is undone.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The sign that stands in front of what was escaped.
const SIGN: char = '\u{2400}';

/// A text as the database holds it.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', SIGN]) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => escaped.extend([SIGN, '0']),
            SIGN => escaped.extend([SIGN, SIGN]),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// A text of the database as the chain has it. One that [`escape`] did not write, such as a lone sign, stays as it is.
pub fn undo(text: &str) -> Cow<'_, str> {
    if !text.contains(SIGN) {
        return Cow::Borrowed(text);
    }
    let mut undone = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        undone.push(match (letter, letters.peek()) {
            (SIGN, Some('0')) => {
                letters.next();
                '\0'
            }
            (SIGN, Some(&SIGN)) => {
                letters.next();
                SIGN
            }
            _ => letter,
        });
    }
    Cow::Owned(undone)
}

/// A value with all its text, names of fields included, as the database holds it.
pub fn escape_json(value: Value) -> Value {
    map(value, escape)
}

/// A value of the database as the chain has it.
pub fn undo_json(value: Value) -> Value {
    map(value, undo)
}

fn map(value: Value, change: for<'a> fn(&'a str) -> Cow<'a, str>) -> Value {
    let text = |text: String| match change(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => changed,
    };
    match value {
        Value::String(inner) => Value::String(text(inner)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| map(item, change)).collect()),
        Value::Object(fields) => {
            let field = |(name, value)| (text(name), map(value, change));
            Value::Object(fields.into_iter().map(field).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{ProptestConfig, any, proptest};
    use proptest::{prop_assert, prop_assert_eq};
    use serde_json::json;

    use super::{escape, escape_json, undo, undo_json};

    /// Every text of up to five letters that mean something here.
    fn short_texts() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..5 {
            let longer = |text: &String| ['\0', '\u{2400}', '0', 'a'].map(|letter| format!("{text}{letter}"));
            last = last.iter().flat_map(longer).collect();
            all.extend(last.clone());
        }
        all
    }

    #[test]
    fn no_two_texts_look_alike_in_the_database_and_all_come_back() {
        let texts = short_texts();
        let escaped: BTreeSet<String> = texts.iter().map(|text| escape(text).into_owned()).collect();
        assert_eq!(escaped.len(), texts.len());
        for text in &texts {
            assert!(!escape(text).contains('\0'), "{text:?}");
            assert_eq!(undo(&escape(text)), *text);
        }
    }

    #[test]
    fn names_of_fields_are_text_too() {
        let value = json!({ "a\u{0}": ["\u{0}", { "\u{2400}": 1 }], "b": null });
        assert_eq!(escape_json(value.clone()), json!({ "a␀0": ["␀0", { "␀␀": 1 }], "b": null }));
        assert_eq!(undo_json(escape_json(value.clone())), value);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn arbitrary_text_comes_back(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains('\0'));
            prop_assert_eq!(undo(&escaped), text.as_str());
        }
    }
}
