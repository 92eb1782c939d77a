//! The methods of tasks.

use super::args::{
    BalanceRef, CommitVerdict, CommitWork, EarningsRef, ForgetMarks, MarksOf, OfAgent, OfAsset, PostTaskSet,
    RevealVerdict, RevealWork, SetRef, Setup, ShowHoneypot, Slots, Take, TaskRef, TasksOf, Withdraw,
};
use super::{Balance, Domains, Earnings, Mark, Pool, Record, Reviewer, SetId, Slot, Task, TaskSet, Totals};
use crate::asset::FtOnTransfer;
use crate::{Named, Nothing, Page, U128};

crate::method::methods! { of Tasks;
    /// Sets the contract up; `account` is the admin until governance takes over.
    init new(Setup);

    /// Posts a set of tasks and returns its id. What all of them can cost is taken out of the caller's balance; in NEAR, what
    /// storage leaves of the deposit is added to that first, in a token it comes back. Storage is set aside for as many tasks
    /// as may be in work at a time.
    call post_task_set(PostTaskSet) -> SetId [Amount, Anyone, Flat];
    /// Ends the taking of tasks: what is set aside for those that nobody took goes back to the caller's balance at once. Those
    /// in work go on. Call it again while it answers false: rows are left to free.
    call close_set(SetRef) -> bool [OneYocto, Requester, Flat];
    /// Takes a task. The set's `take_deposit` has to be attached; it is in the worker's balance as soon as its work is revealed.
    call take(Take) -> TaskRef [Amount, Anyone, Flat];
    /// Commits to an answer.
    call commit_work(CommitWork) [Nothing, Worker, Flat];
    /// Reveals it, and has a panel drawn, in a receipt of its own.
    call reveal_work(RevealWork) [Nothing, Worker, Flat];
    /// Has a panel drawn where one is due and none came.
    call draw(TaskRef) [Nothing, Anyone, Flat];
    /// Commits to a verdict, or to another one until all seats have or the time is over.
    call commit_verdict(CommitVerdict) [Nothing, Seat, Flat];
    /// Reveals it, once all seats have committed or the time to is over.
    call reveal_verdict(RevealVerdict) [Nothing, Seat, Flat];
    /// Has a panel of seven judge a task again, once: their fees are taken out of the caller's balance. The deposit pays for
    /// storage, which comes back when the task ends.
    call appeal(TaskRef) [Storage, WorkerOrRequester, Flat];
    /// Shows that a task was a honeypot, once it is final and before it is settled: what its worker and its reviewers said
    /// counts for and against them in the requester's sets.
    call show_honeypot(ShowHoneypot) [Storage, Requester, Flat];
    /// Forgets what the caller's honeypots say of accounts, and frees the rows.
    call forget_marks(ForgetMarks) [OneYocto, Anyone, Flat];
    /// Pays everybody for a task that is final, or ends one whose worker kept silent. Answers whether the task has ended:
    /// one that was appealed takes two calls.
    call settle(TaskRef) -> bool [Nothing, Anyone, Flat];

    /// Puts slots into the pool of reviewers, each bonded with 1 NEAR. What storage leaves of the rest comes back.
    call bond(Slots) [Amount, Anyone, Flat];
    /// Takes free slots out of the pool. Three days later `withdraw_bond` pays them.
    call unbond(Slots) [OneYocto, Reviewer, Flat];
    /// Pays what has left the pool, and what slots that lost something have left, to the caller's balance; returns how much.
    call withdraw_bond(Nothing) -> U128 [Storage, Reviewer, Flat];

    /// Makes the row of the caller's balance in an asset. If another account pays for it, the caller does from here on.
    call open_balance(OfAsset) [Storage, Anyone, Flat];
    /// Adds what storage leaves of the deposit to the caller's balance in NEAR; returns how much that is.
    call deposit(Nothing) -> U128 [Amount, Anyone, Flat];
    /// Frees the row of an empty balance.
    call end_balance(OfAsset) [OneYocto, Anyone, Flat];
    /// Sends the caller what it has in an asset, or a part of it; returns how much.
    call withdraw(Withdraw) -> U128 [OneYocto, Anyone, Asks];
    /// Sends another account all that it has in an asset: by who pays for the row, to be rid of it.
    call push_balance(BalanceRef) -> U128 [OneYocto, RowPayer, Asks];
    /// NEP-141. Tokens that came here, for the sender's balance. What is refused goes back to the sender.
    call ft_on_transfer(FtOnTransfer) -> U128 [Nothing, Token, Flat];

    /// Makes the row that counts what the caller earns for an agent, from now on.
    call open_earnings(OfAgent) [Storage, Anyone, Flat];
    /// Ends the caller's row and frees its storage. What it counted is gone; what the registry was told stays there.
    call end_earnings(OfAgent) [OneYocto, Anyone, Flat];
    /// Reports what the agent's payout account earned for it to the registry. The deposit pays for the registry's row.
    call sync_reputation(OfAgent) [Storage, Anyone, Asks];

    /// A set.
    view task_set(SetRef) -> Option<TaskSet>;
    /// Sets that are there among `limit` ids from `from` on.
    view task_sets(Page) -> Vec<TaskSet>;
    /// A task in work or under judgement.
    view task(TaskRef) -> Option<Task>;
    /// Those of a set among `limit` indexes from `from` on.
    view tasks(TasksOf) -> Vec<Task>;
    /// A reviewer.
    view reviewer(Named) -> Option<Reviewer>;
    /// A reviewer's slots, and what each is doing.
    view slots(Named) -> Vec<Slot>;
    /// The pool of reviewers: its size, and free slots by position.
    view pool(Page) -> Pool;
    /// What an account has here.
    view balance(BalanceRef) -> Option<Balance>;
    /// What an account did here.
    view record(Named) -> Option<Record>;
    /// Sums over everything there ever was of an asset: `received = held + sending + paid`.
    view totals(OfAsset) -> Totals;
    /// What a requester's honeypots say of accounts, at most 100; of whom they say nothing is missing.
    view marks(MarksOf) -> Vec<Mark>;
    /// What an account earned for an agent.
    view earnings(EarningsRef) -> Option<Earnings>;
    /// What commitments begin with here.
    view domains(Nothing) -> Domains;

    /// Draws a panel.
    callback on_draw;
    /// After a transfer out of a balance.
    callback on_paid -> U128;
    /// The registry's answer to who is paid for an agent.
    callback on_agent;
    /// After the registry was told.
    callback on_reported;
}
