//! Storage accounts (NEP-145), as far as transfers ask for them: all cost the same, and nothing more is kept in them. As long as
//! its owner does not want them, the token fails as one that has none.

use near_sdk::serde_json::{Value, json};
use near_sdk::{AccountId, NearToken, Promise, env, near, require};

use crate::{Token, TokenExt};

/// NEAR's own tokens ask for this much.
const PRICE: NearToken = NearToken::from_micronear(1_250);

fn balance() -> Value {
    json!({ "total": PRICE, "available": NearToken::ZERO })
}

#[near]
impl Token {
    pub fn want_accounts(&mut self, wanted: bool) {
        self.check_owner();
        self.wants_accounts = wanted;
    }

    pub fn storage_balance_bounds(&self) -> Value {
        self.check_has_accounts();
        json!({ "min": PRICE, "max": PRICE })
    }

    pub fn storage_balance_of(&self, account_id: AccountId) -> Option<Value> {
        self.check_has_accounts();
        self.accounts.contains(&account_id).then(balance)
    }

    /// `registration_only` makes no difference: there is nothing else to pay for.
    #[payable]
    pub fn storage_deposit(&mut self, account_id: Option<AccountId>) -> Value {
        self.check_has_accounts();
        let payer = env::predecessor_account_id();
        let paid = env::attached_deposit();
        let is_new = self.accounts.insert(account_id.unwrap_or_else(|| payer.clone()));
        let price = if is_new { PRICE } else { NearToken::ZERO };
        let Some(rest) = paid.checked_sub(price) else { env::panic_str("TOKEN_STORAGE: an account costs more") };
        if !rest.is_zero() {
            Promise::new(payer).transfer(rest).detach();
        }
        balance()
    }

    /// With `force` what is left of its tokens is gone.
    #[payable]
    pub fn storage_unregister(&mut self, force: Option<bool>) -> bool {
        self.check_has_accounts();
        let yocto = env::attached_deposit();
        require!(yocto == NearToken::from_yoctonear(1), "TOKEN_ONE_YOCTO: attach exactly 1 yoctoNEAR");
        let account_id = env::predecessor_account_id();
        let left = self.balance(&account_id);
        require!(left == 0 || force == Some(true), "TOKEN_NOT_EMPTY: its tokens would be gone");
        if !self.accounts.remove(&account_id) {
            return false;
        }
        self.take(&account_id, left);
        self.supply -= left;
        Promise::new(account_id).transfer(PRICE).detach();
        true
    }
}

impl Token {
    fn check_has_accounts(&self) {
        require!(self.wants_accounts, "TOKEN_NO_ACCOUNTS: nobody needs one");
    }
}
