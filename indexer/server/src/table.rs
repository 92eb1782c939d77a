//! Descriptors of tables: what all else that deals with mirrored records is made from.
//!
//! A descriptor is plain data. `apply` names descriptors, the store writes their tables, `verify` compares them with
//! their [`Truth`], REST serves them, and `docs/reference/schema.md` shows them. A migration makes the table itself; a
//! test holds it against its descriptor.

use std::fmt;

use charter_types::AccountId;
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::Schema;
use serde::Serialize;
use serde_json::Value;

use crate::IndexerError;
use crate::contract::Contract;
use crate::truth::Truth;

/// A mirrored record: `key`, `body` (the record as the contract's views show it), `height` (the block that changed it
/// last) and columns generated from these.
pub struct Table {
    pub name: &'static str,
    pub contract: Contract,
    /// What a row is. The table has it as its comment.
    pub about: &'static str,
    pub key: Key,
    pub columns: &'static [Column],
    /// REST serves the rows at `/v1/<path>`.
    pub path: &'static str,
    /// The schema of a row's record.
    pub record: fn(&mut SchemaGenerator) -> Schema,
    pub truth: Truth,
}

/// The schema of a record, for its descriptor.
pub fn record<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What tells rows of one table apart.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Fields of the record, joined by `/`.
    Fields(&'static [&'static str]),
    /// Something of this name that is not in the record.
    Beside(&'static str),
}

/// A column generated from the record or the key, so that it can't say anything else.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub source: Source,
    /// Whether REST may filter by it.
    pub filters: bool,
    /// Whose row it names, by its key.
    pub refers: Option<Reference>,
}

/// A table whose rows others name.
#[derive(Clone, Copy)]
pub struct Reference(pub &'static Table);

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A field of the record; dots lead into it, and `-1` to the last of a list.
    Field(&'static str),
    Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever the chain has; U+0000 and `␀` are escaped, see `escape.rs`.
    Text,
    /// A NEAR account.
    Account,
    /// One of a few lower-case words, or hex digits.
    Word,
    /// 64 bits without sign.
    Number,
    Boolean,
    /// 128 bits without sign, a string in JSON.
    Amount,
    /// Hex in JSON.
    Bytes,
}

impl Kind {
    /// The type in Postgres.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text | Self::Account | Self::Word => "text",
            Self::Number => "numeric(20,0)",
            Self::Boolean => "boolean",
            Self::Amount => "numeric(39,0)",
            Self::Bytes => "bytea",
        }
    }

    /// In words, for who wrote something else.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Account => "a NEAR account",
            Self::Word => "a word of a-z, 0-9 and _",
            Self::Number => "a number from 0 to 2^64-1",
            Self::Boolean => "true or false",
            Self::Amount => "a number from 0 to 2^128-1",
            Self::Bytes => "hex digits",
        }
    }

    /// A text as a value of this kind, in SQL.
    pub fn read(self, text: &str) -> String {
        match self {
            Self::Text | Self::Account | Self::Word => text.to_owned(),
            Self::Bytes => format!("decode({text}, 'hex')"),
            Self::Number | Self::Boolean | Self::Amount => format!("({text})::{}", self.sql()),
        }
    }

    /// Whether a text can be a value of this kind.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Account => text.parse::<AccountId>().is_ok(),
            Self::Word => !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
            Self::Number => text.parse::<u64>().is_ok(),
            Self::Boolean => text.parse::<bool>().is_ok(),
            Self::Amount => text.parse::<u128>().is_ok(),
            Self::Bytes => hex::decode(text).is_ok(),
        }
    }
}

/// A column named like the field it is generated from.
const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, source: Source::Field(name), filters: false, refers: None }
}

pub const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

pub const fn account(name: &'static str) -> Column {
    column(name, Kind::Account)
}

pub const fn word(name: &'static str) -> Column {
    column(name, Kind::Word)
}

pub const fn number(name: &'static str) -> Column {
    column(name, Kind::Number)
}

pub const fn boolean(name: &'static str) -> Column {
    column(name, Kind::Boolean)
}

pub const fn amount(name: &'static str) -> Column {
    column(name, Kind::Amount)
}

pub const fn bytes(name: &'static str) -> Column {
    column(name, Kind::Bytes)
}

impl Column {
    /// Generated from a field of another name.
    pub const fn of(self, field: &'static str) -> Self {
        Self { source: Source::Field(field), ..self }
    }

    /// Generated from the key.
    pub const fn of_key(self) -> Self {
        Self { source: Source::Key, ..self }
    }

