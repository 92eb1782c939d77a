//! The methods of escrow.

use super::args::{ChannelRef, Channels, Open};
use super::{Channel, ChannelId, ClaimBatch, ClaimResult, Totals};
use crate::{Hash32, Named, Nothing, U128};

crate::method::methods! { of Escrow;
    /// Sets the contract up; `account` is the admin until governance takes over.
    init new(Named);

    /// Opens a channel from the caller to a payee and returns its id. The deposit pays for storage (about 0.005 NEAR, given
    /// back at close); the rest, at least 1,000 yoctoNEAR, is what vouchers can promise.
    call open(Open) -> ChannelId [Amount, Anyone, Flat];
    /// Adds the whole deposit to a channel that is not closing.
    call top_up(ChannelRef) [Amount, Payer, Flat];
    /// Presents vouchers of any payers and payees, 1 to 128 rows. Each row succeeds or fails alone and repeats are harmless.
    /// With `withdraw` the caller's own channels among the rows are paid out as well.
    call claim_batch borsh(ClaimBatch) -> Vec<ClaimResult> [Nothing, Anyone, Batch];
    /// Sends the caller what is claimed and not yet paid on 1 to 128 of its channels. Channels that are gone are passed over.
    call withdraw(Channels) -> U128 [Nothing, Payee, Batch];
    /// Closes a channel: what is claimed goes to the payee, the rest back to the payer.
    call close(ChannelRef) [Nothing, Payee, Asks];
    /// Starts the grace after which the payer gets the rest back; claims count until then.
    call request_close(ChannelRef) [OneYocto, Payer, Flat];
    /// Ends the grace: the channel stays open.
    call cancel_close(ChannelRef) [OneYocto, Payer, Flat];
    /// Ends a channel whose grace is over, or sends again what a closed one still owes.
    call finalize_close(ChannelRef) [Nothing, Anyone, Asks];

    /// A channel.
    view channel(ChannelRef) -> Option<Channel>;
    /// Channels by id, at most 100; what is not there is missing.
    view channels(Channels) -> Vec<Channel>;
    /// Sums over everything the escrow ever held: `deposited = held + in_flight + paid + refunded`.
    view totals(Nothing) -> Totals;
    /// What vouchers for this contract are signed under.
    view voucher_domain_of(Nothing) -> Hash32;

    /// After a transfer to a payee.
    callback on_paid;
    /// After the transfers of a close: the payee's, then the payer's.
    callback on_closed;
}
