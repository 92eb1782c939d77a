use super::{CLAIM_BATCH_MAX, ChannelId, DEPOSIT_MIN, WITHDRAW_DELAY_MS_MAX, WITHDRAW_DELAY_MS_MIN, WITHDRAW_MAX};
use crate::AccountId;
use crate::error::failures;

failures! {
    /// What the escrow refuses.
    EscrowError {
        UnknownChannel { id: ChannelId } = "ESCROW_UNKNOWN_CHANNEL", "there is no open channel {id}";
        NotPayer { caller: AccountId } = "ESCROW_NOT_PAYER", "caller {caller} is not the payer";
        NotPayee { caller: AccountId } = "ESCROW_NOT_PAYEE", "caller {caller} is not the payee";
        SamePayee {} = "ESCROW_SAME_PAYEE", "payer and payee must differ";
        WeakKey {} = "ESCROW_WEAK_KEY", "the voucher key is a point of small order: anybody could sign with it";
        Deposit { attached: u128 } = "ESCROW_DEPOSIT_TOO_SMALL", "attach at least {DEPOSIT_MIN} yoctoNEAR beyond storage, not {attached}";
        WithdrawDelay {} = "ESCROW_BAD_WITHDRAW_DELAY", "the delay is {WITHDRAW_DELAY_MS_MIN} to {WITHDRAW_DELAY_MS_MAX} ms";
        BatchSize { rows: usize } = "ESCROW_BAD_BATCH_SIZE", "a batch has 1 to {CLAIM_BATCH_MAX} rows, not {rows}";
        WithdrawSize { channels: usize } = "ESCROW_BAD_WITHDRAW_SIZE", "name 1 to {WITHDRAW_MAX} channels, not {channels}";
        Signature {} = "ESCROW_BAD_SIGNATURE", "the voucher is not signed by the channel's key";
        Expired {} = "ESCROW_EXPIRED", "the voucher has expired";
        OverDeposit { deposited: u128 } = "ESCROW_OVER_DEPOSIT", "the voucher promises more than the {deposited} yoctoNEAR deposited";
        NotHigher { claimed: u128 } = "ESCROW_NOT_HIGHER", "{claimed} yoctoNEAR are claimed already";
        Closing { closes_ms: u64 } = "ESCROW_CLOSING", "the channel is closing since its payer asked for it; it ends at {closes_ms} ms";
        NotClosing {} = "ESCROW_NOT_CLOSING", "nobody asked to close the channel";
        TooEarly { closes_ms: u64 } = "ESCROW_TOO_EARLY", "the payee has until {closes_ms} ms";
        NothingDue {} = "ESCROW_NOTHING_DUE", "nothing is due on these channels";
        Overflow {} = "ESCROW_OVERFLOW", "the amount does not fit into 128 bits";
    }
}
