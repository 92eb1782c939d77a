//! Agents ranked by who paid for their work, from rows alone. `docs/reputation.md` has the rule, `ranking.sql` is it.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use charter_types::U128;
use charter_types::asset::Asset;
use charter_types::registry::AgentId;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::store;
use crate::tables::escrow::asset_of;

/// How long an agent has to be registered before its owner counts.
pub const OLD_MS: u64 = 30 * 24 * 3_600_000;
/// Agents on one page at the most.
pub const PAGE_MAX: i64 = 100;

/// An agent and who paid for its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ranked {
    /// One more than there are agents before it with more voices, or as many and a larger amount.
    pub rank: u64,
    pub agent: AgentId,
    /// Payers that count.
    pub voices: u64,
    /// All payers but the agent's owner.
    pub payers: u64,
    /// What those that count paid in all; 2^128-1 if it is more.
    pub amount: U128,
}

/// A page of the ranking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ranking {
    pub items: Vec<Ranked>,
    /// `after` of the next page, if there is one.
    pub next: Option<String>,
}

/// Where a page begins: behind an agent that has, or had, this many voices and this amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    voices: u64,
    amount: u128,
    agent: AgentId,
}

impl Display for After {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}/{}", self.voices, self.amount, self.agent)
    }
}

impl FromStr for After {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '/');
        let mut part = || parts.next().ok_or(());
        let (voices, amount, agent) = (part()?, part()?, part()?);
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { voices: number(voices)?, amount: amount.parse().map_err(|_| ())?, agent: number(agent)? })
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub asset: Asset,
    pub after: Option<After>,
    /// At most [`PAGE_MAX`].
    pub limit: i64,
}

impl Question {
    /// An asset as it is written: `near`, or `nep141:` and a token's account.
    pub fn asset(text: &str) -> Option<Asset> {
        asset_of(text)
    }
}

/// Whatever Postgres believes of these tables: joins one by one would take a minute where hashes take a moment.
const BY_HASHES: [&str; 2] = ["set local enable_nestloop = off", "set local work_mem = '64MB'"];

/// A page, within a transaction. `None`: nobody knows yet of which time the tables are.
pub async fn page(tx: &mut PgConnection, question: &Question) -> Result<Option<Ranking>, IndexerError> {
    let Some(mirrored) = store::mirrored(tx).await? else { return Ok(Some(Ranking::default())) };
    let Some(now_ms) = mirrored.cursor.time_ms else { return Ok(None) };
    for setting in BY_HASHES {
        sqlx::query(setting).execute(&mut *tx).await?;
    }
    let token = match &question.asset {
        Asset::Near => None,
        Asset::Nep141(token) => Some(token.as_str()),
    };
    let (after, limit) = (question.after, question.limit.clamp(1, PAGE_MAX));
    let rows = sqlx::query(include_str!("ranking.sql"))
        .bind(token)
        .bind((i128::from(now_ms) - i128::from(OLD_MS)).to_string())
        .bind(after.map(|after| after.voices.to_string()))
        .bind(after.map(|after| after.amount.to_string()))
        .bind(after.map(|after| after.agent.to_string()))
        .bind(limit + 1)
        .fetch_all(tx)
        .await?;
    let shown = usize::try_from(limit).expect("it is at most a hundred").min(rows.len());
    let items = rows[..shown].iter().map(ranked).collect::<Result<Vec<_>, _>>()?;
    let last = items.last().filter(|_| rows.len() > shown);
    let after = |last: &Ranked| After { voices: last.voices, amount: last.amount.0, agent: last.agent };
    let next = last.map(|last| after(last).to_string());
    Ok(Some(Ranking { items, next }))
}

/// The same, of the tables as they are.
pub async fn read(pool: &PgPool, question: &Question) -> Result<Option<Ranking>, IndexerError> {
    let mut tx = pool.begin_with("begin isolation level repeatable read read only").await?;
    let page = page(&mut tx, question).await?;
    tx.commit().await?;
    Ok(page)
}

fn ranked(row: &PgRow) -> Result<Ranked, IndexerError> {
    let unreadable = |what| IndexerError::Unreadable { what };
    let (agent, amount): (&str, &str) = (row.try_get("agent")?, row.try_get("amount")?);
    Ok(Ranked {
        rank: store::unsigned(row, "rank")?,
        agent: agent.parse().map_err(|_| unreadable("id"))?,
        voices: store::unsigned(row, "voices")?,
        payers: store::unsigned(row, "payers")?,
        amount: U128(amount.parse().map_err(|_| unreadable("paid"))?),
    })
}

#[cfg(test)]
mod tests {
    use super::After;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is() {
        let most = After { voices: u64::MAX, amount: u128::MAX, agent: u64::MAX };
        for place in [After { voices: 0, amount: 0, agent: 0 }, most] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "1", "1/2", "1/2/3/4", "-1/2/3", "1/2/x", "1//3", " 1/2/3"] {
            assert_eq!(text.parse::<After>(), Err(()), "{text}");
        }
        assert!(format!("1/{}0/3", u128::MAX).parse::<After>().is_err());
    }
}
