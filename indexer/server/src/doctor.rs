//! What is wrong, if anything is: the database, the nodes, and whether they fit together. Nothing is changed.

mod nodes;

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use crate::IndexerError;
use crate::anchor::{Anchored, Standing};
use crate::letters::UnknownVersion;
use crate::state::State;

pub use nodes::nodes;

/// A block that is older than this is not one of now.
const AGE_MS_MAX: u64 = 10 * 60 * 1_000;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Well,
    /// Somebody should know.
    Odd,
    /// Somebody has to do something.
    Wrong,
}

/// Something that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub subject: &'static str,
    pub health: Health,
    /// What was found, and what helps.
    pub about: String,
}

impl Finding {
    pub fn well(subject: &'static str, about: impl Into<String>) -> Self {
        Self { subject, health: Health::Well, about: about.into() }
    }

    pub fn odd(subject: &'static str, about: impl Into<String>) -> Self {
        Self { subject, health: Health::Odd, about: about.into() }
    }

    pub fn wrong(subject: &'static str, about: impl Into<String>) -> Self {
        Self { subject, health: Health::Wrong, about: about.into() }
    }
}

/// What a database says of itself, and how far it is, if its tables can be read.
pub async fn database(pool: &PgPool) -> (Vec<Finding>, Option<State>) {
    let mut findings = Vec::new();
    let read = examine(pool, &mut findings).await;
    let state = read.unwrap_or_else(|error| {
        findings.push(Finding::wrong("database", error.to_string()));
        None
    });
    (findings, state)
}

async fn examine(pool: &PgPool, findings: &mut Vec<Finding>) -> Result<Option<State>, IndexerError> {
    let mut connection = pool.acquire().await?;
    findings.push(server(&mut connection).await?);
    let (finding, is_current) = schema(&mut connection).await?;
    findings.push(finding);
    drop(connection);
    if !is_current {
        return Ok(None);
    }
    let state = State::read(pool).await?;
    findings.extend(tables(&state));
    Ok(Some(state))
}

async fn server(connection: &mut PgConnection) -> Result<Finding, IndexerError> {
    let text = "select current_setting('server_version') as version, pg_is_in_recovery() as replica,
                  current_setting('default_transaction_read_only') = 'on' as read_only";
    let row = sqlx::query(text).fetch_one(connection).await?;
    let (version, replica, read_only): (String, bool, bool) =
        (row.try_get("version")?, row.try_get("replica")?, row.try_get("read_only")?);
    let version = format!("PostgreSQL {version}");
    Ok(match (replica, read_only) {
        (false, false) => Finding::well("database", version),
        (true, _) => {
            Finding::odd("database", format!("{version}, a replica: `index serve` can read it, nothing writes"))
        }
        (false, true) => Finding::odd("database", format!("{version} takes no writes: an indexer waits until it does")),
    })
}

/// A migration as the database remembers it.
struct Migrated {
    version: i64,
    is_whole: bool,
    checksum: Vec<u8>,
}

/// Whether the schema is the one that this program knows.
async fn schema(connection: &mut PgConnection) -> Result<(Finding, bool), IndexerError> {
    let text = "select to_regclass('_sqlx_migrations') is not null as there";
    let there: bool = sqlx::query(text).fetch_one(&mut *connection).await?.try_get("there")?;
    let mut done = Vec::new();
    if there {
        let text = "select version, success, checksum from _sqlx_migrations order by version";
        let migrated = |row: &PgRow| -> Result<Migrated, IndexerError> {
            let (version, is_whole) = (row.try_get("version")?, row.try_get("success")?);
            Ok(Migrated { version, is_whole, checksum: row.try_get("checksum")? })
        };
        let rows = sqlx::query(text).fetch_all(connection).await?;
        done = rows.iter().map(migrated).collect::<Result<Vec<_>, _>>()?;
    }
    let known: Vec<(i64, Vec<u8>)> =
        sqlx::migrate!().iter().map(|known| (known.version, known.checksum.to_vec())).collect();
    let finding = judge(&known, &done);
    let is_current = finding.health == Health::Well;
    Ok((finding, is_current))
}

