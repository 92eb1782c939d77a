//! Who is passed over for what was said. Each question has a handle of its own, which knows who answered it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use charter_client::Rpc;

use crate::IndexerError;

/// What comes of questions that `rpc` alone is asked, one after the other. If a node said what can't be, it was the one
/// that answered the last of them, and others are asked for a time.
pub fn judged<T>(
    rpc: &Rpc,
    work: impl Future<Output = Result<T, IndexerError>>,
) -> impl Future<Output = Result<T, IndexerError>> {
    // A question to a node takes much room.
    let work = Box::pin(work);
    async move {
        let done = work.await;
        if let Err(error) = &done
            && error.is_the_nodes()
        {
            rpc.blame(error.to_string());
        }
        done
    }
}

/// Who said what only shows later to be false.
#[derive(Default)]
pub struct Suspects {
    /// Whoever told which receipts a block has, since the step began.
    tellers: Mutex<Vec<Rpc>>,
    /// Whoever named the newest head, or said after that that something can't be proven under it yet.
    head: Mutex<Option<Rpc>>,
}

/// What is kept is there as a whole or not at all, whoever panicked.
fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Suspects {
    /// Blocks are read anew.
    pub fn begin(&self) {
        locked(&self.tellers).clear();
    }

    pub fn told_receipts(&self, rpc: Rpc) {
        locked(&self.tellers).push(rpc);
    }

    /// That is as far as it leads.
    pub fn told_head(&self, rpc: Rpc) {
        *locked(&self.head) = Some(rpc);
    }

    /// Receipts were left out, or made up, in some block of the step.
    pub fn blame_tellers(&self, reason: &str) {
        for teller in locked(&self.tellers).drain(..) {
            teller.blame(reason);
        }
    }

    /// It leads further, or elsewhere.
    pub fn blame_for_head(&self, reason: &str) {
        if let Some(teller) = locked(&self.head).take() {
            teller.blame(reason);
        }
    }
}
