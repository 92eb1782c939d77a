//! What a request asks for. A parameter that means nothing, or stands there twice, is an error: whoever sends it believes
//! that it does something.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::Api;
use super::problem::Problem;
use super::standing::reach;
use crate::page::Order;
use crate::table::Kind;

/// Rows in one page at the most.
pub const LIMIT_MAX: u16 = 100;

/// The query of a request. If it wants the tables to stand at a height, they do.
pub struct Parameters(BTreeMap<String, String>);

impl FromRequestParts<Api> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|error| Problem::bad(error.to_string()))?;
        let mut known = BTreeMap::new();
        for (name, value) in pairs {
            if known.contains_key(&name) {
                return Err(Problem::bad(format!("{name} is there twice")));
            }
            known.insert(name, value);
        }
        if let Some(text) = known.remove("min_height") {
            let wrong = |_| Problem::bad(format!("min_height is {}, not {text}", Kind::Number.describe()));
            reach(api, text.parse().map_err(wrong)?).await?;
        }
        Ok(Self(known))
    }
}

impl Parameters {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Fails if there are others than these.
    pub fn only(&self, names: &[&str]) -> Result<(), Problem> {
        let Some(unknown) = self.0.keys().find(|name| !names.contains(&name.as_str())) else { return Ok(()) };
        let known: String = names.iter().flat_map(|name| [*name, ", "]).collect();
        Err(Problem::bad(format!("unknown parameter {unknown}; there are {known}min_height")))
    }

    /// Which rows come first.
    pub fn order(&self) -> Result<Order, Problem> {
        let Some(text) = self.get("order") else { return Ok(Order::default()) };
        let known = || Order::ALL.map(Order::word).join(" or ");
        Order::named(text).ok_or_else(|| Problem::bad(format!("order is {}, not {text}", known())))
    }

    /// How many rows are asked for.
    pub fn limit(&self) -> Result<i64, Problem> {
        let Some(text) = self.get("limit") else { return Ok(i64::from(LIMIT_MAX)) };
        let wrong = || Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}, not {text}"));
        let limit: i64 = text.parse().map_err(|_| wrong())?;
        if (1..=i64::from(LIMIT_MAX)).contains(&limit) { Ok(limit) } else { Err(wrong()) }
    }
}
