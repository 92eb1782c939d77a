//! The crowd's members: each with a key, some of the agents, and as many channels.

use std::sync::Arc;

use charter_client::{Payer, sha256};
use charter_types::escrow::args::{Channels, Open};
use charter_types::escrow::{self, Channel, ChannelId};
use charter_types::registry::args::RegisterAgent;
use charter_types::registry::{self, AgentId, Card};
use charter_types::{AccountId, Hash32, PAGE_MAX};

use super::payments::Shop;
use super::sender::Sender;
use super::{Ground, share};

/// Keys that send at once.
const MEMBERS_MAX: u64 = 64;
/// What each begins with: 2,000 NEAR.
const FUNDS: u128 = 2_000_000_000_000_000_000_000_000_000;
/// What each sets aside on a channel: a twentieth of a NEAR, storage included.
const DEPOSIT: u128 = 50_000_000_000_000_000_000_000;
const HOUR_MS: u64 = 3_600_000;

pub struct Member {
    pub sender: Sender,
    pub payer: Payer,
    pub agents: Vec<AgentId>,
    pub channels: Vec<ChannelId>,
    /// How many it has of either in the end.
    share: u64,
}

/// How many there are.
pub fn members(agents: u64) -> u64 {
    agents.min(MEMBERS_MAX)
}

pub async fn gather(ground: &Arc<Ground>, shop: &Shop, agents: u64) -> anyhow::Result<Vec<Member>> {
    let (root_id, root_key) = (ground.localnet.root_id().clone(), ground.localnet.root_key().clone());
    let mut root = Sender::new(ground, root_id, root_key).await?;
    let mut gathered = Vec::new();
    for number in 0..members(agents) {
        let sender = root.create(&format!("member{number}"), FUNDS).await?;
        let payer = shop.payer(sender.id())?;
        let share = share(agents, number, members(agents));
        gathered.push(Member { sender, payer, agents: Vec::new(), channels: Vec::new(), share });
        ground.tally.add(1);
    }
    Ok(gathered)
}

impl Member {
    /// One transaction for each agent.
    pub async fn register(mut self, ground: Arc<Ground>) -> anyhow::Result<Self> {
        for number in 0..self.share {
            let uri = format!("https://{}.example/{number}.json", self.sender.id());
            let args = RegisterAgent::new(Card { sha256: Hash32(sha256(uri.as_bytes())), uri });
            let contract = &ground.contracts.registry;
            self.agents.push(self.sender.call(contract, registry::methods::register_agent, &args).await?);
            ground.tally.add(1);
        }
        Ok(self)
    }

    /// One transaction for each channel.
    pub async fn open(mut self, ground: Arc<Ground>, to: AccountId) -> anyhow::Result<Self> {
        for _ in 0..self.share {
            let args = Open::new(to.clone(), self.payer.voucher_key(), HOUR_MS);
            let contract = &ground.contracts.escrow;
            self.channels.push(self.sender.pay(contract, escrow::methods::open, &args, DEPOSIT).await?);
            ground.tally.add(1);
        }
        Ok(self)
    }

    /// Its channels as the chain shows them.
    pub async fn shown(&self, ground: &Ground) -> anyhow::Result<Vec<Channel>> {
        let mut shown = Vec::new();
        for part in self.channels.chunks(usize::try_from(PAGE_MAX)?) {
            let asked = Channels { channels: part.to_vec() };
            shown.extend(ground.view(&ground.contracts.escrow, escrow::methods::channels, &asked).await?);
        }
        Ok(shown)
    }
}
