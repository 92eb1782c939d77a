//! A fungible token for tests (NEP-141; with storage accounts, NEP-145, once its owner wants them). Its owner makes tokens, names
//! accounts that may have none, switches it off, has it tell any contract of transfers that nobody made, and has its own
//! transfers do what no token should: nothing at all, burn all gas, answer too much, or call somebody before they are done.

mod accounts;

use std::collections::BTreeSet;

use near_sdk::json_types::U128;
use near_sdk::serde_json::{self, json};
use near_sdk::store::{LookupMap, LookupSet};
use near_sdk::{AccountId, Gas, GasWeight, NearToken, PanicOnDefault, Promise, env, near, require};

const ON_TRANSFER: Gas = Gas::from_tgas(10);
const RESOLVE: Gas = Gas::from_tgas(10);
const END: Gas = Gas::from_tgas(2);
/// 128 bits in JSON.
const ANSWER_BYTES_MAX: usize = 50;

#[near(contract_state)]
#[derive(PanicOnDefault)]
#[expect(clippy::struct_excessive_bools, reason = "tests switch one on at a time, and some together")]
pub struct Token {
    owner: AccountId,
    supply: u128,
    balances: LookupMap<AccountId, u128>,
    /// Who has a storage account: whoever paid for it, and whoever the owner made tokens for.
    accounts: LookupSet<AccountId>,
    /// Nothing is sent to who has none.
    wants_accounts: bool,
    /// Nothing is sent to these.
    refused: BTreeSet<AccountId>,
    /// Nothing is sent at all.
    fails: bool,
    /// `ft_transfer` goes through and moves nothing.
    pretends: bool,
    /// `ft_transfer` takes all gas that it is given.
    burns: bool,
    /// So many bytes are what `ft_transfer` answers.
    answers_bytes: u32,
    /// What `ft_transfer` calls before it is done, with which arguments, and whether it fails then.
    reentry: Option<(AccountId, String, String, bool)>,
}

#[near]
impl Token {
    #[init]
    pub fn new(owner: AccountId) -> Self {
        Self {
            owner,
            supply: 0,
            balances: LookupMap::new(b"b"),
            accounts: LookupSet::new(b"a"),
            wants_accounts: false,
            refused: BTreeSet::new(),
            fails: false,
            pretends: false,
            burns: false,
            answers_bytes: 0,
            reentry: None,
        }
    }

    pub fn mint(&mut self, account_id: AccountId, amount: U128) {
        self.check_owner();
        self.supply += amount.0;
        self.put(&account_id, amount.0);
        self.accounts.insert(account_id);
    }

    pub fn refuse(&mut self, account_id: AccountId, refuses: bool) {
        self.check_owner();
        if refuses {
            self.refused.insert(account_id);
        } else {
            self.refused.remove(&account_id);
        }
    }

    pub fn fail(&mut self, fails: bool) {
        self.check_owner();
        self.fails = fails;
    }

    pub fn pretend(&mut self, pretends: bool) {
        self.check_owner();
        self.pretends = pretends;
    }

    pub fn burn(&mut self, burns: bool) {
        self.check_owner();
        self.burns = burns;
    }

    pub fn answer(&mut self, bytes: u32) {
        self.check_owner();
        self.answers_bytes = bytes;
    }

    /// From now on transfers call this first; without a contract nothing. Tokens stay where they were sent even if the
    /// transfer fails afterwards: a transfer is more than one receipt then.
    pub fn reenter(&mut self, called: Option<AccountId>, method: String, args: String, fails: bool) {
        self.check_owner();
        self.reentry = called.map(|called| (called, method, args, fails));
    }

    /// Tells `receiver` that `sender_id` has sent it tokens, with none moving.
    pub fn lie(&self, receiver: AccountId, sender_id: AccountId, amount: U128, msg: String) -> Promise {
        self.check_owner();
        on_transfer(receiver, &sender_id, amount, &msg)
    }

    pub fn ft_balance_of(&self, account_id: AccountId) -> U128 {
        U128(self.balance(&account_id))
    }

    pub fn ft_total_supply(&self) -> U128 {
        U128(self.supply)
    }

