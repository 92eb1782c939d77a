//! What a request asks for. A parameter that means nothing, or stands there twice, is an error: whoever sends it believes
//! that it does something.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::problem::Problem;

/// Rows in one page at the most.
const LIMIT_MAX: i64 = 100;

/// The query of a request.
pub struct Parameters(BTreeMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|error| Problem::bad(error.to_string()))?;
        let mut known = BTreeMap::new();
        for (name, value) in pairs {
            if known.contains_key(&name) {
                return Err(Problem::bad(format!("{name} is there twice")));
            }
            known.insert(name, value);
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
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(Problem::bad(format!("unknown parameter {unknown}; there are {known}")))
    }

    /// How many rows are asked for.
    pub fn limit(&self) -> Result<i64, Problem> {
        let Some(text) = self.get("limit") else { return Ok(LIMIT_MAX) };
        let wrong = || Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}, not {text}"));
        let limit: i64 = text.parse().map_err(|_| wrong())?;
        if (1..=LIMIT_MAX).contains(&limit) { Ok(limit) } else { Err(wrong()) }
    }
}
