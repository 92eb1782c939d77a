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

impl After {
    /// Whether an agent comes behind the place.
    fn is_before(&self, row: &Ranked) -> bool {
        (self.voices, self.amount, row.agent) > (row.voices, row.amount.0, self.agent)
    }
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

    /// Agents on the page that is asked for.
    fn rows(&self) -> i64 {
        self.limit.clamp(1, PAGE_MAX)
    }
}

/// What can be said of a question before all that was ever paid is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glance {
    /// Nobody knows yet of which time the tables are.
    NoTime,
    /// The answer: nobody was paid in the asset.
    Page(Ranking),
    /// It takes all payments, as of this time.
    Payments { now_ms: u64 },
}

/// Answers what takes no computing, within a transaction. Of the many assets that a stranger can think of it is all.
pub async fn glance(tx: &mut PgConnection, question: &Question) -> Result<Glance, IndexerError> {
    let Some(mirrored) = store::mirrored(tx).await? else { return Ok(Glance::Page(Ranking::default())) };
    let Some(now_ms) = mirrored.cursor.time_ms else { return Ok(Glance::NoTime) };
    let is_paid = match token(&question.asset) {
        None => true,
        Some(token) => is_paid_in(tx, token).await?,
    };
    if is_paid { Ok(Glance::Payments { now_ms }) } else { Ok(Glance::Page(unpaid(tx, question).await?)) }
}

fn token(asset: &Asset) -> Option<&str> {
    match asset {
        Asset::Near => None,
        Asset::Nep141(token) => Some(token.as_str()),
    }
}

/// Whether any agent was ever paid in a token.
async fn is_paid_in(tx: &mut PgConnection, token: &str) -> Result<bool, IndexerError> {
    let text = "select exists (select 1 from payment where token = $1 and agent is not null and paid > 0) as paid";
    Ok(sqlx::query(text).bind(token).fetch_one(tx).await?.try_get("paid")?)
}

/// A page of a ranking in which nobody was paid: all are the first, by their ids.
async fn unpaid(tx: &mut PgConnection, question: &Question) -> Result<Ranking, IndexerError> {
    // Behind who has more than nothing come all of them.
    let after = question.after.filter(|after| (after.voices, after.amount) == (0, 0));
    let rows = sqlx::query(
        "select 1::bigint as rank, id::text as agent, 0::bigint as voices, 0::bigint as payers, '0'::text as amount
         from agent where $1::text is null or id > $1::text::numeric order by id limit $2",
    )
    .bind(after.map(|after| after.agent.to_string()))
    .bind(question.rows() + 1)
    .fetch_all(tx)
    .await?;
    Ok(cut(&rows.iter().map(ranked).collect::<Result<Vec<_>, _>>()?, question))
}

/// Whatever Postgres believes of these tables: joins one by one would take a minute where hashes take a moment.
const BY_HASHES: [&str; 2] = ["set local enable_nestloop = off", "set local work_mem = '64MB'"];

/// Agents in their order, from behind a place on; without a limit all of them.
async fn computed(
    tx: &mut PgConnection,
    asset: &Asset,
    now_ms: u64,
    after: Option<After>,
    limit: Option<i64>,
) -> Result<Vec<Ranked>, IndexerError> {
    for setting in BY_HASHES {
        sqlx::query(setting).execute(&mut *tx).await?;
    }
    let rows = sqlx::query(include_str!("ranking.sql"))
        .bind(token(asset))
        .bind((i128::from(now_ms) - i128::from(OLD_MS)).to_string())
        .bind(after.map(|after| after.voices.to_string()))
        .bind(after.map(|after| after.amount.to_string()))
        .bind(after.map(|after| after.agent.to_string()))
        .bind(limit)
        .fetch_all(tx)
        .await?;
    rows.iter().map(ranked).collect()
}

/// A page, within a transaction. `None`: nobody knows yet of which time the tables are.
pub async fn page(tx: &mut PgConnection, question: &Question) -> Result<Option<Ranking>, IndexerError> {
    let now_ms = match glance(tx, question).await? {
        Glance::NoTime => return Ok(None),
        Glance::Page(page) => return Ok(Some(page)),
        Glance::Payments { now_ms } => now_ms,
    };
    let rows = computed(tx, &question.asset, now_ms, question.after, Some(question.rows() + 1)).await?;
    Ok(Some(cut(&rows, question)))
}

/// All agents in their order, within a transaction. `None`: nobody knows yet of which time the tables are.
pub async fn all(tx: &mut PgConnection, asset: &Asset) -> Result<Option<Vec<Ranked>>, IndexerError> {
    let Some(mirrored) = store::mirrored(tx).await? else { return Ok(Some(Vec::new())) };
    let Some(now_ms) = mirrored.cursor.time_ms else { return Ok(None) };
    computed(tx, asset, now_ms, None, None).await.map(Some)
}

/// The page that is asked for, of agents in their order.
pub fn cut(list: &[Ranked], question: &Question) -> Ranking {
    let from = question.after.map_or(0, |after| list.partition_point(|row| !after.is_before(row)));
    let rest = &list[from..];
    let shown = usize::try_from(question.rows()).expect("it is at most a hundred").min(rest.len());
    let items = rest[..shown].to_vec();
    let last = items.last().filter(|_| rest.len() > shown);
    let after = |last: &Ranked| After { voices: last.voices, amount: last.amount.0, agent: last.agent };
    let next = last.map(|last| after(last).to_string());
    Ranking { items, next }
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
    use charter_types::U128;

    use super::{After, Question, Ranked, Ranking, cut};

    /// Page by page a list is all of itself, and a place holds though nobody stands there any more.
    #[test]
    fn pages_of_a_list_are_the_list() {
        let row = |(rank, agent, voices, amount)| Ranked { rank, agent, voices, payers: voices, amount: U128(amount) };
        let places = [(1, 9, 3, 5), (2, 2, 2, 7), (2, 8, 2, 7), (4, 1, 2, 6), (5, 4, 0, 0), (5, 5, 0, 0), (5, 7, 0, 0)];
        let list = places.map(row);
        for limit in 1..=8 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let Ranking { items, next } = cut(&list, &Question { after, limit, ..Question::default() });
                seen.extend(items);
                let Some(next) = next else { break };
                after = Some(next.parse().unwrap());
            }
            assert_eq!(seen, list, "{limit}");
        }
        let first_behind = |voices, amount, agent| {
            let after = Some(After { voices, amount, agent });
            cut(&list, &Question { after, limit: 1, ..Question::default() }).items.first().map(|row| row.agent)
        };
        assert_eq!(first_behind(4, 0, 1), Some(9));
        assert_eq!((first_behind(2, 7, 2), first_behind(2, 7, 5), first_behind(2, 7, 8)), (Some(8), Some(8), Some(1)));
        assert_eq!((first_behind(1, 9, 1), first_behind(0, 0, 6), first_behind(0, 0, 7)), (Some(4), Some(7), None));
    }

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