    /// REST may filter by it.
    pub const fn filter(self) -> Self {
        Self { filters: true, ..self }
    }

    /// It has the key of a row of another table. GraphQL leads there and back.
    pub const fn refers(self, table: &'static Table) -> Self {
        Self { refers: Some(Reference(table)), ..self }
    }

    /// How it is generated, in SQL.
    pub fn expression(&self) -> String {
        self.kind.read(&match self.source {
            Source::Key => "key".to_owned(),
            Source::Field(field) if field.contains('.') => format!("body #>> '{{{}}}'", field.replace('.', ",")),
            Source::Field(field) => format!("body ->> '{field}'"),
        })
    }
}

/// The column that pages are ordered by.
pub const BY_KEY: Column = Column { name: "key", kind: Kind::Text, source: Source::Key, filters: false, refers: None };

impl Table {
    /// The column that pages are ordered by: the key's own, where the key is a number.
    pub fn order(&self) -> Column {
        let is_key = |column: &&Column| match (self.key, column.source) {
            (Key::Fields([part]), Source::Field(field)) => *part == field,
            (Key::Beside(_), Source::Key) => true,
            _ => false,
        };
        let own = self.columns.iter().find(|column| column.kind == Kind::Number && is_key(column));
        own.copied().unwrap_or(BY_KEY)
    }

    /// The key of a record.
    pub fn key_of(&self, body: &Value) -> Result<String, IndexerError> {
        let wrong = |reason: String| IndexerError::Record { table: self.name, reason };
        let fields = match self.key {
            Key::Fields(fields) => fields,
            Key::Beside(name) => return Err(wrong(format!("the {name} is not in it"))),
        };
        let part = |field: &&str| match &body[*field] {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            // A variant with its data, as of an asset.
            Value::Object(variant) if variant.len() == 1 => match variant.iter().next() {
                Some((name, Value::String(text))) => Ok(format!("{name}:{text}")),
                _ => Err(wrong(format!("its {field} is no text"))),
            },
            _ => Err(wrong(format!("it has no {field}"))),
        };
        Ok(fields.iter().map(part).collect::<Result<Vec<_>, _>>()?.join("/"))
    }

    /// A record is there, or another than before. Its key is in it.
    pub fn put(&'static self, record: impl Serialize) -> Change {
        let body = json(record);
        let key = self.key_of(&body).expect("what events say of a record has the fields of its key");
        Change::Put { table: self, key, body }
    }

    /// The same, where the key is not in the record.
    pub fn put_at(&'static self, key: impl ToString, record: impl Serialize) -> Change {
        Change::Put { table: self, key: key.to_string(), body: json(record) }
    }

    /// A record is gone.
    pub fn remove(&'static self, key: impl ToString) -> Change {
        Change::Remove { table: self, key: key.to_string() }
    }

    /// The same, by an object with the fields of its key.
    pub fn remove_of(&'static self, of: impl Serialize) -> Change {
        let key = self.key_of(&json(of)).expect("what events say of a record has the fields of its key");
        Change::Remove { table: self, key }
    }

    /// Records are gone: those of one row of another table, from a place on, so many of them.
    pub fn remove_span(&'static self, of: (&'static str, u64), by: &'static str, from: u64, count: u64) -> Change {
        Change::RemoveSpan { table: self, of, by, from, to: from.saturating_add(count) }
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// One field of a record that is there is another than before.
    pub fn set(&'static self, key: impl ToString, field: &'static str, value: impl Serialize) -> Change {
        Change::Set { table: self, key: key.to_string(), field, value: json(value) }
    }
}

fn json(record: impl Serialize) -> Value {
    serde_json::to_value(record).expect("records are structs of text, numbers and lists, with text for keys")
}

/// What happens to one row.
#[derive(Clone)]
pub enum Change {
    Put {
        table: &'static Table,
        key: String,
        body: Value,
    },
    Remove {
        table: &'static Table,
        key: String,
    },
    Set {
        table: &'static Table,
        key: String,
        field: &'static str,
        value: Value,
    },
    /// All rows in which the column `of` has this number, and the column `by` one from `from` to before `to`.
    RemoveSpan {
        table: &'static Table,
        of: (&'static str, u64),
        by: &'static str,
        from: u64,
        to: u64,
    },
}

impl Change {
    pub fn table(&self) -> &'static Table {
        match self {
            Self::Put { table, .. }
            | Self::Remove { table, .. }
            | Self::Set { table, .. }
            | Self::RemoveSpan { table, .. } => table,
        }
    }
}
