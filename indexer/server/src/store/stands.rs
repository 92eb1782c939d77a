//! How far the tables are, for whoever is not sure.

use sqlx::{PgConnection, Row};

use super::{Cursor, Heads, event_head, mirrored};
use crate::IndexerError;
use crate::contract::Contract;

impl Cursor {
    /// Whether it is the same block.
    pub fn is_at(&self, other: &Self) -> bool {
        self.height == other.height && self.hash == other.hash
    }
}

/// Cursor and heads once nobody is at work on them any more. `None`: there is no cursor.
///
/// Where a connection was cut, the server may not have noticed yet, and what was sent before may still be carried out.
/// The lock waits for that: whoever commits has it from its first statement on.
pub async fn stands(connection: &mut PgConnection) -> Result<Option<(Cursor, Heads)>, IndexerError> {
    let mut tx = sqlx::Connection::begin(connection).await?;
    sqlx::query("select height from cursor for update").execute(&mut *tx).await?;
    let found = mirrored(&mut tx).await?;
    let heads = all_heads(&mut tx).await?;
    tx.rollback().await?;
    Ok(found.map(|found| (found.cursor, heads)))
}

/// The contracts' chains of events as far as they are in the tables, of those that are known here.
pub async fn all_heads(connection: &mut PgConnection) -> Result<Heads, IndexerError> {
    let mut heads = Heads::new();
    for row in sqlx::query("select name, seq, head from contract").fetch_all(connection).await? {
        if let Some(contract) = Contract::named(row.try_get("name")?) {
            heads.insert(contract, event_head(&row)?);
        }
    }
    Ok(heads)
}
