//! Agents by who paid for their work.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde_json::Map;

use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::{Api, Reply};
use crate::ranking::{self, Question};

/// As long as whoever asks waits for those that asked before.
const PATIENCE: Duration = Duration::from_secs(10);

/// A page of the ranking.
pub async fn ranking(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&["asset", "after", "limit"])?;
    let asset = parameters.get("asset").unwrap_or("near");
    let no_asset = || Problem::bad(format!("asset is near, or nep141: and the account of a token, not {asset}"));
    let asset = Question::asset(asset).ok_or_else(no_asset)?;
    let no_place = |text: &str| Problem::bad(format!("after is the `next` of another page, not {text}"));
    let after = parameters.get("after").map(|text| text.parse().map_err(|()| no_place(text))).transpose()?;
    let question = Question { asset, after, limit: parameters.limit()? };
    // All that was ever paid is read for a page: other answers don't wait for more than one of them.
    let alone = tokio::time::timeout(PATIENCE, Arc::clone(&api.ranking).lock_owned()).await;
    let alone = alone.map_err(|_| Problem::not_ready("others ask for rankings".to_owned(), Map::new()))?;
    // Who hangs up ends its request, and not the statement: the next one waits for that all the same.
    let page = tokio::spawn(async move {
        let _alone = alone;
        let mut snapshot = Snapshot::open(&api.pool).await?;
        let page = ranking::page(snapshot.connection(), &question).await?;
        snapshot.answer(page.ok_or_else(unknown_time)?).await
    });
    page.await.unwrap_or_else(|_| Err(Problem::not_ready("the server stops".to_owned(), Map::new())))
}

fn unknown_time() -> Problem {
    Problem::not_ready("no block was added since times of blocks are kept".to_owned(), Map::new())
}
