//! An answer from one moment: its rows and the block that it says it stands for.

use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::problem::Problem;
use crate::store::{self, Mirrored};

/// The block that an answer stands for.
pub const INDEXED_HEIGHT: HeaderName = HeaderName::from_static("x-indexed-height");
pub const INDEXED_HASH: HeaderName = HeaderName::from_static("x-indexed-hash");

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

    /// The answer, with its block.
    pub async fn answer(mut self, body: impl Serialize) -> Result<Response, Problem> {
        let mirrored = self.mirrored().await?;
        self.0.commit().await?;
        let mut response = Json(body).into_response();
        if let Some(Mirrored { cursor, .. }) = mirrored {
            let headers = response.headers_mut();
            headers.insert(INDEXED_HEIGHT, HeaderValue::from(cursor.height));
            if let Ok(hash) = hex::encode(cursor.hash.as_bytes()).parse() {
                headers.insert(INDEXED_HASH, hash);
            }
        }
        Ok(response)
    }
}
