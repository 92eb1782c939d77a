//! Views.

use charter_common::{Answer, methods};
use charter_types::Hash32;
use charter_types::escrow::args::{
    ChannelRef, Channels, CreatorRef, DrawnRef, EarningsRef, EdgeRef, Edges, OfAsset, PurseRef, RequestRef, ReserveOf,
};
use charter_types::escrow::{Channel, Creator, Drawn, EDGES_MAX, Earnings, Edge, Purse, Request, Reserve, Totals};
use near_sdk::near;

use crate::storage::{DrawKey, EarningsKey, PurseKey, RequestKey};
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    pub fn channel(&self, ChannelRef { channel: id }: ChannelRef) -> Answer<Option<Channel>> {
        Ok(self.find(&id).map(|channel| channel.view(id)))
    }

    pub fn channels(&self, Channels { channels }: Channels) -> Answer<Vec<Channel>> {
        let found = channels.iter().take(100);
        Ok(found.filter_map(|id| Some(self.find(id)?.view(*id))).collect())
    }

    pub fn totals(&self, OfAsset { asset }: OfAsset) -> Answer<Totals> {
        Ok(self.totals_of(&asset).view())
    }

    pub fn purse(&self, args: PurseRef) -> Answer<Option<Purse>> {
        let key = PurseKey::from(args);
        Ok(self.purses.get(&key).map(|purse| purse.view(key.shown())))
    }

    pub fn drawn(&self, DrawnRef { agent, owner, asset, payee }: DrawnRef) -> Answer<Option<Drawn>> {
        let key = DrawKey { purse: PurseKey { agent, owner, asset }, payee };
        Ok(self.draws.get(&key).map(|drawn| drawn.view(key.purse.shown(), key.payee)))
    }

    pub fn reserve_of(&self, ReserveOf { payee, asset }: ReserveOf) -> Answer<Option<Reserve>> {
        let found = self.reserve_number(&payee, &asset);
        Ok(found.and_then(|number| Some(self.reserves.get(&number)?.view(number))))
    }

    pub fn creator(&self, CreatorRef { reserve, account }: CreatorRef) -> Answer<Option<Creator>> {
        let found = self.creators.get(&(reserve, account.clone()));
        Ok(found.map(|creator| creator.view(reserve, account)))
    }

    pub fn earnings(&self, args: EarningsRef) -> Answer<Option<Earnings>> {
        let EarningsRef { agent, account, asset } = args.clone();
        Ok(self.earnings.get(&EarningsKey { agent, account, asset }).map(|row| row.view(args)))
    }

    pub fn voucher_domain_of(&self) -> Hash32 {
        self.voucher_domain()
    }

    pub fn edge(&self, EdgeRef { edge: id }: EdgeRef) -> Answer<Option<Edge>> {
        Ok(self.edges.get(&id).map(|edge| edge.view(id)))
    }

    pub fn edges(&self, Edges { edges }: Edges) -> Answer<Vec<Edge>> {
        let found = edges.iter().take(EDGES_MAX);
        Ok(found.filter_map(|id| Some(self.edges.get(id)?.view(*id))).collect())
    }

    pub fn request(&self, RequestRef { edge, counter }: RequestRef) -> Answer<Option<Request>> {
        let found = self.requests.get(&RequestKey { edge, counter });
        Ok(found.map(|request| request.view(edge, counter)))
    }
}
