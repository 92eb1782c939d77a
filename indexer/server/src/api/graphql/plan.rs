//! What a request wants of the tables: lists, and steps from rows to others, each one statement.

use std::collections::BTreeMap;

use async_graphql::{Name, SelectionField, Value};

use crate::api::parameters::LIMIT_MAX;
use crate::api::problem::Problem;
use crate::api::records;
use crate::escape::escape;
use crate::page::{Order, Page};
use crate::table::{Column, Kind, Reference, Table};
use crate::tables;

/// Statements of one request, and rows that it may be answered with.
const STATEMENTS_MAX: u64 = 40;
const ROWS_MAX: u64 = 10_000;

/// How a row leads to others.
#[derive(Clone, Copy)]
pub enum Way {
    /// By this column, which has the other's key.
    To(Column),
    /// By that column of the others, which has this one's key.
    From(Column),
}

/// A step from the rows of a table to those of one.
pub struct Link {
    pub name: String,
    pub table: &'static Table,
    pub way: Way,
}

/// What a table's path is called here.
pub fn listed(table: &Table) -> String {
    table.path.replace('-', "_")
}

/// Where the rows of a table lead to.
pub fn links(table: &'static Table) -> Vec<Link> {
    let there = table.columns.iter().filter_map(|column| {
        let Reference(to) = column.refers?;
        let name = format!("{}_row", column.name.strip_suffix("_id").unwrap_or(column.name));
        Some(Link { name, table: to, way: Way::To(*column) })
    });
    let leads_here = |column: &Column| column.refers.is_some_and(|Reference(to)| to.name == table.name);
    let back = tables::all().flat_map(|other| {
        // Without an index nobody leads back.
        let is_indexed = |column: &&Column| column.filters || column.name == other.order().name;
        let columns = other.columns.iter().filter(is_indexed).filter(|column| leads_here(*column));
        let link = |column: &Column| {
            let name = format!("{}_by_{}", listed(other), column.name);
            Link { name, table: other, way: Way::From(*column) }
        };
        columns.map(link).collect::<Vec<_>>()
    });
    there.chain(back).collect()
}

/// A value as REST takes it. `None`: there is none.
fn text(name: &str, value: &Value) -> Result<Option<String>, Problem> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(is_true) => is_true.to_string(),
        Value::Enum(word) => word.to_string(),
        Value::Binary(_) | Value::List(_) | Value::Object(_) => {
            return Err(Problem::bad(format!("{name} is a single value")));
        }
    }))
}

/// A page that is asked for.
#[derive(Default)]
pub struct Asked {
    filters: Vec<Column>,
    /// Of the filters, and then the place behind which it begins.
    pub values: Vec<String>,
    goes_on: bool,
    order: Order,
    pub limit: u16,
}

impl Asked {
    pub fn read(table: &Table, arguments: &[(Name, Value)]) -> Result<Self, Problem> {
        let mut asked = Self { limit: LIMIT_MAX, ..Self::default() };
        let mut after = None;
        for (name, value) in arguments {
            let Some(text) = text(name, value)? else { continue };
            match name.as_str() {
                "after" => after = Some(text),
                "limit" => {
                    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    let wrong = || Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}, not {text}"));
                    asked.limit = limit.ok_or_else(wrong)?;
                }
                "order" => asked.order = Order::named(&text).unwrap_or_default(),
                other => {
                    // The schema has no others than these.
                    let Some(column) = table.column(other).filter(|column| column.filters) else { continue };
                    records::check(other, *column, &text)?;
                    asked.filters.push(*column);
                    asked.values.push(escape(&text).into_owned());
                }
            }
        }
        if let Some(place) = after {
            records::check("after", table.order(), &place)?;
            asked.goes_on = true;
            asked.values.push(escape(&place).into_owned());
        }
        Ok(asked)
    }

    /// With one row more, which tells whether there are more.
    pub fn page<'a>(&'a self, table: &'a Table) -> Page<'a> {
        let rows = i64::from(self.limit) + 1;
        Page { table, filters: &self.filters, goes_on: self.goes_on, order: self.order, rows }
    }
}

