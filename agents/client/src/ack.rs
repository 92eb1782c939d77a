//! What an ack is worth to its asker, who has to know that before it relies on one.

use charter_types::escrow::args::Escalate;
use charter_types::escrow::{Edge, EdgeState, EscrowError, Exchange};
use charter_types::{ErrorCode, Hash32};

use crate::{ed25519, sha256};

/// The time in which an escalation surely gets into a block.
pub const ESCALATE_MS: u64 = 60_000;

/// Why an asker takes no ack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The contract would refuse it, whenever it is escalated.
    #[error("{0}")]
    Chain(EscrowError),
    #[error("it promises an answer by {deadline_ms} ms, and that is later than asked for")]
    Slow { deadline_ms: u64 },
    #[error("silence would cost nothing: {reason}")]
    Worthless { reason: &'static str },
}

impl AckError {
    /// The code, which never changes: the contract's own if the contract would refuse, too.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Chain(error) => error.code(),
            Self::Slow { .. } => "PAY_ACK_SLOW",
            Self::Worthless { .. } => "PAY_ACK_WORTHLESS",
        }
    }
}

/// Whether an ack binds its acker to answer by `answer_by_ms`. It is given as what an asker would present with
/// [`charter_types::escrow::methods::escalate`]; `domain` is [`charter_types::escrow::Voucher::domain`] of the escrow.
///
/// An acker signs whatever deadline it likes. After one that is late, or whose window is over, nobody can escalate.
pub fn check(edge: &Edge, domain: Hash32, ack: &Escalate, answer_by_ms: u64, now_ms: u64) -> Result<(), AckError> {
    let Escalate { edge: id, counter, asked, deadline_ms, signature } = *ack;
    if id != edge.id {
        return Err(AckError::Chain(EscrowError::UnknownEdge { id }));
    }
    if edge.state != EdgeState::Live {
        return Err(AckError::Chain(EscrowError::EdgeNotLive {}));
    }
    if edge.acker_side.0 == 0 {
        return Err(AckError::Worthless { reason: "nothing is left of the acker's collateral" });
    }
    if deadline_ms > answer_by_ms {
        return Err(AckError::Slow { deadline_ms });
    }
    let from_ms = deadline_ms.max(now_ms);
    let until_ms = deadline_ms.saturating_add(edge.window_ms).min(edge.ends_ms.saturating_sub(1));
    if from_ms.saturating_add(ESCALATE_MS) > until_ms {
        let reason = "its deadline leaves less than a minute to escalate, before the edge's end or that of the window";
        return Err(AckError::Worthless { reason });
    }
    let message = Exchange { domain, edge: id, counter, asked }.ack(deadline_ms, sha256).to_bytes();
    // Last, because it costs most.
    let key = ed25519::unpack(&edge.acker_key);
    let is_signed = key.is_some_and(|key| ed25519::verifies(&key, &message, &signature));
    if is_signed { Ok(()) } else { Err(AckError::Chain(EscrowError::AckSignature {})) }
}