fn judge(known: &[(i64, Vec<u8>)], done: &[Migrated]) -> Finding {
    let wrong = |about: String| Finding::wrong("schema", about);
    for Migrated { version, is_whole, checksum } in done {
        if !is_whole {
            return wrong(format!("migration {version} began and did not end: restore a backup"));
        }
        match known.iter().find(|(known, _)| known == version) {
            None => return wrong(format!("migration {version} is a later program's: this one is too old")),
            Some((_, expected)) if expected != checksum => {
                return wrong(format!("migration {version} was another one than this program's"));
            }
            Some(_) => {}
        }
    }
    match known.len().saturating_sub(done.len()) {
        0 => Finding::well("schema", format!("all {} migrations", known.len())),
        _ if done.is_empty() => Finding::odd("schema", "there are no tables yet: the first start makes them"),
        due => Finding::odd("schema", format!("{due} migrations are due: the next start of `index run` makes them")),
    }
}

/// What the tables say.
fn tables(state: &State) -> Vec<Finding> {
    let mut findings = vec![cursor(state)];
    findings.push(match &state.verified_head {
        Some(head) => {
            Finding::well("light client", format!("verified up to block {}{}", head.height, aged(head.age_ms)))
        }
        None => Finding::well("light client", "none: which blocks are the chain's is a node's word"),
    });
    findings.push(match &state.verification {
        None => Finding::odd("comparison", "the tables were never compared with the contracts: `index verify`"),
        Some(last) if last.mismatches > 0 => {
            let (rows, at) = (last.mismatches, last.height);
            Finding::wrong("comparison", format!("{rows} rows were wrong at block {at}: /v1/verify names them"))
        }
        Some(last) => {
            let (rows, at) = (last.rows, last.height);
            Finding::well(
                "comparison",
                format!("{rows} rows as the contracts have them, at block {at}{}", aged(Some(last.age_ms))),
            )
        }
    });
    findings.push(letters(state));
    let missing = |anchor: &&Anchored| matches!(anchor.state, Standing::Withheld | Standing::Differs);
    findings.extend(state.anchors.iter().filter(missing).map(|anchor| {
        let Anchored { contract, events, height, .. } = anchor;
        let about = format!("{contract} had {events} events at block {height}, and they are not those in the tables");
        Finding::wrong("events", about)
    }));
    findings
}

fn cursor(state: &State) -> Finding {
    let Some((height, chain)) = state.height.zip(state.chain_id.as_deref()) else {
        return Finding::odd("cursor", "the database is empty: no indexer has begun");
    };
    let about = format!("block {height} of {chain}{}", aged(state.age_ms));
    if state.age_ms.is_some_and(|age| age > AGE_MS_MAX) {
        return Finding::odd(
            "cursor",
            format!("{about}: no indexer is at work, it catches up, or the chain stands still"),
        );
    }
    Finding::well("cursor", about)
}

fn letters(state: &State) -> Finding {
    let count = state.dead_letters;
    if let Some(UnknownVersion { contract, version, .. }) = state.unknown_versions.first() {
        let about = format!(
            "{count}, among them events of {contract} in version {version}, which this program does not know: install a \
             newer one, then `index dead-letters --retry`"
        );
        return Finding::odd("dead letters", about);
    }
    match count {
        0 => Finding::well("dead letters", "none"),
        _ => Finding::odd("dead letters", format!("{count}: `index dead-letters` lists them")),
    }
}

/// Behind what is so old.
fn aged(age_ms: Option<u64>) -> String {
    age_ms.map_or_else(String::new, |ms| format!(", {} s old", ms / 1_000))
}

#[cfg(test)]
mod tests {
    use super::{Health, Migrated, judge};

    #[test]
    fn a_schema_is_this_programs_or_it_is_said_whose() {
        let known = [(1, vec![1]), (2, vec![2])];
        let done = |version: i64, checksum: u8| Migrated { version, is_whole: true, checksum: vec![checksum] };
        for (done, health, said) in [
            (vec![done(1, 1), done(2, 2)], Health::Well, "all 2 migrations"),
            (vec![], Health::Odd, "no tables yet"),
            (vec![done(1, 1)], Health::Odd, "1 migrations are due"),
            (vec![done(1, 1), done(2, 2), done(3, 3)], Health::Wrong, "migration 3 is a later program's"),
            (vec![done(1, 7)], Health::Wrong, "migration 1 was another one"),
            (vec![Migrated { is_whole: false, ..done(1, 1) }], Health::Wrong, "did not end"),
        ] {
            let found = judge(&known, &done);
            assert!(found.health == health && found.about.contains(said), "{found:?}");
        }
    }
}
