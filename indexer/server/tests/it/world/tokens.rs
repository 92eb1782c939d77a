//! A token: a line that who has locked it decides, with an agent as delegate; and what escrow holds of it: a channel of the
//! agent's with a share, a reserve, a purse and an edge.

use charter_client::{VoucherSigner, sha256};
use charter_harness::arguments::DEPOSIT;
use charter_harness::{Caller, ok, raw, test_token};
use charter_types::asset::Asset;
use charter_types::escrow::args::{Channels, Distribute, OfAgent, Open, OpenEdge, SetCaps, TransferMsg};
use charter_types::escrow::{
    ClaimBatch, ClaimRow, Signer, Split, Voucher, WINDOW_MS_MAX, WITHDRAW_DELAY_MS_MIN, methods as escrow,
};
use charter_types::governance::args::{CreateLine, StandAsAgent};
use charter_types::governance::{PERIOD_MS_MIN, PERIODS, Params, StakeRules, methods as governance};
use charter_types::{AccountId, Ed25519Key, U128};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::{STAKE_PERIOD_MS, World};

const TOKENS: u128 = 1_000_000;

impl World {
    /// Answers with the token.
    pub(super) async fn fill_tokens(&self) -> AccountId {
        let token = self.harness.account("usd").await.unwrap();
        token.deploy(&test_token().unwrap()).await.unwrap().into_result().unwrap();
        let token = token.id().clone();
        self.tell(&token, "new", json!({ "owner": self.alice.id() })).await;
        for person in [&self.alice, &self.bob] {
            self.tell(&token, "mint", json!({ "account_id": person.id(), "amount": U128(TOKENS) })).await;
        }
        self.fill_line(&token).await;
        self.fill_channel(&token).await;
        self.fill_purse(&token).await;
        self.fill_edge(&token).await;
        token
    }

    async fn tell(&self, token: &AccountId, method: &str, args: Value) {
        let told = self.alice.send(token, raw(method, args), 0).await.unwrap();
        assert!(told.is_success() && told.receipt_failures().is_empty(), "{method}: {told:?}");
    }

    /// Alice pays in, and all of it is taken.
    async fn pay_in(&self, token: &AccountId, amount: u128, msg: &TransferMsg) {
        let msg = serde_json::to_string(msg).unwrap();
        let args = json!({ "receiver_id": self.contracts().escrow, "amount": U128(amount), "msg": msg });
        let paid = self.alice.send(token, raw("ft_transfer_call", args).tgas(100), 1).await.unwrap();
        assert!(paid.is_success() && paid.receipt_failures().is_empty(), "{paid:?}");
        assert_eq!(paid.json::<U128>().unwrap(), U128(amount));
    }

    async fn fill_line(&self, token: &AccountId) {
        let governance = &self.contracts().governance;
        let asset = Asset::Nep141(token.clone());
        let rules = StakeRules { asset, unlock_ms: STAKE_PERIOD_MS * PERIODS, floor: U128(1) };
        let params =
            Params { vote_ms: PERIOD_MS_MIN, timelock_ms: PERIOD_MS_MIN, extension_ms: 0, ..Params::default() };
        let (name, council) = ("tokens".to_owned(), Vec::new());
        let args = CreateLine { name, council, params, guardian: None, stake: Some(rules) };
        let line = ok(&self.alice, governance, governance::create_line, &args, DEPOSIT).await;
        let stand = StandAsAgent { line, agent: 1 };
        ok(&self.bob, governance, governance::stand_as_agent, &stand, 0).await;
    }

    async fn fill_channel(&self, token: &AccountId) {
        let (escrow, alice, bob) = (&self.contracts().escrow, &self.alice, &self.bob);
        let key = SigningKey::from_bytes(&[6; 32]);
        let voucher_key = Ed25519Key(key.verifying_key().to_bytes());
        let split = Split { account: self.contracts().keys.clone(), bps: 1_000 };
        let open = Open {
            asset: Asset::Nep141(token.clone()),
            agent: Some(1),
            splits: vec![split.clone()],
            ..Open::new(bob.id().clone(), voucher_key, WITHDRAW_DELAY_MS_MIN)
        };
        let channel = ok(alice, escrow, escrow::open, &open, DEPOSIT).await;
        self.pay_in(token, 10_000, &TransferMsg::TopUp { channel }).await;
        let domain = Voucher::domain(&self.harness.chain_id, escrow, sha256);
        let earned = OfAgent { agent: 1, asset: Asset::Nep141(token.clone()) };
        ok(bob, escrow, escrow::open_earnings, &earned, DEPOSIT).await;
        for (amount, withdraw) in [(5_000, true), (6_000, false)] {
            let (voucher, signature) = VoucherSigner::new(key.clone(), domain, channel).pay(amount).unwrap();
            let claim = ClaimBatch { rows: vec![ClaimRow::new(&voucher, &signature)], withdraw };
            ok(bob, escrow, escrow::claim_batch, &claim, 0).await;
        }
        ok(bob, escrow, escrow::reserve, &Channels { channels: vec![channel] }, DEPOSIT).await;
        let shares = Distribute { channel, splits: vec![split], offer: None, shares: vec![0] };
        ok(bob, escrow, escrow::distribute, &shares, 0).await;
    }

    async fn fill_purse(&self, token: &AccountId) {
        let (agent, asset) = (1, Asset::Nep141(token.clone()));
        let caps = SetCaps { agent, asset, per_day: U128(500), per_payee: U128(100), until_ms: u64::MAX };
        ok(&self.alice, &self.contracts().escrow, escrow::set_caps, &caps, DEPOSIT).await;
        self.pay_in(token, 1_000, &TransferMsg::Purse { agent }).await;
    }

    async fn fill_edge(&self, token: &AccountId) {
        let (escrow, alice, bob) = (&self.contracts().escrow, &self.alice, &self.bob);
        let public = Ed25519Key(SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes());
        let terms = OpenEdge {
            acker: bob.id().clone(),
            asset: Asset::Nep141(token.clone()),
            collateral: U128(1_000),
            cut: U128(100),
            cut_to: self.contracts().registry.clone(),
            rate_per_s: U128(1),
            cap: U128(500),
            window_ms: WINDOW_MS_MAX,
            ends_ms: self.harness.now_ms().await.unwrap() + WINDOW_MS_MAX,
            asker_key: public,
            acker_key: public,
            signer: Signer::Ed25519(public),
            offer: None,
        };
        let edge = ok(alice, escrow, escrow::open_edge, &terms, DEPOSIT).await;
        self.pay_in(token, terms.collateral.0, &TransferMsg::Edge { edge }).await;
    }
}
