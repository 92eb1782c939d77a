//! An answer from one moment: its rows and the block that it says it stands for.

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::problem::Problem;
use crate::letters;
use crate::store::{self, Mirrored};

/// The block that an answer stands for.
pub const INDEXED_HEIGHT: HeaderName = HeaderName::from_static("x-indexed-height");
pub const INDEXED_HASH: HeaderName = HeaderName::from_static("x-indexed-hash");

/// What tells one state of the tables from another. Rows change with the cursor; and without it when payments are made
/// again, or a dead letter comes to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub mirrored: Option<Mirrored>,
    pub dead_letters: u64,
}

/// All that is read through it is of one moment, however many queries it takes and whatever is committed meanwhile.
pub struct Snapshot(Transaction<'static, Postgres>);

impl Snapshot {
    pub async fn open(pool: &PgPool) -> Result<Self, Problem> {
        Ok(Self(pool.begin_with("begin isolation level repeatable read read only").await?))
    }

    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    pub async fn mirrored(&mut self) -> Result<Option<Mirrored>, Problem> {
        Ok(store::mirrored(&mut self.0).await?)
    }

    pub async fn moment(&mut self) -> Result<Moment, Problem> {
        Ok(Moment { mirrored: self.mirrored().await?, dead_letters: letters::count(&mut self.0).await? })
    }

    /// Gives the connection back, which others wait for.
    pub async fn end(self) -> Result<(), Problem> {
        Ok(self.0.commit().await?)
    }

    /// The answer, with its block.
    pub async fn answer(mut self, body: impl Serialize) -> Result<Response, Problem> {
        let mirrored = self.mirrored().await?;
        self.end().await?;
        Ok(answer(body, mirrored.as_ref()))
    }
}

/// An answer that stands for a block.
pub fn answer(body: impl Serialize, mirrored: Option<&Mirrored>) -> Response {
    let mut response = Json(body).into_response();
    if let Some(Mirrored { cursor, .. }) = mirrored {
        let headers = response.headers_mut();
        headers.insert(INDEXED_HEIGHT, HeaderValue::from(cursor.height));
        if let Ok(hash) = hex::encode(cursor.hash.as_bytes()).parse() {
            headers.insert(INDEXED_HASH, hash);
        }
    }
    response
}
