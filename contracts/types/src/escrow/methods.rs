//! The methods of escrow.

use super::args::{
    ChannelRef, Channels, CreatorRef, Deliver, Distribute, Draw, DrawnRef, EarningsRef, EdgeRef, Edges, Escalate,
    ExtendLock, ForgetCreators, ForgetDraws, OfAgent, OfAsset, Open, OpenEdge, PostRoot, Pull, PurseRef, RequestRef,
    ReserveOf, SetCaps, Setup,
};
use super::{
    Channel, ChannelId, ClaimBatch, ClaimResult, Creator, Drawn, Earnings, Edge, EdgeId, Purse, Request, Reserve,
    Totals,
};
use crate::asset::FtOnTransfer;
use crate::{Hash32, Nothing, U128};

crate::method::methods! { of Escrow;
    /// Sets the contract up; `account` is the admin until governance takes over.
    init new(Setup);

    /// Opens a channel from the caller to a payee and returns its id. The deposit pays for storage (about 0.005 NEAR, given
    /// back at close). In NEAR the rest of it, at least 1,000 yoctoNEAR, is what vouchers can promise; in a token the rest
    /// comes back, and `ft_transfer_call` fills the channel.
    call open(Open) -> ChannelId [Amount, Anyone, Flat];
    /// Adds the whole deposit to a channel in NEAR that is not closing.
    call top_up(ChannelRef) [Amount, Payer, Flat];
    /// Makes the lock of a channel end later: nobody but the payee ends the channel before.
    call extend_lock(ExtendLock) [OneYocto, Payer, Flat];
    /// NEP-141. Tokens that came here, for a channel or a purse of their sender or an edge, as `msg` says. What is refused
    /// goes back to the sender.
    call ft_on_transfer(FtOnTransfer) -> U128 [Nothing, Token, Flat];
    /// Presents vouchers of any payers and payees, 1 to 128 rows. Each row succeeds or fails alone and repeats are harmless.
    /// With `withdraw` the caller's own channels among the rows are paid out as well.
    call claim_batch borsh(ClaimBatch) -> Vec<ClaimResult> [Nothing, Anyone, Batch];
    /// Sends the caller what is due to it on 1 to 128 of its channels, in at most four assets; returns the sum, of whatever
    /// assets. Channels that are gone are passed over.
    call withdraw(Channels) -> U128 [Nothing, Payee, Batch];
    /// Sends 1 to 8 shares of a channel what is due to them, and returns the sum. The channel's terms are named again.
    call distribute(Distribute) -> U128 [Nothing, Anyone, Batch];
    /// Closes a channel: the payee's part of what is claimed goes to it, what is not claimed back to the payer, or to the
    /// purse that it came from. Shares are still distributed.
    call close(ChannelRef) [Nothing, Payee, Asks];
    /// Starts the grace after which the payer gets the rest back; claims count until then.
    call request_close(ChannelRef) [OneYocto, Payer, Flat];
    /// Ends the grace: the channel stays open.
    call cancel_close(ChannelRef) [OneYocto, Payer, Flat];
    /// Ends a channel whose grace and lock are over, or sends again what a closed one still owes.
    call finalize_close(ChannelRef) [Nothing, Anyone, Asks];

    /// Fills the caller's purse for an agent. In NEAR what storage leaves of the deposit, at least 1,000 yoctoNEAR, goes
    /// there; in a token the purse is opened for `ft_transfer_call`, and the rest of the deposit comes back.
    call fill_purse(OfAgent) [Amount, Anyone, Flat];
    /// Says how much the agent can draw from the caller's purse, per day and per payee and day, and until when.
    call set_caps(SetCaps) [Storage, Anyone, Flat];
    /// Sends the caller all that is in its purse, and returns how much. Then the purse is gone.
    call empty_purse(OfAgent) -> U128 [Nothing, Owner, Asks];
    /// Opens a channel from the purse of the agent's owner, or adds to one that came from there; returns its id. The agent's
    /// account has prepaid what a new channel stores, and the row of what was drawn for its payee.
    call draw(Draw) -> ChannelId [Nothing, Agent, Asks];
    /// Frees the rows of payees for whom nothing was drawn today.
    call forget_draws(ForgetDraws) [Nothing, Anyone, Flat];

    /// Moves what is due to the caller on 1 to 128 channels of one asset to its reserve for creators; returns the sum.
    call reserve(Channels) -> U128 [Storage, Payee, Batch];
    /// Says what creators are owed: the root over all of them, and its sum, which never falls and is at most what was ever
    /// reserved.
    call post_root(PostRoot) [OneYocto, Payee, Flat];
    /// Sends a creator what it is owed by the root and was not sent before; returns how much.
    call pull(Pull) -> U128 [Storage, Anyone, Asks];
    /// Ends the caller's reserve 90 days after its last root, and sends the caller what was not pulled; returns how much.
    call end_root(OfAsset) -> U128 [OneYocto, Payee, Asks];
    /// Frees the rows of creators of a reserve that has ended.
    call forget_creators(ForgetCreators) [Nothing, Anyone, Flat];

    /// Makes the row that counts what the caller earns for an agent, from now on.
    call open_earnings(OfAgent) [Storage, Anyone, Flat];
    /// Ends the caller's row and frees its storage. What it counted is gone; what the registry was told stays there.
    call end_earnings(OfAgent) [OneYocto, Anyone, Flat];
    /// Reports what the agent's payout account earned for it to the registry. The deposit pays for the registry's row.
    call sync_reputation(OfAgent) [Storage, Anyone, Asks];

    /// Opens an edge between the caller, who will ask, and an acker, who will answer in time or pay, and returns its id. In
    /// NEAR the deposit is the collateral and what pays for storage; in a token it pays for storage, and both put their
    /// collateral with `ft_transfer_call`.
    call open_edge(OpenEdge) -> EdgeId [Amount, Anyone, Flat];
    /// The acker agrees to all that the edge's id is the hash of. In NEAR the deposit is the collateral, exactly; in a token
    /// it is 1 yocto. The edge is live as soon as both have put their collateral.
    call join_edge(EdgeRef) [Amount, Acker, Flat];
    /// Sends both what is theirs: asker or acker at any time before the edge is live, anyone after `ends_ms` and the window
    /// if no escalation is open. Also sends again what a failed transfer brought back.
    call end_edge(EdgeRef) [Nothing, Anyone, Asks];
    /// Presents an ack whose deadline is over: from a minute later on each second begun costs its acker.
    call escalate(Escalate) [Storage, Asker, Flat];
    /// Shows that there is a response, and so stops the clock of an escalation that is open.
    call deliver(Deliver) [Nothing, Anyone, Flat];
    /// Sends the asker the late pay that is owed and unpaid; returns how much.
    call claim_late(RequestRef) -> U128 [Nothing, Anyone, Asks];
    /// Ends a live edge on which no escalation is open: both pay the cut, to neither of them.
    call cut_edge(EdgeRef) [OneYocto, Asker, Asks];
    /// Frees the row of a request that is settled, and whose window is over.
    call forget_request(RequestRef) [Nothing, Anyone, Flat];

    /// An edge.
    view edge(EdgeRef) -> Option<Edge>;
    /// Edges by id, at most 100; what is not there is missing.
    view edges(Edges) -> Vec<Edge>;
    /// A request that was escalated.
    view request(RequestRef) -> Option<Request>;
    /// A channel.
    view channel(ChannelRef) -> Option<Channel>;
    /// Channels by id, at most 100; what is not there is missing.
    view channels(Channels) -> Vec<Channel>;
    /// Sums over everything the escrow ever held of an asset: `deposited = held + in_flight + paid + refunded`.
    view totals(OfAsset) -> Totals;
    /// A purse.
    view purse(PurseRef) -> Option<Purse>;
    /// What was last drawn on a purse for a payee.
    view drawn(DrawnRef) -> Option<Drawn>;
    /// A payee's reserve for creators.
    view reserve_of(ReserveOf) -> Option<Reserve>;
    /// What a reserve sent a creator; also of one that has ended, until it is forgotten.
    view creator(CreatorRef) -> Option<Creator>;
    /// What an account earned for an agent.
    view earnings(EarningsRef) -> Option<Earnings>;
    /// What vouchers for this contract are signed under.
    view voucher_domain_of(Nothing) -> Hash32;

    /// After a transfer to a payee.
    callback on_paid;
    /// After the transfers of a close: the payee's, then the payer's.
    callback on_closed;
    /// After a transfer to who has shares.
    callback on_distributed;
    /// After a purse was emptied.
    callback on_emptied -> U128;
    /// After a transfer to a creator.
    callback on_pulled -> U128;
    /// After the rest of a reserve was sent to its payee.
    callback on_rest_sent -> U128;
    /// The registry's answer to who draws.
    callback on_authority -> ChannelId;
    /// The registry's answer to who is paid for an agent.
    callback on_agent;
    /// After the registry was told.
    callback on_reported;
    /// After a transfer to one side of an edge, or to whom a cut goes.
    callback on_edge_paid;
}
