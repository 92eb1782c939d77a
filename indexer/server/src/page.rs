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
        self.where_also("true", 1)
    }

    /// One such page for each of several rows that `of` names, whose keys are `$1`; values follow behind it. Rows of one
    /// page come in its order.
    pub fn statement_of(&self, of: &Column) -> String {
        let (by, order) = (self.table.order().name, self.order.word());
        let named = format!("{} = {}", of.name, of.kind.read("named.parent_key"));
        format!(
            "select named.parent_key, page.key, page.body, page.place from unnest($1::text[]) as named(parent_key)
             cross join lateral ({page}) as page order by page.{by} {order}",
            page = self.where_also(&named, 2),
        )
    }

    fn where_also(&self, condition: &str, first: usize) -> String {
        let (by, table, order) = (self.table.order(), self.table.name, self.order);
        let place = self.goes_on.then(|| (by, order.beyond()));
        let compared = self.filters.iter().map(|column| (*column, "=")).chain(place).enumerate();
        let compare = |(index, (column, sign)): (usize, (Column, &str))| {
            let value = column.kind.read(&format!("${}::text", index + first));
            format!("{} {sign} {value}", column.name)
        };
        let conditions: Vec<_> = std::iter::once(condition.to_owned()).chain(compared.map(compare)).collect();
        // What pages are ordered by may be the key, which is there anyway.
        let own = if by.name == "key" { String::new() } else { format!(", {}", by.name) };
        // Everything in the text comes from the descriptor.
        format!(
            "select key, body, {by}::text as place{own} from {table} where {conditions} order by {by} {order} \
             limit {rows}",
            by = by.name,
            conditions = conditions.join(" and "),
            order = order.word(),
            rows = self.rows,
        )
    }
}
