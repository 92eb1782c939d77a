//! What the API says of itself: OpenAPI 3.1, with the schemas that the ABIs have.

use charter_types::keys::{Grant, Policy};
use schemars::JsonSchema;
use schemars::r#gen::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::chain::{Assurance, Events, Ready, Status};
use super::feed::Told;
use super::graphql;
use crate::contract::Contract;
use crate::page::Order;
use crate::ranking::Ranking;
use crate::table::{Key, Kind, Table};
use crate::tables;

/// A description in the making.
struct Document {
    generator: SchemaGenerator,
    paths: Map<String, Value>,
}

/// The whole description.
pub fn document() -> Value {
    // OpenAPI 3.1 has the JSON Schema of its time; only where definitions are is its own.
    let settings = SchemaSettings::draft2019_09().with(|settings| {
        "#/components/schemas/".clone_into(&mut settings.definitions_path);
        settings.meta_schema = None;
    });
    let mut document = Document { generator: settings.into_generator(), paths: Map::new() };
    for table in tables::all() {
        document.table(table);
    }
    document.chain();
    let mut schemas = document.generator.take_definitions();
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Charter",
            "description": "Agents, grants, votes and payments, mirrored from the contracts. Every answer names the block it \
                            stands for in `x-indexed-height` and `x-indexed-hash`.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": document.paths,
        "components": { "schemas": schemas },
    })
}

/// RFC 9457, with a code that never changes.
fn problem() -> schemars::schema::Schema {
    let schema = json!({
        "description": "RFC 9457. `code` never changes; `detail` says what was expected.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "detail": { "type": "string" }, "code": { "type": "string" },
        },
    });
    serde_json::from_value(schema).expect("it is a schema")
}

fn parameter(name: &str, place: &str, schema: Value) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": schema })
}

fn schema_of(kind: Kind) -> Value {
    match kind {
        Kind::Number => json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Text | Kind::Account | Kind::Word | Kind::Amount | Kind::Bytes => json!({ "type": "string" }),
    }
}

fn limit() -> Value {
    parameter("limit", "query", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 100 }))
}

fn order() -> Value {
    let schema = json!({ "type": "string", "enum": Order::ALL.map(Order::word), "default": Order::default().word() });
    parameter("order", "query", schema)
}

/// What every question about tables may have.
fn min_height() -> Value {
    let about = "Wait for up to five seconds until the tables stand at this block or a later one.";
    let mut parameter = parameter("min_height", "query", schema_of(Kind::Number));
    parameter["description"] = json!(about);
    parameter
}

/// A page of a table.
fn page_of(item: Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "description": "`after` of the next page, if there is one.", "type": ["string", "null"] },
        },
    })
}

impl Document {
    /// Something about the tables.
    fn of_tables(&mut self, path: String, about: &str, mut parameters: Vec<Value>, answer: Value, problems: &[u16]) {
        parameters.push(min_height());
        self.path(path, about, parameters, answer, &[problems, &[400, 409, 503]].concat());
    }

    fn path(&mut self, path: String, about: &str, parameters: Vec<Value>, answer: Value, problems: &[u16]) {
        let good = json!({ "description": about, "content": { "application/json": { "schema": answer } } });
        let mut responses = Map::from_iter([("200".to_owned(), good)]);
        for status in problems {
            let schema = json!({ "$ref": "#/components/schemas/Problem" });
            let why = match status {
                400 => "A parameter is unknown, there twice, or no such value.",
                404 => "There is none.",
                413 => "A request has 64 KiB at the most.",
                409 => {
                    "The tables do not stand at `min_height` yet, `height` is where they do; or there is no such event \
                     yet."
                }
                _ => {
                    "The database does not answer, or the node has another chain, or too many ask. `retry-after` says \
                     when to ask again."
                }
            };
            let problem =
                json!({ "description": why, "content": { "application/problem+json": { "schema": schema } } });
            responses.insert(status.to_string(), problem);
        }
        let operation = json!({ "summary": about, "parameters": parameters, "responses": responses });
        self.paths.insert(path, json!({ "get": operation }));
    }

    fn table(&mut self, table: &Table) {
        let record = json!((table.record)(&mut self.generator));
        let item = match table.key {
            Key::Fields(_) => record,
            Key::Beside(name) => json!({
                "type": "object", "required": [name, "record"],
                "properties": { name: { "type": "string" }, "record": record },
            }),
        };
        let by = table.order();
        let filters = table.columns.iter().filter(|column| column.filters);
        let mut parameters: Vec<_> =
            filters.map(|column| parameter(column.name, "query", schema_of(column.kind))).collect();
        parameters.extend([parameter("after", "query", schema_of(by.kind)), limit(), order()]);
        self.of_tables(format!("/v1/{}", table.path), table.about, parameters, page_of(item.clone()), &[]);
        let about = format!("One of {}, by its key.", table.path);
        let key = vec![parameter("key", "path", schema_of(by.kind))];
        self.of_tables(format!("/v1/{}/{{key}}", table.path), &about, key, item, &[404]);
    }

