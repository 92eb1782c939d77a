//! The schema, from the descriptors of tables.

use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Scalar, Schema, SchemaBuilder, TypeRef,
};

use super::load::{Row, Rows, Session};
use super::plan::{self, Link, Way, arguments, items, links, listed, scalar, steps};
use crate::api::parameters::LIMIT_MAX;
use crate::page::Order;
use crate::table::{Column, Kind, Table};
use crate::tables;

const QUERY: &str = "Query";
const ORDER: &str = "Order";
const JSON: &str = "JSON";

/// Scalars of our own.
const SCALARS: [(&str, &str); 4] = [
    ("Number", "64 bits without sign, a JSON number. As an argument it may be a string, too."),
    ("Amount", "128 bits without sign, a string."),
    ("Bytes", "Hex digits, a string."),
    (JSON, "A record as the contract's views show it, and as REST does. Amounts are strings."),
];

pub fn schema() -> SchemaBuilder {
    let mut query = Object::new(QUERY).description(
        "Agents, grants, votes and payments, mirrored from the contracts. What the answer stands for is in its extensions: \
         the block's height and hash, and whom it is believed of.",
    );
    let order = Enum::new(ORDER).description("Which rows come first.").items(Order::ALL.map(Order::word));
    let mut schema = Schema::build(QUERY, None, None).register(order);
    for (name, about) in SCALARS {
        schema = schema.register(Scalar::new(name).description(about));
    }
    for table in tables::all() {
        query = query.field(list(table)).field(single(table));
        schema = schema.register(object(table)).register(page(table));
    }
    schema.register(query)
}

/// `recovery_proposal` is `RecoveryProposal`.
fn type_name(table: &Table) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    table.name.split('_').map(capital).collect()
}

fn page_name(table: &Table) -> String {
    format!("{}Page", type_name(table))
}

/// Arguments of a page, beside the column by which one came to it.
fn paged(mut field: Field, table: &Table, but: Option<Column>) -> Field {
    let is_other = |column: &&Column| but.is_none_or(|but| but.name != column.name);
    for column in table.columns.iter().filter(|column| column.filters).filter(is_other) {
        field = field.argument(InputValue::new(column.name, TypeRef::named(scalar(column.kind))));
    }
    let limit = InputValue::new("limit", TypeRef::named(TypeRef::INT)).default_value(i64::from(LIMIT_MAX));
    field
        .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)).description("`next` of another page."))
        .argument(limit.description(format!("From 1 to {LIMIT_MAX}.")))
        .argument(InputValue::new("order", TypeRef::named(ORDER)))
}

fn list(table: &'static Table) -> Field {
    let field = Field::new(listed(table), TypeRef::named_nn(page_name(table)), move |context| {
        FieldFuture::new(async move {
            let session = context.data::<Arc<Session>>()?;
            let (asked, below) = {
                let field = context.field();
                (plan::Asked::read(table, &arguments(&field)?)?, steps(table, &items(&[field]))?)
            };
            Ok(Some(FieldValue::owned_any(session.page(table, &asked, &below).await?)))
        })
    });
    paged(field, table, None).description(table.about)
}

fn single(table: &'static Table) -> Field {
    let name = format!("{}_by_key", table.name);
    let field = Field::new(name, TypeRef::named(type_name(table)), move |context| {
        FieldFuture::new(async move {
            let session = context.data::<Arc<Session>>()?;
            let (key, below) = {
                let field = context.field();
                (plan::key(table, &arguments(&field)?)?, steps(table, &[field])?)
            };
            Ok(session.one(table, key, &below).await?.map(FieldValue::owned_any))
        })
    });
    let key = InputValue::new("key", TypeRef::named_nn(TypeRef::STRING));
    field.argument(key).description(format!("One of {}, by its key.", table.path))
}

fn page(table: &'static Table) -> Object {
    let rows = Field::new("items", TypeRef::named_nn_list_nn(type_name(table)), |context| {
        FieldFuture::new(async move {
            let page = context.parent_value.try_downcast_ref::<Rows>()?;
            Ok(Some(FieldValue::list(page.rows.iter().map(|row| FieldValue::borrowed_any(row)))))
        })
    });
    let next = Field::new("next", TypeRef::named(TypeRef::STRING), |context| {
        FieldFuture::new(async move {
            let page = context.parent_value.try_downcast_ref::<Rows>()?;
            Ok(page.next.clone().map(Value::from))
        })
    });
    let next = next.description("`after` of the next page, if there is one.");
    Object::new(page_name(table)).field(rows).field(next)
}

fn object(table: &'static Table) -> Object {
    let key = Field::new("key", TypeRef::named_nn(TypeRef::STRING), |context| {
        FieldFuture::new(async move {
            let row = context.parent_value.try_downcast_ref::<Row>()?;
            Ok(Some(Value::from(row.key.clone())))
        })
    });
    let record = Field::new("record", TypeRef::named_nn(JSON), |context| {
        FieldFuture::new(async move {
            let row = context.parent_value.try_downcast_ref::<Row>()?;
            Ok(Some(Value::from_json(row.body.clone())?))
        })
    });
    let mut object = Object::new(type_name(table)).description(table.about).field(key).field(record);
    for column in table.columns {
        object = object.field(of_column(*column));
    }
    for link in links(table) {
        object = object.field(of_link(link));
    }
    object
}

fn of_column(column: Column) -> Field {
    Field::new(column.name, TypeRef::named(scalar(column.kind)), move |context| {
        FieldFuture::new(async move {
            let row = context.parent_value.try_downcast_ref::<Row>()?;
            let Some(value) = row.field(&column) else { return Ok(None) };
            let value = match (column.kind, value) {
                // Of a key.
                (Kind::Number, serde_json::Value::String(text)) => serde_json::Value::from(text.parse::<u64>()?),
                (_, value) => value,
            };
            Ok(Some(Value::from_json(value)?))
        })
    })
}

/// What a field is called in the answer.
fn response_key(context: &ResolverContext<'_>) -> String {
    let field = context.field();
    field.alias().unwrap_or_else(|| field.name()).to_owned()
}

fn of_link(link: Link) -> Field {
    let Link { name, table, way } = link;
    match way {
        Way::To(column) => {
            let about = format!("The row that {} names, if it is there.", column.name);
            let field = Field::new(name, TypeRef::named(type_name(table)), |context| {
                FieldFuture::new(async move {
                    let row = context.parent_value.try_downcast_ref::<Row>()?;
                    Ok(row.one(&response_key(&context)).map(|row| FieldValue::borrowed_any(row)))
                })
            });
            field.description(about)
        }
        Way::From(column) => {
            let field = Field::new(name, TypeRef::named_nn(page_name(table)), |context| {
                FieldFuture::new(async move {
                    let row = context.parent_value.try_downcast_ref::<Row>()?;
                    let rows = row.many(&response_key(&context)).map(|rows| FieldValue::borrowed_any(rows));
                    Ok(Some(rows.unwrap_or_else(|| FieldValue::owned_any(Rows::default()))))
                })
            });
            paged(field, table, Some(column)).description(table.about)
        }
    }
}
