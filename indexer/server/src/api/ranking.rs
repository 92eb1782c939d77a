//! Agents by who paid for their work.

mod kept;

use std::time::Instant;

use axum::extract::State;
use charter_types::asset::Asset;
use serde_json::Map;
use sqlx::PgPool;

use super::parameters::Parameters;
use super::problem::Problem;
use super::snapshot::{Snapshot, answer};
use super::{Api, Reply};
use crate::ranking::{self, Glance, Question};
use kept::{Asked, Kept};

pub use kept::Rankings;

/// A page of the ranking.
pub async fn ranking(State(api): State<Api>, parameters: Parameters) -> Reply {
    parameters.only(&["asset", "after", "limit"])?;
    let asset = parameters.get("asset").unwrap_or("near");
    let no_asset = || Problem::bad(format!("asset is near, or nep141: and the account of a token, not {asset}"));
    let asset = Question::asset(asset).ok_or_else(no_asset)?;
    let no_place = |text: &str| Problem::bad(format!("after is the `next` of another page, not {text}"));
    let after = parameters.get("after").map(|text| text.parse().map_err(|()| no_place(text))).transpose()?;
    let question = Question { asset, after, limit: parameters.limit()? };
    let asked = Instant::now();
    let mut snapshot = Snapshot::open(&api.pool).await?;
    let glance = ranking::glance(snapshot.connection(), &question).await?;
    match glance {
        Glance::NoTime => return Err(unknown_time()),
        Glance::Page(page) => return snapshot.answer(page).await,
        Glance::Payments { .. } => {}
    }
    let asked = Asked { asset: question.asset.clone(), at: asked, moment: snapshot.moment().await? };
    // Nobody holds a connection who waits for others: the embedded database has one.
    snapshot.end().await?;
    let all = api.rankings.get(&asked, compute(api.pool.clone(), question.asset.clone())).await?;
    Ok(answer(ranking::cut(&all.list, &question), all.moment.mirrored.as_ref()))
}

/// Reads all that was ever paid.
async fn compute(pool: PgPool, asset: Asset) -> Result<Kept, Problem> {
    let begun = Instant::now();
    let mut snapshot = Snapshot::open(&pool).await?;
    let moment = snapshot.moment().await?;
    let list = ranking::all(snapshot.connection(), &asset).await?;
    snapshot.end().await?;
    Ok(Kept { asset, begun, moment, list: list.ok_or_else(unknown_time)? })
}

fn unknown_time() -> Problem {
    Problem::not_ready("no block was added since times of blocks are kept".to_owned(), Map::new())
}