    fn permissions(&mut self) {
        let policy = self.schema::<Option<Policy>>();
        let item = json!({
            "type": "object", "required": ["grant", "policy"],
            "properties": { "grant": self.schema::<Grant>(), "policy": policy },
        });
        let parameters = vec![
            parameter("owner", "query", schema_of(Kind::Account)),
            parameter("agent", "query", schema_of(Kind::Number)),
            parameter("after", "query", json!({ "type": "string", "description": "`next` of another page." })),
            limit(),
            order(),
        ];
        let about = "Grants of an agent, or of all agents of an owner, that were not revoked, each with its policy. \
                     Whether a use goes through is for `check` of the contract to say: time, budget, host and epochs \
                     count, too.";
        self.of_tables("/v1/permissions".to_owned(), about, parameters, page_of(item), &[]);
    }

    /// Server-sent events have a type of their own, and each has the schema.
    fn stream(&mut self) {
        let id = "The id of the event that came last, from any place; 0: from the first on. Without it events that are \
                  still to come.";
        let place = |name: &str, place: &str| {
            let mut parameter = parameter(name, place, schema_of(Kind::Number));
            parameter["description"] = json!(id);
            parameter
        };
        let names = Contract::ALL.map(Contract::name);
        let parameters = vec![
            parameter("contract", "query", json!({ "type": "string", "enum": names })),
            parameter("event", "query", json!({ "type": "string" })),
            place("after", "query"),
            place("last-event-id", "header"),
        ];
        let (path, told) = ("/v1/stream", self.schema::<Told>());
        let about = "Events as they are committed (server-sent events, without an end): each once, in the order of their \
                     ids, over all contracts.";
        self.of_tables(path.to_owned(), about, parameters, told, &[]);
        let content = &mut self.paths[path]["get"]["responses"]["200"]["content"];
        *content = json!({ "text/event-stream": content["application/json"] });
    }

    /// What it may be asked, and how it answers, its own schema says.
    fn graphql(&mut self) {
        let about = "The tables as objects that lead to each other: GraphQL, whose schema is asked in its own way. What an \
                     answer stands for is in the headers and in `extensions.block`, the code of an error in its `extensions`.";
        let path = graphql::PATH;
        let object = json!({ "type": "object" });
        self.of_tables(path.to_owned(), about, Vec::new(), object.clone(), &[413]);
        let mut operation = self.paths[path]["get"].take();
        let request = json!({
            "type": "object", "required": ["query"],
            "properties": { "query": { "type": "string" }, "operationName": { "type": ["string", "null"] }, "variables": object },
        });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": request } } });
        self.paths.insert(path.to_owned(), json!({ "post": operation }));
    }

    fn schema<T: JsonSchema>(&mut self) -> Value {
        json!(self.generator.subschema_for::<T>())
    }

    fn chain(&mut self) {
        let names = Contract::ALL.map(Contract::name);
        let contract = json!({
            "name": "contract", "in": "query", "required": true, "schema": { "type": "string", "enum": names },
        });
        let parameters = vec![
            contract,
            parameter("event", "query", json!({ "type": "string" })),
            parameter("after", "query", schema_of(Kind::Number)),
            limit(),
            order(),
        ];
        let events = self.schema::<Events>();
        self.of_tables("/v1/events".to_owned(), "Events of one contract, in their order.", parameters, events, &[]);
        self.stream();
        self.graphql();
        self.permissions();
        let asset = "`near`, or `nep141:` and a token's account.";
        let asset = json!({ "type": "string", "default": "near", "description": asset });
        let after = json!({ "type": "string", "description": "`next` of another page." });
        let parameters = vec![parameter("asset", "query", asset), parameter("after", "query", after), limit()];
        let ranking = self.schema::<Ranking>();
        let about = "Agents by how many payers count, then by how much those paid. An owner is one payer, and counts if \
                     it has an agent of 30 days and was paid for one by another who has, other than the ranked agent's \
                     owner.";
        self.of_tables("/v1/ranking".to_owned(), about, parameters, ranking, &[]);
        let last = self.schema::<Assurance>();
        let about = "The last comparison of the tables with the contracts, and what is proven of what is in them.";
        self.of_tables("/v1/verify".to_owned(), about, Vec::new(), last, &[]);
        let status = self.schema::<Status>();
        let about = "How far the tables are, and of which contracts.";
        self.of_tables("/v1/status".to_owned(), about, Vec::new(), status, &[]);
        let ready = self.schema::<Ready>();
        self.path("/readyz".to_owned(), "Whether answers are those of now.", Vec::new(), ready, &[503]);
    }
}
