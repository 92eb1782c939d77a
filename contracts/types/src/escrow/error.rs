use super::{
    BPS, CLAIM_BATCH_MAX, ChannelId, DEPOSIT_MIN, DISTRIBUTE_MAX, EdgeId, FORGOTTEN_MAX, LOCK_MS_MAX, SPLITS_MAX,
    WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN, WITHDRAW_MAX,
};
use crate::AccountId;
use crate::error::failures;
use crate::registry::AgentId;

failures! {
    /// What the escrow refuses.
    EscrowError {
        UnknownChannel { id: ChannelId } = "ESCROW_UNKNOWN_CHANNEL", "there is no open channel {id}";
        NotPayer { caller: AccountId } = "ESCROW_NOT_PAYER", "caller {caller} is not the payer";
        NotPayee { caller: AccountId } = "ESCROW_NOT_PAYEE", "caller {caller} is not the payee";
        SamePayee {} = "ESCROW_SAME_PAYEE", "payer and payee must differ";
        WeakKey {} = "ESCROW_WEAK_KEY", "the voucher key is a point of small order: anybody could sign with it";
        Deposit { attached: u128 } = "ESCROW_DEPOSIT_TOO_SMALL", "a deposit is at least {DEPOSIT_MIN}, in NEAR beyond what storage takes, not {attached}";
        WithdrawDelay {} = "ESCROW_BAD_WITHDRAW_DELAY", "the delay is {WITHDRAW_DELAY_MS_MIN} to {WITHDRAW_DELAY_MS_MAX} ms";
        BatchSize { rows: usize } = "ESCROW_BAD_BATCH_SIZE", "a batch has 1 to {CLAIM_BATCH_MAX} rows, not {rows}";
        WithdrawSize { channels: usize } = "ESCROW_BAD_WITHDRAW_SIZE", "name 1 to {WITHDRAW_MAX} channels, not {channels}";
        Signature {} = "ESCROW_BAD_SIGNATURE", "the voucher is not signed by the channel's key";
        Expired {} = "ESCROW_EXPIRED", "the voucher has expired";
        OverDeposit { deposited: u128 } = "ESCROW_OVER_DEPOSIT", "the voucher promises more than the {deposited} deposited";
        NotHigher { claimed: u128 } = "ESCROW_NOT_HIGHER", "{claimed} is claimed already";
        Closing { closes_ms: u64 } = "ESCROW_CLOSING", "the channel is closing since its payer asked for it; it ends at {closes_ms} ms";
        NotClosing {} = "ESCROW_NOT_CLOSING", "nobody asked to close the channel";
        TooEarly { closes_ms: u64 } = "ESCROW_TOO_EARLY", "the payee has until {closes_ms} ms";
        NothingDue {} = "ESCROW_NOTHING_DUE", "nothing is due";
        Overflow {} = "ESCROW_OVERFLOW", "the amount does not fit into 128 bits";
        WrongAsset {} = "ESCROW_WRONG_ASSET", "it is in another asset";
        BadMessage {} = "ESCROW_BAD_MESSAGE", "msg names a channel to top up, a purse or an edge";
        BadLock {} = "ESCROW_BAD_LOCK", "a lock only becomes later, and ends at most {LOCK_MS_MAX} ms from now";
        BadSplits {} = "ESCROW_BAD_SPLITS", "there are at most {SPLITS_MAX} splits, each 1 to {BPS}, together at most {BPS}, of accounts that all differ and are not the payee";
        WrongTerms {} = "ESCROW_WRONG_TERMS", "these are not the terms that the channel was opened with";
        BadShares {} = "ESCROW_BAD_SHARES", "name 1 to {DISTRIBUTE_MAX} of the channel's shares, none twice";
        NoPurse {} = "ESCROW_NO_PURSE", "there is no such purse";
        NoCaps {} = "ESCROW_NO_CAPS", "the purse gives nothing: it has no caps, or their time is over";
        OverCaps { left: u128 } = "ESCROW_OVER_CAPS", "the purse's caps leave {left} for this payee today";
        PurseShort { balance: u128 } = "ESCROW_PURSE_SHORT", "the purse has {balance}";
        NotAgent { caller: AccountId } = "ESCROW_NOT_AGENT", "caller {caller} is not the account of an agent that is active and armed";
        DrawnForAgent {} = "ESCROW_DRAWN_FOR_AGENT", "what an agent draws is not for its own account";
        NotDrawn {} = "ESCROW_NOT_DRAWN", "the channel did not come out of this purse";
        NoReserve {} = "ESCROW_NO_RESERVE", "there is no such reserve";
        ReserveEnding {} = "ESCROW_RESERVE_ENDING", "the reserve is ending";
        ReserveLives {} = "ESCROW_RESERVE_LIVES", "the reserve has not ended";
        BadTotal { least: u128, most: u128 } = "ESCROW_BAD_TOTAL", "the total is {least} to {most}: it never falls, and no more was reserved";
        BadProof {} = "ESCROW_BAD_PROOF", "the proof does not lead from this account and amount to the root";
        OverTotal { left: u128 } = "ESCROW_OVER_TOTAL", "of the root's total {left} was not pulled";
        RootInUse { until_ms: u64 } = "ESCROW_ROOT_IN_USE", "creators can pull until {until_ms} ms";
        InFlight {} = "ESCROW_IN_FLIGHT", "a transfer is on its way";
        NamedSize { named: usize } = "ESCROW_BAD_NAMED_SIZE", "name 1 to {FORGOTTEN_MAX} accounts, not {named}";
        EarningsOpen {} = "ESCROW_EARNINGS_OPEN", "such a row is there already";
        NoEarnings {} = "ESCROW_NO_EARNINGS", "there is no row for what the account (the agent's payout account, in a report) earns for the agent in this asset: open_earnings makes one";
        UnknownAgent { agent: AgentId } = "ESCROW_UNKNOWN_AGENT", "the registry knows no agent {agent}, or did not answer";
        TransferFailed {} = "ESCROW_TRANSFER_FAILED", "the transfer failed: the money is here as before";
        ReportFailed {} = "ESCROW_REPORT_FAILED", "the registry did not take the report: the deposit came back";
        UnknownEdge { id: EdgeId } = "ESCROW_UNKNOWN_EDGE", "there is no edge {id}";
        BadEdge { reason: &'static str } = "ESCROW_BAD_EDGE", "{reason}";
        NotAsker { caller: AccountId } = "ESCROW_NOT_ASKER", "caller {caller} is not the asker";
        NotAcker { caller: AccountId } = "ESCROW_NOT_ACKER", "caller {caller} is not the acker";
        NotOnEdge { account: AccountId } = "ESCROW_NOT_ON_EDGE", "{account} is neither asker nor acker";
        NotAttached { needed: u128 } = "ESCROW_NOT_ATTACHED", "attach {needed} yoctoNEAR";
        OverCollateral { missing: u128 } = "ESCROW_OVER_COLLATERAL", "of this side's collateral {missing} is missing, no more";
        EdgeJoined {} = "ESCROW_EDGE_JOINED", "the acker has joined already";
        EdgeNotLive {} = "ESCROW_EDGE_NOT_LIVE", "the edge is not live: both have put their collateral, the acker has joined, and nobody has ended it";
        EdgeOver { over_ms: u64 } = "ESCROW_EDGE_OVER", "this could be done before {over_ms} ms";
        EdgeNotOver { over_ms: u64 } = "ESCROW_EDGE_NOT_OVER", "the edge can be ended from {over_ms} ms on";
        EscalationsOpen { escalations: u32 } = "ESCROW_ESCALATIONS_OPEN", "{escalations} escalations are open";
        NotLate { from_ms: u64, to_ms: u64 } = "ESCROW_NOT_IN_WINDOW", "the request can be escalated from {from_ms} to {to_ms} ms";
        Escalated {} = "ESCROW_ESCALATED", "a request of this number was escalated before";
        AckSignature {} = "ESCROW_BAD_ACK", "there is no such ack: it is not signed by the edge's acker_key";
        UnknownRequest { counter: u64 } = "ESCROW_UNKNOWN_REQUEST", "no request {counter} was escalated on this edge";
        RequestSettled {} = "ESCROW_REQUEST_SETTLED", "the escalation is not open any more";
        ResponseSignature {} = "ESCROW_BAD_RESPONSE", "there is no such response: it is not signed by the edge's signer";
        RequestOpen { over_ms: u64 } = "ESCROW_REQUEST_OPEN", "the escalation is open, or its window until {over_ms} ms is";
    }
}
