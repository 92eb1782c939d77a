//! How records stand in storage. A layout never changes: a record that does gets a version, see `charter_common::stored`.

use charter_common::{Layout, layout, stored};
use charter_types::asset::{Asset, Books};
use charter_types::escrow::args::OpenEdge;
use charter_types::escrow::{Delivered, EdgeState, Signer};
use charter_types::{AccountId, Ed25519Key, EthAddress, Hash32, U128};

use crate::model::{Channel, Creator, Drawn, Earnings, Edge, Purse, Request, Reserve, Share, Token, Totals};

stored!(StoredChannel: 1 = ChannelV2, before 0 = ChannelV1);
stored!(StoredToken: 0 = TokenV1);
stored!(StoredPurse: 0 = PurseV1);
stored!(StoredDraw: 0 = DrawnV1);
stored!(StoredReserve: 0 = ReserveV1);
stored!(StoredCreator: 0 = CreatorV1);
stored!(StoredEarnings: 0 = EarningsV1);
stored!(StoredEdge: 0 = EdgeV1);
stored!(StoredRequest: 0 = RequestV1);

layout! {
    struct ChannelV1 for Channel {
        payer: AccountId,
        payee: AccountId,
        agent: Option<u64>,
        voucher_key: Ed25519Key,
        deposited: u128,
        claimed: u128,
        paid: u128,
        refunded: u128,
        withdraw_delay_ms: u64,
        closes_ms: u64,
        closed: bool,
        transfers_open: u8,
    } lacks { asset: Asset::Near, locked_until_ms: 0, terms_hash: None, shares: Vec::new(), purse: None }
}
layout! {
    struct ChannelV2 for Channel = ChannelV1, then {
        asset: AssetV1,
        locked_until_ms: u64,
        terms_hash: Option<Hash32>,
        shares: Vec<ShareV1>,
        purse: Option<u64>,
    }
}
layout! { struct ShareV1 for Share { bps: u16, paid: u128, failed_ms: u64 } }
layout! { struct TokenV1 for Token { totals: TotalsV1, uses: u64 } }
layout! { struct BooksV1 for Books { held: U128, in_flight: U128 } }
layout! {
    struct TotalsV1 for Totals { deposited: U128, books: BooksV1, paid: U128, refunded: U128 }
}
layout! {
    struct PurseV1 for Purse {
        balance: u128,
        in_flight: u128,
        per_day: u128,
        per_payee: u128,
        until_ms: u64,
        day: u64,
        drawn: u128,
    }
}
layout! { struct DrawnV1 for Drawn { day: u64, amount: u128 } }
layout! {
    struct ReserveV1 for Reserve {
        payee: AccountId,
        asset: AssetV1,
        root: Hash32,
        total: u128,
        reserved: u128,
        pulled: u128,
        in_flight: u128,
        posted_ms: u64,
        ending: bool,
    }
}
layout! { struct CreatorV1 for Creator { paid: u128 } }
layout! { struct EarningsV1 for Earnings { earned: u128, payments: u64 } }
layout! { enum AssetV1 for Asset { 0 = Near, 1 = Nep141(token: AccountId) } }
layout! {
    struct EdgeV1 for Edge {
        asker: AccountId,
        terms: OpenEdgeV1,
        state: EdgeStateV1,
        asker_side: u128,
        acker_side: u128,
        late: u128,
        asker_due: u128,
        cut_due: u128,
        escalations: u32,
        transfers_open: u32,
        cut_failed_ms: u64,
    }
}
layout! {
    struct OpenEdgeV1 for OpenEdge {
        acker: AccountId,
        asset: AssetV1,
        collateral: U128,
        cut: U128,
        cut_to: AccountId,
        rate_per_s: U128,
        cap: U128,
        window_ms: u64,
        ends_ms: u64,
        asker_key: Ed25519Key,
        acker_key: Ed25519Key,
        signer: SignerV1,
        offer: Option<Hash32>,
    }
}
layout! {
    enum SignerV1 for Signer {
        0 = Ed25519(key: Ed25519Key),
        1 = Eip191 { address: EthAddress, model: String },
    }
}
layout! { enum EdgeStateV1 for EdgeState { 0 = Open, 1 = Joined, 2 = Live, 3 = Ended } }
layout! {
    struct RequestV1 for Request {
        asked: Hash32,
        deadline_ms: u64,
        escalated_ms: u64,
        late: u128,
        open: bool,
        delivered: DeliveredV1,
    }
}

/// As long as with a response, without one: anybody delivers it, and the asker is not asked to pay for it then.
pub enum DeliveredV1 {}

impl Layout for DeliveredV1 {
    type Value = Option<Delivered>;

    fn write(value: &Self::Value, row: &mut Vec<u8>) {
        let none = Delivered { at_ms: 0, response_hash: Hash32::default() };
        let Delivered { at_ms, response_hash } = value.unwrap_or(none);
        bool::write(&value.is_some(), row);
        u64::write(&at_ms, row);
        Hash32::write(&response_hash, row);
    }

    fn read(row: &mut &[u8]) -> Option<Self::Value> {
        let delivered = bool::read(row)?;
        let (at_ms, response_hash) = (u64::read(row)?, Hash32::read(row)?);
        Some(delivered.then_some(Delivered { at_ms, response_hash }))
    }
}
