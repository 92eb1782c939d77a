//! Pages of tables: the one statement that reads them, from either end and from wherever another page ended.

use crate::table::{Column, Table};

/// Which rows come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Ascending,
    /// What has the highest id; of tables whose key is no number, the last by its key.
    Descending,
}

impl Order {
    pub const ALL: [Self; 2] = [Self::Ascending, Self::Descending];

    /// What REST and SQL call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.word() == word)
    }

    /// How what comes behind a place compares with it.
    pub fn beyond(self) -> &'static str {
        match self {
            Self::Ascending => ">",
            Self::Descending => "<",
        }
    }
}

/// What a page is asked for, beside the values.
pub struct Page<'a> {
    pub table: &'a Table,
    /// Columns that have given values.
    pub filters: &'a [Column],
    /// Whether it comes behind a given place.
    pub goes_on: bool,
    pub order: Order,
    pub rows: i64,
}

impl Page<'_> {
    /// In SQL. `$1` and on are the values of the filters in their order, as text, and then the place. There is an index
    /// for each filter, which goes on with what pages are ordered by, so no rows are read but those on the page.
    pub fn statement(&self) -> String {
        let (by, table, order) = (self.table.order(), self.table.name, self.order);
        let place = self.goes_on.then(|| (by, order.beyond()));
        let compared = self.filters.iter().map(|column| (*column, "=")).chain(place).enumerate();
        let condition = |(index, (column, sign)): (usize, (Column, &str))| {
            let value = column.kind.read(&format!("${}::text", index + 1));
            format!("{} {sign} {value}", column.name)
        };
        let conditions: Vec<_> = std::iter::once("true".to_owned()).chain(compared.map(condition)).collect();
        // Everything in the text comes from the descriptor.
        format!(
            "select key, body, {by}::text as place from {table} where {conditions} order by {by} {order} limit {rows}",
            by = by.name,
            conditions = conditions.join(" and "),
            order = order.word(),
            rows = self.rows,
        )
    }
}