/// A step that a request takes.
pub struct Plan {
    /// What it is called in the answer.
    pub response_key: String,
    pub table: &'static Table,
    pub way: Way,
    pub asked: Asked,
    pub below: Vec<Plan>,
}

/// Steps from rows of a table, by what is chosen of them. The same may be chosen in several places of a request.
pub fn steps(table: &'static Table, chosen: &[SelectionField<'_>]) -> Result<Vec<Plan>, Problem> {
    let links = links(table);
    let mut wanted: BTreeMap<&str, (&Link, Vec<SelectionField<'_>>)> = BTreeMap::new();
    for row in chosen {
        for field in row.selection_set() {
            let Some(link) = links.iter().find(|link| link.name == field.name()) else { continue };
            let key = field.alias().unwrap_or_else(|| field.name());
            let (known, fields) = wanted.entry(key).or_insert_with(|| (link, Vec::new()));
            let same = fields.first().is_none_or(|first| arguments(first).ok() == arguments(&field).ok());
            if known.name != link.name || !same {
                return Err(Problem::bad(format!("{key} is asked for in two ways: one of them needs another alias")));
            }
            fields.push(field);
        }
    }
    let plan = |(key, (link, fields)): (&str, (&Link, Vec<SelectionField<'_>>))| -> Result<Plan, Problem> {
        let asked = match fields.first() {
            Some(first) => Asked::read(link.table, &arguments(first)?)?,
            None => Asked::default(),
        };
        let rows = match link.way {
            Way::To(_) => fields,
            Way::From(_) => items(&fields),
        };
        let below = steps(link.table, &rows)?;
        Ok(Plan { response_key: key.to_owned(), table: link.table, way: link.way, asked, below })
    };
    wanted.into_iter().map(plan).collect()
}

/// What is chosen of the rows of pages.
pub fn items<'a>(pages: &[SelectionField<'a>]) -> Vec<SelectionField<'a>> {
    pages
        .iter()
        .flat_map(|page| page.selection_set().collect::<Vec<_>>())
        .filter(|field| field.name() == "items")
        .collect()
}

pub fn arguments(field: &SelectionField<'_>) -> Result<Vec<(Name, Value)>, Problem> {
    field.arguments().map_err(|error| Problem::bad(error.message))
}

/// What is left for a request to ask for.
pub struct Budget {
    statements: u64,
    rows: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { statements: STATEMENTS_MAX, rows: ROWS_MAX }
    }
}

impl Budget {
    /// Takes so many rows of a list, and all that is asked below them.
    pub fn take(&mut self, rows: u64, below: &[Plan]) -> Result<(), Problem> {
        let (statements, rows) = cost(rows, below);
        let left = |most: u64, cost: u64| most.checked_sub(cost);
        let (Some(statements), Some(rows)) = (left(self.statements, statements), left(self.rows, rows)) else {
            return Err(Problem::too_complex(format!(
                "a request names {STATEMENTS_MAX} lists and steps, and {ROWS_MAX} rows by their limits, at the most: \
                 with smaller limits it gets through"
            )));
        };
        (self.statements, self.rows) = (statements, rows);
        Ok(())
    }
}

/// Statements, and rows if every list is full.
fn cost(rows: u64, below: &[Plan]) -> (u64, u64) {
    below.iter().fold((1, rows), |(statements, all), plan| {
        let rows = match plan.way {
            Way::To(_) => rows,
            Way::From(_) => rows.saturating_mul(plan.asked.limit.into()),
        };
        let (more_statements, more_rows) = cost(rows, &plan.below);
        (statements.saturating_add(more_statements), all.saturating_add(more_rows))
    })
}

/// A key that is asked for.
pub fn key(table: &Table, arguments: &[(Name, Value)]) -> Result<String, Problem> {
    let given = arguments.iter().find(|(name, _)| name == "key").map(|(_, value)| text("key", value)).transpose()?;
    let key = given.flatten().unwrap_or_default();
    records::check(&format!("the key of {}", table.path), table.order(), &key)?;
    Ok(key)
}

/// What a kind is called in the schema.
pub fn scalar(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Account | Kind::Word => "String",
        Kind::Number => "Number",
        Kind::Boolean => "Boolean",
        Kind::Amount => "Amount",
        Kind::Bytes => "Bytes",
    }
}
