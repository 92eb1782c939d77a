//! Parts of tables, each of a bounded number of rows.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::IndexerError;
use crate::escape::{undo, undo_json};
use crate::table::Table;
use crate::truth::Rows;

/// Rows that are compared at once: some megabytes of them.
pub const ROWS_PER_PART: u64 = 4_000;
/// Rows that a part by numbers has at the most. More than there are numbers were added by hand, and their events, which
/// are compared key by key, don't tell of them.
const ROWS_MAX: u64 = 10 * ROWS_PER_PART;

/// Keys after `$1` up to `$2`, as a condition. Both are always bound, and null where there is no such bound.
pub fn keys(after: Option<&str>, to: Option<&str>) -> String {
    let after = if after.is_some() { "key > $1" } else { "$1::text is null" };
    let to = if to.is_some() { "key <= $2" } else { "$2::text is null" };
    format!("{after} and {to}")
}

/// Numbers from `$1` to before `$2`, in the same way. What has no number is in the first part.
fn numbers(column: &str, from: Option<u64>, to: Option<u64>) -> String {
    let lower = match from {
        Some(_) => format!("{column} >= $1::text::numeric"),
        None => "$1::text is null".to_owned(),
    };
    let upper = match (from, to) {
        (None, Some(_)) => format!("({column} < $2::text::numeric or {column} is null)"),
        (Some(_), Some(_)) => format!("{column} < $2::text::numeric"),
        (_, None) => "$2::text is null".to_owned(),
    };
    format!("{lower} and {upper}")
}

/// Rows after a key, and the last one's key if more may come. Keys are as the database holds them.
pub async fn after(
    tx: &mut PgConnection,
    table: &Table,
    key: Option<&str>,
) -> Result<(Rows, Option<String>), IndexerError> {
    let condition = keys(key, None);
    let text = format!("select key, body from {} where {condition} order by key limit {ROWS_PER_PART}", table.name);
    let rows = sqlx::query(AssertSqlSafe(text)).bind(key).bind(None::<&str>).fetch_all(tx).await?;
    let is_full = u64::try_from(rows.len()).is_ok_and(|count| count == ROWS_PER_PART);
    let last = rows.last().filter(|_| is_full).map(|row| row.try_get("key")).transpose()?;
    Ok((read(&rows)?, last))
}

/// Rows in which a column has a number from one to before another.
pub async fn between(
    tx: &mut PgConnection,
    table: &Table,
    column: &str,
    (from, to): (Option<u64>, Option<u64>),
) -> Result<Rows, IndexerError> {
    let condition = numbers(column, from, to);
    let text = format!("select key, body from {} where {condition} limit {ROWS_MAX}", table.name);
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let rows = sqlx::query(AssertSqlSafe(text)).bind(number(from)).bind(number(to)).fetch_all(tx).await?;
    Ok(read(&rows)?)
}

fn read(rows: &[sqlx::postgres::PgRow]) -> Result<Rows, sqlx::Error> {
    rows.iter().map(|row| Ok((undo(row.try_get("key")?).into_owned(), undo_json(row.try_get("body")?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::{keys, numbers};

    #[test]
    fn every_number_is_in_one_part_and_so_is_none() {
        assert_eq!(numbers("id", None, None), "$1::text is null and $2::text is null");
        assert_eq!(numbers("id", None, Some(5)), "$1::text is null and (id < $2::text::numeric or id is null)");
        assert_eq!(numbers("id", Some(5), Some(9)), "id >= $1::text::numeric and id < $2::text::numeric");
        assert_eq!(numbers("id", Some(9), None), "id >= $1::text::numeric and $2::text is null");
        assert_eq!(keys(Some("a"), None), "key > $1 and $2::text is null");
        assert_eq!(keys(None, Some("a")), "$1::text is null and key <= $2");
    }
}
