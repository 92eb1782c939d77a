//! Who owns which agent, and who paid whom, as data of a test; and the events that contracts would tell of it.

use charter_client::sha256;
use charter_indexer::Contract;
use charter_types::{Ed25519Key, Hash32, U128};
use serde_json::{Value, json};

use crate::node::Node;
use crate::taken::plain_agent;

/// Events in one receipt.
const EVENTS_PER_RECEIPT: usize = 250;

pub struct Agent {
    pub id: u64,
    pub owner: String,
    pub payout: String,
    /// The agent's own account, and whether it has agreed to be that.
    pub account: Option<String>,
    pub confirmed: bool,
    pub created_ms: u64,
}

impl Agent {
    pub fn new(id: u64, owner: &str, created_ms: u64) -> Self {
        let (owner, payout) = (owner.to_owned(), owner.to_owned());
        Self { id, owner, payout, account: None, confirmed: true, created_ms }
    }

    fn fact(&self) -> Value {
        let mut fact = plain_agent(self.id);
        let agent = &mut fact["agent"];
        (agent["owner"], agent["payout"]) = (json!(self.owner), json!(self.payout));
        (agent["agent_account"], agent["created_ms"]) = (json!(self.account), json!(self.created_ms));
        if !self.confirmed {
            agent["unconfirmed"] = json!([self.account]);
        }
        fact
    }
}

/// A channel, and what its payee was sent.
pub struct Payment {
    pub payer: String,
    pub payee: String,
    pub agent: Option<u64>,
    /// The agent whose purse it is out of.
    pub purse: Option<u64>,
    pub token: Option<String>,
    pub amount: u128,
}

/// The id of a story's channel.
pub fn id_of(story: &str, number: u64) -> Hash32 {
    Hash32(sha256(format!("{story} {number}").as_bytes()))
}

impl Payment {
    pub fn fact(&self, id: Hash32) -> Value {
        let amount = U128(self.amount);
        let asset = self.token.as_ref().map_or_else(|| json!("near"), |token| json!({ "nep141": token }));
        json!({ "channel": {
            "id": id, "payer": self.payer, "payee": self.payee, "asset": asset, "agent": self.agent,
            "voucher_key": Ed25519Key([7; 32]), "deposited": amount, "claimed": amount, "paid": amount, "refunded": "0",
            "withdraw_delay_ms": 900_000, "closes_ms": null, "closed": false, "locked_until_ms": 0, "terms_hash": null,
            "shares": [], "purse": self.purse,
        } })
    }
}

#[derive(Default)]
pub struct Story {
    pub agents: Vec<Agent>,
    pub payments: Vec<Payment>,
}

impl Story {
    /// NEAR for an agent's work.
    pub fn pay(&mut self, payer: &str, agent: u64, amount: u128) {
        let known = self.agents.iter().rev().find(|known| known.id == agent);
        let payee = known.unwrap().payout.clone();
        self.pay_to(&payee, payer, agent, amount);
    }

    /// The same, to any account.
    pub fn pay_to(&mut self, payee: &str, payer: &str, agent: u64, amount: u128) {
        let (payer, payee) = (payer.to_owned(), payee.to_owned());
        self.payments.push(Payment { payer, payee, agent: Some(agent), purse: None, token: None, amount });
    }

    pub fn extend(&mut self, more: Self) {
        self.agents.extend(more.agents);
        self.payments.extend(more.payments);
    }

    /// Has the contracts tell it. Its name tells its channels from those of others.
    pub fn tell(&self, node: &Node, name: &str) {
        let agents: Vec<Value> = self.agents.iter().map(Agent::fact).collect();
        let payments = (0..).zip(&self.payments);
        let payments: Vec<Value> = payments.map(|(number, payment)| payment.fact(id_of(name, number))).collect();
        for (contract, facts) in [(Contract::Registry, agents), (Contract::Escrow, payments)] {
            facts.chunks(EVENTS_PER_RECEIPT).for_each(|facts| node.emit(contract, facts));
        }
    }
}
