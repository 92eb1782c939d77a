//! What a payee says to a voucher.

use charter_types::ErrorCode;
use charter_types::escrow::{ChannelId, ClaimRow, EscrowError};

use super::ledger::EXPIRIES_MAX;
use crate::offer::Agreed;

/// A payee's answer. It rests on what is on disk already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted(Accepted),
    Refused(Refusal),
}

/// A voucher that pays for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub channel: ChannelId,
    pub cumulative: u128,
    pub counter: u64,
    pub price: u128,
    /// The same voucher was accepted before, at the same price. It pays once: what was answered then is answered again, and
    /// something new is handed out only if nothing was then.
    pub repeat: bool,
}

/// Why a payee takes no voucher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The contract would refuse it, at the latest when the payee claims.
    #[error("{0}")]
    Chain(EscrowError),
    /// x402's corrective answer: it holds the last voucher, which the payer checks itself.
    #[error("the voucher has to promise the price more than {}, which is where the channel stands", .0.cumulative())]
    NotNext(Box<Standing>),
    #[error("{price} is no price of what was agreed")]
    Price { price: u128 },
    #[error("the offer ended at {expires_at_ms} ms")]
    OfferEnded { expires_at_ms: u64 },
    #[error("the voucher expires before {claim_by_ms} ms, by when it is surely claimed: let it be good for longer")]
    ExpiresSoon { claim_by_ms: u64 },
    /// Each that expires first claims most: to lose none, all have to be kept.
    #[error(
        "{EXPIRIES_MAX} vouchers wait of which each expires before the one before: let it be good as long as the last"
    )]
    Expiries,
}

/// Where a channel stands with its payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub channel: ChannelId,
    /// As the payee saw it on chain.
    pub claimed: u128,
    /// The last voucher it accepted.
    pub last: Option<ClaimRow>,
}

impl Standing {
    /// What the next voucher comes on top of.
    pub fn cumulative(&self) -> u128 {
        self.last.as_ref().map_or(0, |row| row.cumulative).max(self.claimed)
    }
}

impl Refusal {
    /// The code, which never changes: the contract's own if the contract would refuse, too.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Chain(error) => error.code(),
            Self::NotNext(_) => "PAY_NOT_NEXT",
            Self::Price { .. } => "PAY_WRONG_PRICE",
            Self::OfferEnded { .. } => "OFFER_ENDED",
            Self::ExpiresSoon { .. } => "PAY_EXPIRES_SOON",
            Self::Expiries => "PAY_TOO_MANY_EXPIRIES",
        }
    }
}

impl From<EscrowError> for Refusal {
    fn from(error: EscrowError) -> Self {
        Self::Chain(error)
    }
}

/// Whether something may cost that now. Without an offer it may cost whatever both sides say.
pub(super) fn check_price(agreed: Option<&Agreed>, price: u128, now_ms: u64) -> Result<(), Refusal> {
    if price == 0 {
        return Err(Refusal::Price { price });
    }
    let Some(offer) = agreed.map(Agreed::offer) else { return Ok(()) };
    if !offer.holds(now_ms) {
        return Err(Refusal::OfferEnded { expires_at_ms: offer.expires_at_ms });
    }
    if offer.has_price(price) { Ok(()) } else { Err(Refusal::Price { price }) }
}
