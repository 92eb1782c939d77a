//! The indexer against a real chain, on the embedded database; on a server if `PGHOST` is set (as `pg_virtualenv` does).
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod api;
mod compared;
mod complete;
mod database;
mod epochs;
mod graphql;
mod letters;
mod liar;
mod lies;
mod light;
mod lying;
mod mirror;
mod node;
mod nodes;
mod outage;
mod proxy;
mod query;
mod questions;
mod ranking;
mod reindex;
mod schema;
mod serving;
mod stream;
mod tables;
mod taken;
mod trust;
mod world;
