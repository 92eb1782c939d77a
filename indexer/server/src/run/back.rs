//! Events that a node kept back, and that nobody missed before the cursor was past them.
//!
//! What a node says of how many events there are moves nothing, since any node can name a number. It is a hint where to
//! look: the tables go back once a log is there that follows the last one they have, as proven as any.

use charter_client::At;
use charter_types::AccountId;
use charter_types::event::EventHead;
use near_primitives::hash::CryptoHash;

use super::{Indexer, Progress};
use crate::IndexerError;
use crate::contract::Contract;
use crate::decode::{Decoded, decode};
use crate::pulse::Stage;
use crate::rewind::{began, last_event, rewind};
use crate::source::{Header, LightHead};
use crate::store::{self, Cursor, Heads};

/// Heights without a block that are tried one after the other.
const SKIPPED_MAX: usize = 8;

impl Indexer {
    /// Has the tables go back to before an event that is missing in them although it came before the cursor. `None`:
    /// there is none, so whoever is asked now left one out of what comes after it.
    pub(super) async fn go_back(&mut self) -> Result<Option<Progress>, IndexerError> {
        self.pulse.enter(Stage::Back);
        let head = self.source.light_head().await?;
        let Some(to) = self.before_missing(head).await? else { return Ok(None) };
        tracing::error!(
            from = self.cursor.height,
            to = to.height,
            "a node kept events back: the tables go back to before them, and all after it is read again"
        );
        self.pulse.enter(Stage::Commit);
        let mut connection = self.pool.acquire().await?;
        self.sent_back = Some(to);
        let (heads, proven) = rewind(&mut connection, self.cursor, to, &self.pulse).await?;
        drop(connection);
        self.stand_at(to, heads, proven);
        Ok(Some(Progress::WentBack { height: to.height }))
    }

    /// Asks the database whether the tables went back, where it did not answer.
    pub(super) async fn settle_back(&mut self) -> Result<(), IndexerError> {
        let Some(to) = self.sent_back else { return Ok(()) };
        self.pulse.enter(Stage::Settle);
        let mut connection = self.pool.acquire().await?;
        let stands = store::stands(&mut connection).await?;
        let proven = store::is_proven(&mut connection).await?;
        drop(connection);
        match stands {
            Some((cursor, heads)) if cursor.is_at(&to) => self.stand_at(to, heads, proven),
            Some((cursor, _)) if cursor.is_at(&self.cursor) => self.sent_back = None,
            _ => return Err(IndexerError::CursorMoved),
        }
        Ok(())
    }

    fn stand_at(&mut self, to: Cursor, heads: Heads, proven: Option<bool>) {
        (self.cursor, self.heads, self.proven, self.sent_back) = (to, heads, proven, None);
        self.ahead.clear();
        self.source.forget_proven();
    }

    /// The block before the first one that has an event that is missing.
    async fn before_missing(&self, head: LightHead) -> Result<Option<Cursor>, IndexerError> {
        for (contract, account) in &self.contracts {
            let ours = self.heads.get(contract).copied().unwrap_or_default();
            if !self.has_more(account, self.cursor.hash, ours).await? {
                continue;
            }
            let block = self.first_with_more(*contract, account, ours).await?;
            self.source.check_block(block.cursor(), head).await?;
            let Some(receipts) = self.source.receipts(block, head).await? else { continue };
            let mut logs = receipts.iter().filter(|receipt| receipt.receiver == *account).flat_map(|one| &one.logs);
            if logs.any(|log| follows(*contract, log, ours)) {
                return Ok(Some(self.source.header(At::Hash(block.prev_hash)).await?.cursor()));
            }
        }
        Ok(None)
    }

    /// Whether a contract has more events at a block than `ours`, as a node says.
    async fn has_more(&self, account: &AccountId, at: CryptoHash, ours: EventHead) -> Result<bool, IndexerError> {
        Ok(self.source.event_head(account, at, ours).await?.seq > ours.seq)
    }

    /// The first block at which a contract had more events than `ours`, as a node says: the cursor's, or one before it.
    async fn first_with_more(
        &self,
        contract: Contract,
        account: &AccountId,
        ours: EventHead,
    ) -> Result<Header, IndexerError> {
        let mut connection = self.pool.acquire().await?;
        let mut below = match last_event(&mut connection, contract).await? {
            // That block may have more of them.
            Some(height) => height.saturating_sub(1),
            None => began(&mut connection).await?,
        };
        drop(connection);
        let mut found = self.source.header(At::Hash(self.cursor.hash)).await?;
        while found.height.saturating_sub(below) > 1 {
            let middle = below + (found.height - below) / 2;
            let earlier = match self.newest_of(below, middle).await? {
                Some(block) => self.has_more(account, block.hash, ours).await?.then_some(block),
                None => None,
            };
            match earlier {
                Some(block) => found = block,
                None => below = middle,
            }
        }
        Ok(found)
    }

    /// The newest block above one height and up to another.
    async fn newest_of(&self, below: u64, to: u64) -> Result<Option<Header>, IndexerError> {
        for height in (below + 1..=to).rev().take(SKIPPED_MAX) {
            let found = self.source.find(height).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Whether a log is the next event of a contract after `ours`.
fn follows(contract: Contract, log: &str, ours: EventHead) -> bool {
    let (seq, prev) = match decode(contract, log) {
        Decoded::Event(event) => (Some(event.seq), Some(event.prev)),
        Decoded::Unknown { seq, prev, .. } => (seq, prev),
        Decoded::Foreign | Decoded::Garbled { .. } => return false,
    };
    seq.and_then(|seq| seq.checked_sub(1)) == Some(ours.seq) && prev == Some(ours.head)
}
