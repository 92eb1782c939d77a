//! Tokens that come here (NEP-141).

use charter_common::{Answer, methods};
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::escrow::EscrowError;
use charter_types::escrow::args::TransferMsg;
use charter_types::{U128, json};
use near_sdk::{env, near};

use crate::storage::PurseKey;
use crate::{Escrow, EscrowExt};

#[methods(escrow)]
#[near]
impl Escrow {
    /// Whoever calls is a token, by its own word: nothing that is in another asset believes it. What fails here goes back.
    pub fn ft_on_transfer(&mut self, FtOnTransfer { sender_id, amount, msg }: FtOnTransfer) -> Answer<U128> {
        let (token, U128(amount)) = (env::predecessor_account_id(), amount);
        let asset = Asset::Nep141(token.clone());
        let msg: TransferMsg = json::read(msg.as_bytes()).map_err(|_| EscrowError::BadMessage {})?;
        match msg {
            TransferMsg::TopUp { channel } => self.top_up_by(&sender_id, channel, &asset, amount)?,
            TransferMsg::Purse { agent } => self.add_to_purse(&PurseKey { agent, owner: sender_id, asset }, amount)?,
            TransferMsg::Edge { edge } => self.fill_edge(edge, &token, &sender_id, amount)?,
        }
        Ok(U128(0))
    }
}
