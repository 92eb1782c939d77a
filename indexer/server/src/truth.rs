//! Where the truth about a table is, and how it is read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::Pin;

use charter_types::{PAGE_MAX, Page};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::IndexerError;
use crate::table::Table;
use crate::views::{Chain, HighestId, View};

/// Questions that a node is asked at once.
const AT_ONCE: usize = 32;

/// Rows by key.
pub type Rows = BTreeMap<String, Value>;

/// An answer that is still to come.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, IndexerError>> + Send + 'a>>;

/// A view that shows many rows by their keys.
pub type Many = for<'a> fn(&'a Chain, Vec<&'a str>) -> Asked<'a, Vec<Value>>;

/// A view that shows one row.
pub type Single = for<'a> fn(&'a Chain, Row<'a>) -> Asked<'a, Option<Value>>;

/// A view that lists the rows of one parent.
pub type OfParent = for<'a> fn(&'a Chain, u64) -> Asked<'a, Vec<Value>>;

/// Where the truth about a table is, beside its events: every table is made again from these. Views tell whether what
/// is made of an event is what the contract has.
pub enum Truth {
    /// A view lists all rows by id, a page at a time.
    Pages { list: View<Page>, last: HighestId },
    /// A view lists all rows that belong to one row of another table, which is listed by pages. The column `of` names
    /// it.
    PerParent { parent: &'static Table, of: &'static str, rows: OfParent },
    /// A view shows many rows by their keys, [`PAGE_MAX`] at once. Which rows there are, only events tell.
    Batch(Many),
    /// A view shows one row. Which rows there are, only events tell.
    One(Single),
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
    /// The parts of the key, of which only the last may have a `/` in it. A row that somebody added by hand may have
    /// any.
    pub fn parts<const N: usize>(self) -> Option<[&'a str; N]> {
        self.key.splitn(N, '/').collect::<Vec<_>>().try_into().ok()
    }
}

impl Truth {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Pages { list, .. } => format!("view `{}`, page by page; rebuilt from `event`", list.name()),
            Self::PerParent { parent, .. } => format!("a view, for each `{}`; rebuilt from `event`", parent.name),
            Self::Batch(_) => format!("a view, {PAGE_MAX} keys at once; rebuilt from `event`"),
            Self::One(_) => "a view, row by row; rebuilt from `event`".to_owned(),
            Self::Rebuild => "rebuilt from `event`".to_owned(),
        }
    }
}

/// All answers, in any order.
async fn all<T>(questions: Vec<Asked<'_, T>>) -> Result<Vec<T>, IndexerError> {
    stream::iter(questions).buffer_unordered(AT_ONCE).try_collect().await
}

/// What a view lists of some ids.
pub async fn listed(chain: &Chain, table: &Table, list: View<Page>, ids: Range<u64>) -> Result<Rows, IndexerError> {
    let mut questions: Vec<Asked<'_, Vec<Value>>> = Vec::new();
    let mut from = ids.start;
    while from < ids.end {
        questions.push(Box::pin(chain.ask(list, Page { from, limit: None })));
        from = from.saturating_add(PAGE_MAX);
    }
    rows_of(table, all(questions).await?)
}

/// What a view lists of some parents.
pub async fn of_parents(
    chain: &Chain,
    table: &Table,
    parents: (&Table, &Rows),
    rows: OfParent,
) -> Result<Rows, IndexerError> {
    let (parent, known) = parents;
    let mut questions = Vec::new();
    for key in known.keys() {
        let wrong = |_| IndexerError::Record { table: parent.name, reason: format!("{key} is no id") };
        questions.push(rows(chain, key.parse().map_err(wrong)?));
    }
    rows_of(table, all(questions).await?)
}

/// What a view shows of the rows that the database has, many at once.
pub async fn many(chain: &Chain, table: &Table, ours: &Rows, rows: Many) -> Result<Rows, IndexerError> {
    let keys: Vec<&str> = ours.keys().map(String::as_str).collect();
    let pages = keys.chunks(usize::try_from(PAGE_MAX).expect("a page fits into memory"));
    let questions = pages.map(|page| rows(chain, page.to_vec())).collect();
    rows_of(table, all(questions).await?)
}

/// What a view shows of the rows that the database has, one by one.
pub async fn singly(chain: &Chain, ours: &Rows, row: Single) -> Result<Rows, IndexerError> {
    let mut questions: Vec<Asked<'_, (String, Option<Value>)>> = Vec::new();
    for (key, body) in ours {
        questions.push(Box::pin(async move {
            let answer = row(chain, Row { key, body }).await?;
            Ok::<_, IndexerError>((key.clone(), answer))
        }));
    }
    let answers = all(questions).await?;
    Ok(answers.into_iter().filter_map(|(key, body)| Some((key, body?))).collect())
}

fn rows_of(table: &Table, pages: Vec<Vec<Value>>) -> Result<Rows, IndexerError> {
    pages.into_iter().flatten().map(|body| Ok((table.key_of(&body)?, body))).collect()
}
