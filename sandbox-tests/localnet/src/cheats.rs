//! What a test may do and a network may not.

use std::time::Duration;

use near_primitives::state_record::StateRecord;

use crate::localnet::{Error, Localnet};

/// Time travel and state edits, apart from protocol calls.
pub struct Cheats<'a> {
    localnet: &'a Localnet,
}

impl Localnet {
    /// What only tests may do: time travel and edits of the state.
    pub fn cheats(&self) -> Cheats<'_> {
        Cheats { localnet: self }
    }
}

impl Cheats<'_> {
    /// Skips `count` heights; time goes with them.
    pub async fn advance_blocks(&self, count: u64) -> Result<(), Error> {
        self.localnet.with(move |chain| chain.fast_forward(count)).await??;
        Ok(())
    }

    /// Lets time pass: the next block, made at once, is that much later.
    pub async fn advance_time(&self, time: Duration) -> Result<(), Error> {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.localnet
            .with(move |chain| {
                chain.advance_time(ns);
                chain.produce()
            })
            .await??;
        Ok(())
    }

    /// Writes records into the state with the next block, made at once.
    pub async fn patch_state(&self, records: Vec<StateRecord>) -> Result<(), Error> {
        let patched = self.localnet.with(move |chain| {
            chain.patch_state(records).map_err(Error::Patch)?;
            Ok(chain.produce()?)
        });
        patched.await?
    }
}
