//! The escrow's largest calls: names of any length, a token, and channels with as many shares as there can be.

use charter_harness::arguments::{DEPOSIT, prepay, register};
use charter_harness::{Harness, ok};
use charter_types::asset::{Asset, FtOnTransfer};
use charter_types::escrow::args::{Open, OpenDrawn, TransferMsg};
use charter_types::escrow::methods as escrow;
use charter_types::escrow::{BPS, ChannelId, DAY_MS, SPLITS_MAX, Split, WITHDRAW_DELAY_MS_MIN};
use charter_types::registry::AgentId;
use charter_types::registry::args::SetAgentAccount;
use charter_types::registry::methods as registry;
use charter_types::{AccountId, Ed25519Key, Hash32, U128};
use near_workspaces::Account;

use crate::escrow::{claim, row};
use crate::escrow_scene::{split, voucher_key};
use crate::staked::token;

/// What the escrow has of the token, whatever it is told that it was sent.
const PLENTY: u128 = 1_000_000_000_000_000_000;

/// The payer owns an agent, whose account is the bot. The token's account itself tells the escrow of transfers.
pub struct Stage {
    pub payer: Account,
    pub payee: Account,
    pub token: Account,
    pub bot: Account,
    pub agent: AgentId,
    root: AccountId,
    /// Of names below the root.
    letters: usize,
}

impl Stage {
    pub async fn new(harness: &Harness, (payer, payee): (&Account, &Account), letters: usize) -> Self {
        let escrow = &harness.contracts.escrow;
        let token = token(harness, &"p".repeat(letters), &[(escrow.clone(), PLENTY)]).await;
        let bot = harness.account(&"q".repeat(letters)).await.unwrap();
        let agent = register(harness, payer, Vec::new()).await;
        let own = SetAgentAccount { agent, agent_account: Some(bot.id().clone()) };
        ok(payer, &harness.contracts.registry, registry::set_agent_account, &own, DEPOSIT).await;
        prepay(&bot, escrow, 10 * DEPOSIT).await;
        let (payer, payee, root) = (payer.clone(), payee.clone(), harness.root().id().clone());
        Self { payer, payee, token, bot, agent, root, letters }
    }

    pub fn asset(&self) -> Asset {
        Asset::Nep141(self.token.id().clone())
    }

    /// Of an account that need not be there.
    pub fn name(&self, number: usize) -> AccountId {
        format!("{number:x>letters$}.{root}", letters = self.letters, root = self.root).parse().unwrap()
    }

    pub fn splits(&self) -> Vec<Split> {
        let bps = BPS / u16::try_from(SPLITS_MAX).unwrap();
        (0..SPLITS_MAX).map(|number| split(&self.name(number), bps)).collect()
    }

    /// With all the terms there can be.
    pub async fn open_args(&self, harness: &Harness, agent: AgentId) -> Open {
        let key = Ed25519Key(voucher_key().verifying_key().to_bytes());
        Open {
            asset: self.asset(),
            agent: Some(agent),
            locked_until_ms: harness.now_ms().await.unwrap() + DAY_MS,
            splits: self.splits(),
            offer: Some(Hash32([5; 32])),
            ..Open::new(self.payee.id().clone(), key, WITHDRAW_DELAY_MS_MIN)
        }
    }

    /// The same out of a purse.
    pub async fn drawn_args(&self, harness: &Harness) -> OpenDrawn {
        let args = self.open_args(harness, self.agent).await;
        let Open { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer, .. } = args;
        OpenDrawn { payee, voucher_key, withdraw_delay_ms, agent, locked_until_ms, splits, offer }
    }

    /// What the token says that somebody sent.
    pub fn told(&self, sender: &Account, amount: u128, msg: &TransferMsg) -> FtOnTransfer {
        let msg = serde_json::to_string(msg).unwrap();
        FtOnTransfer { sender_id: sender.id().clone(), amount: U128(amount), msg }
    }

    pub async fn send(&self, harness: &Harness, sender: &Account, amount: u128, msg: &TransferMsg) {
        let told = self.told(sender, amount, msg);
        let refused = ok(&self.token, &harness.contracts.escrow, escrow::ft_on_transfer, &told, 0).await;
        assert_eq!(refused, U128(0));
    }

    /// Channels that are filled, as many as there are agents.
    pub async fn open(&self, harness: &Harness, agents: &[AgentId], amount: u128) -> Vec<ChannelId> {
        let mut channels = Vec::new();
        for agent in agents {
            let args = self.open_args(harness, *agent).await;
            let channel = ok(&self.payer, &harness.contracts.escrow, escrow::open, &args, DEPOSIT).await;
            self.send(harness, &self.payer, amount, &TransferMsg::TopUp { channel }).await;
            channels.push(channel);
        }
        channels
    }

    pub async fn claim(&self, harness: &Harness, channels: &[ChannelId], amount: u128) {
        let rows = channels.iter().map(|channel| row(harness, *channel, amount)).collect();
        let claimed = claim(harness, &self.payee, rows, false).await;
        assert!(claimed.iter().all(|result| result.claimed() == Some(amount)), "{claimed:?}");
    }
}
