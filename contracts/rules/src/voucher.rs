//! Whether a voucher is worth money. The contract asks when a voucher is presented, a payee before it hands anything out
//! for one.

use charter_types::escrow::{self, ChannelId, EscrowError, Voucher};

/// What of a channel decides about vouchers, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub deposited: u128,
    /// A voucher has to promise more than this.
    pub claimed: u128,
    /// From when on anybody may end the channel. The contract itself says none: it knows that the channel is still there.
    pub ends_ms: Option<u64>,
    pub closed: bool,
}

impl From<&escrow::Channel> for Channel {
    fn from(channel: &escrow::Channel) -> Self {
        Self {
            id: channel.id,
            deposited: channel.deposited.0,
            claimed: channel.claimed.0,
            ends_ms: channel.closes_ms.map(|closes_ms| closes_ms.max(channel.locked_until_ms)),
            closed: channel.closed,
        }
    }
}

/// Whether a voucher raises what is claimed if it is presented at `now_ms`. Its signature is for the caller to check, who
/// does so last, because it costs most.
pub fn check(channel: &Channel, voucher: &Voucher, now_ms: u64) -> Result<(), EscrowError> {
    if channel.closed || voucher.channel != channel.id {
        return Err(EscrowError::UnknownChannel { id: voucher.channel });
    }
    if let Some(closes_ms) = channel.ends_ms
        && now_ms >= closes_ms
    {
        return Err(EscrowError::Closing { closes_ms });
    }
    if voucher.expires_at_ms != 0 && now_ms > voucher.expires_at_ms {
        return Err(EscrowError::Expired {});
    }
    if voucher.cumulative > channel.deposited {
        return Err(EscrowError::OverDeposit { deposited: channel.deposited });
    }
    if voucher.cumulative <= channel.claimed {
        return Err(EscrowError::NotHigher { claimed: channel.claimed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::escrow::{EscrowError, Kind, Voucher};

    use super::{Channel, check};

    #[test]
    fn both_sides_of_every_bound() {
        let id = Hash32([1; 32]);
        let open = Channel { id, deposited: 10_000, claimed: 500, ends_ms: None, closed: false };
        let voucher = |cumulative, expires_at_ms| {
            let (domain, context_root) = (Hash32::default(), Hash32::default());
            Voucher { kind: Kind::Voucher, domain, channel: id, cumulative, expires_at_ms, counter: 0, context_root }
        };
        let at_100 = |cumulative, expires_at_ms| check(&open, &voucher(cumulative, expires_at_ms), 100);
        assert_eq!(at_100(501, 0), Ok(()));
        assert_eq!(at_100(10_000, 100), Ok(()));
        assert_eq!(at_100(10_000, 99), Err(EscrowError::Expired {}));
        assert_eq!(at_100(10_001, 0), Err(EscrowError::OverDeposit { deposited: 10_000 }));
        assert_eq!(at_100(500, 0), Err(EscrowError::NotHigher { claimed: 500 }));
        let closing = Channel { ends_ms: Some(200), ..open };
        assert_eq!(check(&closing, &voucher(501, 0), 199), Ok(()));
        assert_eq!(check(&closing, &voucher(501, 0), 200), Err(EscrowError::Closing { closes_ms: 200 }));
        let unknown = Err(EscrowError::UnknownChannel { id });
        assert_eq!(check(&Channel { closed: true, ..open }, &voucher(501, 0), 100), unknown);
        assert_eq!(check(&Channel { id: Hash32([2; 32]), ..open }, &voucher(501, 0), 100), unknown);
    }
}
