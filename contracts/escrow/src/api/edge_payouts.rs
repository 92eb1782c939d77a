//! Paying out what is due on an edge: late pay while it lasts, everything once it has ended.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, methods, succeeded};
use charter_types::escrow::methods as calls;
use charter_types::escrow::{EdgeId, EscrowError, Fact};
use near_sdk::{env, near};

use crate::gas::ON_EDGE_PAID;
use crate::model::{Edge, EdgePart, Landed};
use crate::{Escrow, EscrowExt};

/// What a transfer was about.
#[derive(BorshSerialize, BorshDeserialize)]
struct Pending {
    edge: EdgeId,
    part: EdgePart,
}

#[methods(escrow)]
#[near]
impl Escrow {
    /// After a transfer to one side of an edge, or to whom a cut goes.
    #[private]
    pub fn on_edge_paid(&mut self) {
        if let Ok(pending) = borsh::from_slice::<Pending>(&env::input().unwrap_or_default()) {
            self.settle_edge(&pending, succeeded(0));
        }
    }
}

impl Escrow {
    /// Books first, then a transfer to each who is owed something. They are apart: whoever can't be paid keeps nobody else
    /// waiting.
    pub(crate) fn pay_edge(&mut self, id: EdgeId, mut edge: Edge) -> Answer {
        let parts = edge.take_due()?;
        if edge.is_done() {
            self.finish_edge(id, &edge);
            return Ok(());
        }
        self.save_edge(id, &edge)?;
        for part in parts {
            let amount = part.own.checked_add(part.earned).ok_or(EscrowError::Overflow {})?;
            let to = (edge.receiver(part.to), amount);
            let pending = Pending { edge: id, part };
            self.send(&edge.terms.asset, to, (calls::on_edge_paid, ON_EDGE_PAID), &pending)?.detach();
        }
        Ok(())
    }

    /// The row has its size from the beginning, so it can be written.
    fn settle_edge(&mut self, Pending { edge: id, part }: &Pending, arrived: bool) {
        let Some(mut edge) = self.edges.get(id) else { return };
        edge.settle(*part, arrived, env::block_timestamp_ms());
        let landed = if arrived { [Landed::Refunded, Landed::Paid] } else { [Landed::Back; 2] };
        for (amount, landed) in [part.own, part.earned].into_iter().zip(landed) {
            self.land(&edge.terms.asset, amount, landed);
        }
        if edge.is_done() {
            self.finish_edge(*id, &edge);
        } else if arrived {
            // Nothing that is shown has changed.
            let _ = self.edges.update(id, &edge, &mut self.core.storage);
        } else {
            let _ = self.save_edge(*id, &edge);
        }
    }

    /// Removes an edge on which nothing is owed or on its way; its storage goes back to the asker.
    fn finish_edge(&mut self, id: EdgeId, edge: &Edge) {
        self.edges.remove(&id, &mut self.core.storage);
        self.release_asset(&edge.terms.asset);
        self.emit("edge_ended", Fact::EdgeEnded(id));
    }
}
