//! Where the truth about a table is, and how it is read.

use std::collections::BTreeMap;
use std::pin::Pin;

use charter_types::{PAGE_MAX, Page};
use serde_json::Value;

use crate::IndexerError;
use crate::table::Table;
use crate::views::{Chain, HighestId, View};

/// Rows by key.
pub type Rows = BTreeMap<String, Value>;

/// An answer that is still to come.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, IndexerError>> + Send + 'a>>;

/// Where the truth about a table is.
pub enum Truth {
    /// A view lists all rows by id, a page at a time.
    Pages { list: View<Page>, last: HighestId },
    /// A view lists all rows that belong to one row of another table. `parent` comes earlier in [`crate::tables::all`].
    PerParent { parent: &'static Table, rows: for<'a> fn(&'a Chain, u64) -> Asked<'a, Vec<Value>> },
    /// A view shows many rows by their keys, [`PAGE_MAX`] at once. Which rows there are, only events tell.
    Batch(for<'a> fn(&'a Chain, Vec<&'a str>) -> Asked<'a, Vec<Value>>),
    /// A view shows one row. Which rows there are, only events tell.
    One(for<'a> fn(&'a Chain, Row<'a>) -> Asked<'a, Option<Value>>),
    /// No view shows a row: it is as events say.
    Rebuild,
}

/// A row as it is in the table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub key: &'a str,
    pub body: &'a Value,
}

impl<'a> Row<'a> {
    /// The parts of the key, of which only the last may have a `/` in it. A row that somebody added by hand may have any.
    pub fn parts<const N: usize>(self) -> Option<[&'a str; N]> {
        self.key.splitn(N, '/').collect::<Vec<_>>().try_into().ok()
    }
}

/// What the contract says of a table.
pub enum Told {
    /// All rows there are.
    All(Rows),
    /// The rows that were asked for.
    Some(Rows),
    Nothing,
}

impl Truth {
    /// Whether rows are made again from events, because no view lists them all.
    pub fn needs_events(&self) -> bool {
        match self {
            Self::Pages { .. } | Self::PerParent { .. } => false,
            Self::Batch(_) | Self::One(_) | Self::Rebuild => true,
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Pages { list, .. } => format!("view `{}`, page by page", list.name()),
            Self::PerParent { parent, .. } => format!("a view, for each `{}`", parent.name),
            Self::Batch(_) => format!("a view, {PAGE_MAX} keys at once; rebuilt from `event`"),
            Self::One(_) => "a view, row by row; rebuilt from `event`".to_owned(),
            Self::Rebuild => "rebuilt from `event`".to_owned(),
        }
    }
}

/// Asks the contract about a table, of which the database has `ours`.
pub async fn ask(chain: &Chain, table: &Table, ours: &Rows) -> Result<Told, IndexerError> {
    let mut theirs = Rows::new();
    match table.truth {
        Truth::Rebuild => return Ok(Told::Nothing),
        Truth::Pages { list, last } => {
            let last = chain.highest(last).await?;
            let mut from = 1;
            while from <= last {
                let page: Vec<Value> = chain.ask(list, Page { from, limit: None }).await?;
                add(&mut theirs, table, page)?;
                let Some(next) = from.checked_add(PAGE_MAX) else { break };
                from = next;
            }
        }
        Truth::PerParent { parent, rows } => {
            for key in chain.known(parent).keys() {
                let wrong = |_| IndexerError::Record { table: parent.name, reason: format!("{key} is no id") };
                add(&mut theirs, table, rows(chain, key.parse().map_err(wrong)?).await?)?;
            }
        }
        Truth::Batch(rows) => {
            let keys: Vec<&str> = ours.keys().map(String::as_str).collect();
            for page in keys.chunks(usize::try_from(PAGE_MAX).expect("a page fits into memory")) {
                add(&mut theirs, table, rows(chain, page.to_vec()).await?)?;
            }
            return Ok(Told::Some(theirs));
        }
        Truth::One(row) => {
            for (key, body) in ours {
                let found = row(chain, Row { key, body }).await?;
                theirs.extend(found.map(|body| (key.clone(), body)));
            }
            return Ok(Told::Some(theirs));
        }
    }
    Ok(Told::All(theirs))
}

fn add(rows: &mut Rows, table: &Table, bodies: Vec<Value>) -> Result<(), IndexerError> {
    for body in bodies {
        rows.insert(table.key_of(&body)?, body);
    }
    Ok(())
}
