use super::{ANSWER_BYTES_MAX, FORGOTTEN_MAX, REVIEWERS_SLACK, SLOTS_MAX, SetId, TAKE_DEPOSIT_MIN, URI_BYTES_MAX};
use crate::AccountId;
use crate::error::failures;
use crate::registry::AgentId;

failures! {
    /// What the contract for tasks refuses.
    TasksError {
        UnknownSet { set: SetId } = "TASKS_UNKNOWN_SET", "there is no set {set}";
        UnknownTask { set: SetId, index: u32 } = "TASKS_UNKNOWN_TASK", "task {index} of set {set} is not in work";
        NotRequester { caller: AccountId } = "TASKS_NOT_REQUESTER", "caller {caller} is not the requester";
        NotWorker { caller: AccountId } = "TASKS_NOT_WORKER", "caller {caller} is not the task's worker";
        NotOnPanel { caller: AccountId } = "TASKS_NOT_ON_PANEL", "caller {caller} has no seat on the panel that judges the task now";
        NotReviewer { caller: AccountId } = "TASKS_NOT_REVIEWER", "caller {caller} has never bonded a slot";
        BadSet { reason: &'static str } = "TASKS_BAD_SET", "{reason}";
        TakeDepositSmall {} = "TASKS_TAKE_DEPOSIT_SMALL", "a worker's deposit is at least {TAKE_DEPOSIT_MIN} yoctoNEAR";
        NotCovered { needed: u128, available: u128 } = "TASKS_NOT_COVERED", "this takes {needed} of the asset out of the caller's balance, which has {available}";
        SetClosed {} = "TASKS_SET_CLOSED", "the set is closed";
        NoneLeft {} = "TASKS_NONE_LEFT", "every task of the set is taken";
        AtOnce { at_once: u32 } = "TASKS_AT_ONCE", "{at_once} tasks of the set are in work, which is all there may be at a time";
        OwnSet {} = "TASKS_OWN_SET", "a requester takes no task of its own";
        FewReviewers { needed: u32, reviewers: u32 } = "TASKS_FEW_REVIEWERS", "there are {reviewers} reviewers; {REVIEWERS_SLACK} more than seats make {needed}";
        Excluded {} = "TASKS_EXCLUDED", "the requester's honeypots exclude this worker";
        RequesterShort { bytes: u64 } = "TASKS_REQUESTER_SHORT", "the requester's storage account lacks room for {bytes} bytes of another task: anyone may storage_deposit for it";
        NotAttached { needed: u128 } = "TASKS_NOT_ATTACHED", "attach {needed} yoctoNEAR";
        WrongState {} = "TASKS_WRONG_STATE", "the task is not at this step";
        TooLate { until_ms: u64 } = "TASKS_TOO_LATE", "this could be done before {until_ms} ms";
        TooEarly { from_ms: u64 } = "TASKS_TOO_EARLY", "this can be done from {from_ms} ms on";
        NotYet {} = "TASKS_NOT_YET", "a panel is being drawn";
        HashMismatch {} = "TASKS_HASH_MISMATCH", "this, its salt and its author don't make what was committed";
        BadAnswer {} = "TASKS_BAD_ANSWER", "an answer is at most {ANSWER_BYTES_MAX} bytes, or a URI of at most {URI_BYTES_MAX} and a hash";
        NotCommitted {} = "TASKS_NOT_COMMITTED", "this seat has committed to no verdict";
        Revealed {} = "TASKS_REVEALED", "this seat's verdict is revealed";
        Appealed {} = "TASKS_APPEALED", "a task is appealed once";
        NotAggrieved {} = "TASKS_NOT_AGGRIEVED", "the worker appeals what is not good, the requester what is not bad, nobody else anything";
        NoHoneypots {} = "TASKS_NO_HONEYPOTS", "the set has none";
        Shown {} = "TASKS_SHOWN", "it was shown before";
        BadProof {} = "TASKS_BAD_PROOF", "the proof does not lead from this index, answer and salt to the set's root";
        BadNamedSize { named: usize } = "TASKS_BAD_NAMED_SIZE", "name 1 to {FORGOTTEN_MAX} accounts, not {named}";
        BadSlots {} = "TASKS_BAD_SLOTS", "name 1 slot or more; an account has at most {SLOTS_MAX}, those that leave among them";
        SlotsBusy { free: u8 } = "TASKS_SLOTS_BUSY", "{free} slots are in the pool; those on a panel leave once their task is settled";
        NothingDue {} = "TASKS_NOTHING_DUE", "nothing is due";
        NoBalance {} = "TASKS_NO_BALANCE", "there is no such balance: open_balance makes one";
        BalanceOpen {} = "TASKS_BALANCE_OPEN", "the balance is there, and the caller pays for it";
        BalanceInUse {} = "TASKS_BALANCE_IN_USE", "something is in the balance, or on its way out of it";
        NotPayer {} = "TASKS_NOT_PAYER", "the caller does not pay for the row of this balance, or it is its own";
        BadMessage {} = "TASKS_BAD_MESSAGE", "msg is {{\"deposit\":{{}}}}";
        WrongAsset {} = "TASKS_WRONG_ASSET", "there is no such asset here";
        Overflow {} = "TASKS_OVERFLOW", "the amount does not fit into 128 bits";
        EarningsOpen {} = "TASKS_EARNINGS_OPEN", "such a row is there already";
        NoEarnings {} = "TASKS_NO_EARNINGS", "there is no row for what the account (the agent's payout account, in a report) earns for the agent in this asset: open_earnings makes one";
        UnknownAgent { agent: AgentId } = "TASKS_UNKNOWN_AGENT", "the registry knows no agent {agent}, or did not answer";
        TransferFailed {} = "TASKS_TRANSFER_FAILED", "the transfer failed: the money is here as before";
        ReportFailed {} = "TASKS_REPORT_FAILED", "the registry did not take the report: the deposit came back";
    }
}
