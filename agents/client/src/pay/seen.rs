use charter_rules::voucher;
use charter_types::Ed25519Key;
use charter_types::escrow::args::ChannelRef;
use charter_types::escrow::{self, ChannelId, methods};

use crate::{At, ClientError, Contracts, Rpc};

/// A channel as the chain showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: ChannelId,
    pub voucher_key: Ed25519Key,
    pub deposited: u128,
    pub claimed: u128,
    pub withdraw_delay_ms: u64,
    /// It ends no earlier; 0 for no lock.
    pub locked_until_ms: u64,
    /// When the grace is over, once its payer asked to close it.
    pub closes_ms: Option<u64>,
    pub closed: bool,
    /// Time of the block that showed it so.
    pub at_ms: u64,
}

impl Seen {
    pub fn new(channel: &escrow::Channel, at_ms: u64) -> Self {
        Self {
            id: channel.id,
            voucher_key: channel.voucher_key,
            deposited: channel.deposited.0,
            claimed: channel.claimed.0,
            withdraw_delay_ms: channel.withdraw_delay_ms,
            locked_until_ms: channel.locked_until_ms,
            closes_ms: channel.closes_ms,
            closed: channel.closed,
            at_ms,
        }
    }

    /// Asks the chain: the channel and the time of one final block. `None`: it is gone, or never was.
    pub async fn read(rpc: &Rpc, contracts: &Contracts, channel: ChannelId) -> Result<Option<Self>, ClientError> {
        let header = rpc.block(At::Final).await?.header;
        let (args, at) = (ChannelRef { channel }, At::Hash(header.hash));
        let shown = contracts.escrow().view(rpc, methods::channel, &args, at).await?;
        Ok(shown.map(|shown| Self::new(&shown, header.timestamp_nanosec / 1_000_000)))
    }

    /// From when on it may be over for all its payee knows: the payer can ask right after somebody looked.
    pub fn ends_ms(&self) -> u64 {
        let soonest_ms = || self.at_ms.saturating_add(self.withdraw_delay_ms);
        self.closes_ms.unwrap_or_else(soonest_ms).max(self.locked_until_ms)
    }

    /// From when on it is over for all its payer knows, who knows what it asked for.
    pub(super) fn asked_ms(&self) -> Option<u64> {
        self.closes_ms.map(|_| self.ends_ms())
    }

    /// What decides about a voucher. What it has to promise more than, both ends know better than the chain.
    pub(super) fn rule(&self, ends_ms: Option<u64>) -> voucher::Channel {
        let Self { id, deposited, closed, .. } = *self;
        voucher::Channel { id, deposited, claimed: 0, ends_ms, closed }
    }

    /// Takes note of a later look. Answers of nodes overtake each other.
    pub(super) fn look_again(&mut self, seen: Self) {
        if seen.at_ms >= self.at_ms {
            *self = seen;
        }
    }
}
