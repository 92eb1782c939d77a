//! Several nodes of one chain, compared: whether the one that is asked stands still, or keeps the newest blocks back.

use std::time::Duration;

use charter_client::{At, Rpc};
use futures_util::future;
use sqlx::PgPool;
use tokio::time::{sleep, timeout};

use crate::IndexerError;
use crate::light::proven_height;
use crate::watch::Watch;

/// How long a node may take to say how far it is; what it says later is another question's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The nodes, each for itself.
pub struct Lookout {
    nodes: Vec<Rpc>,
    pool: PgPool,
    /// Whether a node has to prove what it says, beyond what the database has verified.
    is_light: bool,
}

impl Lookout {
    pub fn new(rpc: &Rpc, pool: PgPool, is_light: bool) -> Self {
        Self { nodes: rpc.singly(), pool, is_light }
    }

    /// Notes again and again how far the furthest of several nodes is. It never ends.
    pub async fn look_around(self, every: Duration, watch: Watch) {
        if self.nodes.len() < 2 {
            return std::future::pending().await;
        }
        loop {
            sleep(every).await;
            let told = future::join_all(self.nodes.iter().map(|node| timeout(PATIENCE, self.height(node)))).await;
            // A node that does not answer, or proves nothing, is no news here: whoever reads from it says so.
            watch.note_furthest(told.into_iter().filter_map(|told| told.ok()?.ok()).max());
        }
    }

    async fn height(&self, node: &Rpc) -> Result<u64, IndexerError> {
        if self.is_light
            && let Some(height) = proven_height(node, &self.pool).await?
        {
            return Ok(height);
        }
        Ok(node.block(At::Final).await?.header.height)
    }
}
