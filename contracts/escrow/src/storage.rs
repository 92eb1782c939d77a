//! Storage keys, and rows by id. A key is never given another meaning.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_common::{Answer, Seen, row_keys};
use charter_types::AccountId;
use charter_types::asset::Asset;
use charter_types::escrow::args::PurseRef;
use charter_types::escrow::{ChannelId, EdgeId, EscrowError, Fact};
use charter_types::registry::AgentId;

use crate::model::{Channel, Edge, Request};

/// Storage prefixes; 0 belongs to `charter-common`.
pub struct Prefix;

impl Prefix {
    pub const CHANNELS: u8 = 1;
    pub const TOKENS: u8 = 2;
    pub const PURSES: u8 = 3;
    pub const DRAWS: u8 = 4;
    pub const RESERVES: u8 = 5;
    pub const RESERVE_NUMBERS: u8 = 6;
    pub const CREATORS: u8 = 7;
    pub const EARNINGS: u8 = 8;
    pub const EDGES: u8 = 9;
    pub const REQUESTS: u8 = 10;
}

/// A token's contract.
#[derive(BorshSerialize)]
pub struct TokenKey(pub AccountId);

/// Of the agent, in its owner's purse.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PurseKey {
    pub agent: AgentId,
    pub owner: AccountId,
    pub asset: Asset,
}

impl PurseKey {
    /// As the wire has it.
    pub fn shown(&self) -> PurseRef {
        PurseRef { agent: self.agent, owner: self.owner.clone(), asset: self.asset.clone() }
    }
}

impl From<PurseRef> for PurseKey {
    fn from(PurseRef { agent, owner, asset }: PurseRef) -> Self {
        Self { agent, owner, asset }
    }
}

/// What was drawn on a purse for a payee.
#[derive(BorshSerialize)]
pub struct DrawKey {
    pub purse: PurseKey,
    pub payee: AccountId,
}

/// Whose reserve, and of what.
#[derive(BorshSerialize)]
pub struct ReserveKey {
    pub payee: AccountId,
    pub asset: Asset,
}

/// Who earned for which agent.
#[derive(BorshSerialize)]
pub struct EarningsKey {
    pub agent: AgentId,
    pub account: AccountId,
    pub asset: Asset,
}

/// A request on an edge.
#[derive(BorshSerialize)]
pub struct RequestKey {
    pub edge: EdgeId,
    pub counter: u64,
}

row_keys!(TokenKey, PurseKey, DrawKey, ReserveKey, EarningsKey, RequestKey);

/// A channel as it was read, to be written back once.
pub struct Known {
    pub id: ChannelId,
    pub channel: Channel,
    seen: Seen,
}

impl crate::Escrow {
    pub(crate) fn known(&self, id: ChannelId) -> Option<Known> {
        let (channel, seen) = self.channels.get_seen(&id)?;
        Some(Known { id, channel, seen })
    }

    pub(crate) fn save_known(&mut self, Known { id, channel, seen }: &Known) -> Answer {
        channel.check_invariant()?;
        self.channels.update_seen(id, *seen, channel, &mut self.core.storage)
    }

    pub(crate) fn find(&self, id: &ChannelId) -> Option<Channel> {
        self.channels.get(id)
    }

    pub(crate) fn load(&self, id: &ChannelId) -> Answer<Channel> {
        Ok(self.find(id).ok_or(EscrowError::UnknownChannel { id: *id })?)
    }

    /// Writes a channel back. Its invariant is checked on the way, in release too.
    pub(crate) fn save(&mut self, id: &ChannelId, channel: &Channel) -> Answer {
        channel.check_invariant()?;
        self.channels.update(id, channel, &mut self.core.storage)
    }

    pub(crate) fn save_and_tell(&mut self, event: &str, id: &ChannelId, channel: &Channel) -> Answer {
        self.save(id, channel)?;
        self.emit(event, Fact::Channel(Box::new(channel.view(*id))));
        Ok(())
    }

    pub(crate) fn load_edge(&self, id: &EdgeId) -> Answer<Edge> {
        Ok(self.edges.get(id).ok_or(EscrowError::UnknownEdge { id: *id })?)
    }

    /// Writes an edge back and tells it.
    pub(crate) fn save_edge(&mut self, id: EdgeId, edge: &Edge) -> Answer {
        edge.check_invariant()?;
        self.edges.update(&id, edge, &mut self.core.storage)?;
        self.emit("edge_changed", Fact::Edge(Box::new(edge.view(id))));
        Ok(())
    }

    pub(crate) fn load_request(&self, key: &RequestKey) -> Answer<Request> {
        Ok(self.requests.get(key).ok_or(EscrowError::UnknownRequest { counter: key.counter })?)
    }

    pub(crate) fn save_request(&mut self, key: &RequestKey, request: &Request) -> Answer {
        self.requests.update(key, request, &mut self.core.storage)?;
        self.emit("request_changed", Fact::Request(request.view(key.edge, key.counter)));
        Ok(())
    }
}