    #[payable]
    pub fn ft_transfer(&mut self, receiver_id: AccountId, amount: U128, memo: Option<String>) {
        env::log_str(&memo.unwrap_or_default());
        if self.burns {
            loop {
                env::sha256_array(receiver_id.as_bytes());
            }
        }
        if !self.pretends {
            self.send(&env::predecessor_account_id(), &receiver_id, amount);
        }
        if self.answers_bytes > 0 {
            let bytes = usize::try_from(self.answers_bytes).unwrap_or(usize::MAX);
            env::value_return(vec![b'7'; bytes]);
        }
        if let Some((contract, method, args, fails)) = self.reentry.clone() {
            let end = json!({ "fails": fails }).to_string();
            let end = Promise::new(env::current_account_id()).function_call_weight(
                "end_transfer",
                end,
                NearToken::ZERO,
                END,
                GasWeight(0),
            );
            let again = Promise::new(contract).function_call_weight(
                method,
                args,
                NearToken::ZERO,
                Gas::from_gas(0),
                GasWeight(1),
            );
            again.then(end).as_return().detach();
        }
    }

    /// Whatever became of the call that came between.
    #[private]
    pub fn end_transfer(&mut self, fails: bool) {
        require!(!fails, "TOKEN_FAILS: after all");
    }

    #[payable]
    pub fn ft_transfer_call(
        &mut self,
        receiver_id: AccountId,
        amount: U128,
        memo: Option<String>,
        msg: String,
    ) -> Promise {
        env::log_str(&memo.unwrap_or_default());
        let sender_id = env::predecessor_account_id();
        self.send(&sender_id, &receiver_id, amount);
        let args = json!({ "sender_id": sender_id, "receiver_id": receiver_id, "amount": amount });
        let resolve = Promise::new(env::current_account_id()).function_call_weight(
            "ft_resolve_transfer",
            args.to_string(),
            NearToken::ZERO,
            RESOLVE,
            GasWeight(0),
        );
        on_transfer(receiver_id, &sender_id, amount, &msg).then(resolve)
    }

    /// What the receiver did not take goes back, whoever may have tokens by now. Answers what it took.
    #[private]
    pub fn ft_resolve_transfer(&mut self, sender_id: AccountId, receiver_id: AccountId, amount: U128) -> U128 {
        let told = env::promise_result_checked(0, ANSWER_BYTES_MAX).ok();
        let left = told.and_then(|bytes| serde_json::from_slice::<U128>(&bytes).ok());
        let left = left.map_or(amount.0, |left| left.0.min(amount.0)).min(self.balance(&receiver_id));
        self.take(&receiver_id, left);
        self.put(&sender_id, left);
        U128(amount.0 - left)
    }
}

impl Token {
    fn check_owner(&self) {
        require!(env::predecessor_account_id() == self.owner, "TOKEN_NOT_OWNER: only its owner tells it what to do");
    }

    fn balance(&self, account_id: &AccountId) -> u128 {
        self.balances.get(account_id).copied().unwrap_or_default()
    }

    fn take(&mut self, account_id: &AccountId, amount: u128) {
        let Some(left) = self.balance(account_id).checked_sub(amount) else {
            env::panic_str("TOKEN_SHORT: there is less than that")
        };
        self.balances.insert(account_id.clone(), left);
    }

    fn put(&mut self, account_id: &AccountId, amount: u128) {
        let sum = self.balance(account_id) + amount;
        self.balances.insert(account_id.clone(), sum);
    }

    fn send(&mut self, from: &AccountId, to: &AccountId, amount: U128) {
        let yocto = env::attached_deposit();
        require!(yocto == NearToken::from_yoctonear(1), "TOKEN_ONE_YOCTO: attach exactly 1 yoctoNEAR");
        require!(!self.fails, "TOKEN_FAILS: nothing moves");
        require!(!self.refused.contains(to), "TOKEN_REFUSES: not to this account");
        require!(!self.wants_accounts || self.accounts.contains(to), "TOKEN_NOT_REGISTERED: not to who has no account");
        require!(from != to && amount.0 > 0, "TOKEN_BAD_TRANSFER: something to somebody else");
        self.take(from, amount.0);
        self.put(to, amount.0);
    }
}

fn on_transfer(receiver: AccountId, sender_id: &AccountId, amount: U128, msg: &str) -> Promise {
    let args = json!({ "sender_id": sender_id, "amount": amount, "msg": msg });
    Promise::new(receiver).function_call_weight(
        "ft_on_transfer",
        args.to_string(),
        NearToken::ZERO,
        ON_TRANSFER,
        GasWeight(1),
    )
}
