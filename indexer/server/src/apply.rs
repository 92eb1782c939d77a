//! Events to changes of rows. Events carry full new values, so nothing of a contract's arithmetic is repeated here.

use crate::decode::Fact;
use crate::table::Change;
use crate::tables::{escrow, governance, keys, registry, tasks};

/// The changes that an event means: one exhaustive `match` over each contract's facts, beside the contract's tables.
pub fn changes(fact: &Fact) -> Vec<Change> {
    match fact {
        Fact::Registry(fact) => registry::changes(fact),
        Fact::Keys(fact) => keys::changes(fact),
        Fact::Governance(fact) => governance::changes(fact),
        Fact::Escrow(fact) => escrow::changes(fact),
        Fact::Tasks(fact) => tasks::changes(fact),
    }
}
