//! Paying out what is due on an edge: late pay while it lasts, everything once it has ended.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, pay};
use charter_types::escrow::methods::on_edge_paid;
use charter_types::escrow::{EdgeId, Fact};
use near_sdk::env;

use crate::Escrow;
use crate::gas::ON_EDGE_PAID;
use crate::model::{Edge, EdgePart, Landed, add};

/// What a transfer was about.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct EdgePending {
    edge: EdgeId,
    part: EdgePart,
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
        let asset = &edge.terms.asset;
        let sum = parts.iter().try_fold(0, |sum, part| add(add(sum, part.own)?, part.earned))?;
        self.book_out(asset, sum)?;
        for part in parts {
            let to = (edge.receiver(part.to), add(part.own, part.earned)?);
            pay(asset, to, (on_edge_paid, ON_EDGE_PAID), &EdgePending { edge: id, part }).detach();
        }
        Ok(())
    }

    /// The row has its size from the beginning, so it can be written.
    pub(super) fn settle_edge(&mut self, EdgePending { edge: id, part }: &EdgePending, arrived: bool) {
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
