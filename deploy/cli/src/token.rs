//! Contracts of tokens (NEP-141). They are not ours.

use anyhow::{bail, ensure};
use charter_client::{Account, At, Call, ClientError, Outcome};
use charter_types::asset::Asset;
use charter_types::shared::methods::{storage_balance_bounds, storage_balance_of, storage_deposit};
use charter_types::storage::{StorageBalance, StorageDeposit, StorageOf};
use charter_types::{AccountId, Nothing, U128};
use serde_json::json;

use crate::key::input::Consent;
use crate::key::words;
use crate::output::longer;
use crate::session::Session;
use crate::units::money;

/// What tokens ask for is a tenth of it. The contract names the price, and may be anybody's.
const STORAGE_MAX: u128 = 100_000_000_000_000_000_000_000;

/// Has a token moved to a contract, which is told what it is for. Answers how much was taken there: what is refused is the
/// sender's again, and the transaction succeeds for all that.
pub async fn transfer_call(
    by: &Account,
    token: &AccountId,
    to: &AccountId,
    amount: u128,
    msg: &str,
) -> anyhow::Result<(u128, Outcome)> {
    let args = json!({ "receiver_id": to, "amount": U128(amount), "msg": msg });
    let call = Call::raw("ft_transfer_call", serde_json::to_vec(&args)?).deposit(1);
    let outcome = by.call(token, call).await?;
    let U128(taken) = outcome.value()?;
    Ok((taken, outcome))
}

/// The same, and fails unless all of it was taken.
pub async fn pay_in(
    session: &Session,
    token: &AccountId,
    to: &AccountId,
    amount: u128,
    msg: &str,
) -> anyhow::Result<()> {
    let (taken, outcome) = transfer_call(&session.me, token, to, amount, msg).await?;
    if taken == amount {
        return Ok(());
    }
    let back = format!("{taken} of {amount} {token} came in, the rest is yours again");
    match outcome.failures().next() {
        Some(why) => Err(longer(ClientError::from(why), format!(": {back}"))),
        None => bail!("{to} did not take the rest: {back}"),
    }
}

/// A storage account (NEP-145) that a contract lacks at a token, which moves nothing to who has none there.
struct Registration<'a> {
    token: &'a AccountId,
    account_id: &'a AccountId,
    price: u128,
}

impl<'a> Registration<'a> {
    /// What `account_id` needs before it can be sent the asset.
    async fn of(session: &Session, asset: &'a Asset, account_id: &'a AccountId) -> anyhow::Result<Option<Self>> {
        let Asset::Nep141(token) = asset else { return Ok(None) };
        let asked = StorageOf { account_id: account_id.clone() };
        if !is_missing(session.rpc().view(token, storage_balance_of, &asked, At::Final).await)? {
            return Ok(None);
        }
        let least = session.rpc().view(token, storage_balance_bounds, &Nothing {}, At::Final).await?.min.0;
        Ok(Some(Self { token, account_id, price: affordable(token, least)? }))
    }

    fn line(&self) -> (&'static str, String) {
        let price = money(&Asset::Near, self.price);
        ("registers", format!("{} at {}, for {price} of yours", self.account_id, self.token))
    }

    async fn pay(&self, session: &Session) -> anyhow::Result<()> {
        let args = StorageDeposit { account_id: Some(self.account_id.clone()), registration_only: Some(true) };
        session.me.call(self.token, Call::new(storage_deposit, &args).deposit(self.price)).await?;
        Ok(())
    }
}

/// Whether somebody has no storage account where there are some. A token without any refuses to say; a node that does
/// not answer says nothing of the token.
fn is_missing(known: Result<Option<StorageBalance>, ClientError>) -> Result<bool, ClientError> {
    match known {
        Ok(known) => Ok(known.is_none()),
        Err(ClientError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Asks whether `sheet` is wanted, which sends the asset to a contract; with the price of the storage account on it that the
/// contract needs for that, if it lacks one, and pays for it then.
pub async fn ask(
    session: &Session,
    consent: &Consent,
    mut sheet: Vec<(&str, String)>,
    (asset, to): (&Asset, &AccountId),
) -> anyhow::Result<()> {
    let needed = Registration::of(session, asset, to).await?;
    sheet.extend(needed.as_ref().map(Registration::line));
    consent.ask(&words::sheet(&sheet))?;
    match needed {
        Some(registration) => registration.pay(session).await,
        None => Ok(()),
    }
}

fn affordable(token: &AccountId, price: u128) -> anyhow::Result<u128> {
    let (asked, most) = (money(&Asset::Near, price), money(&Asset::Near, STORAGE_MAX));
    ensure!(
        price <= STORAGE_MAX,
        "TOKEN_STORAGE: {token} wants {asked} for a storage account, and more than {most} is not paid"
    );
    Ok(price)
}

#[cfg(test)]
mod tests {
    use charter_client::ClientError;
    use charter_types::U128;
    use charter_types::storage::StorageBalance;
    use serde_json::json;

    use super::{STORAGE_MAX, affordable, is_missing};

    /// Take any error for the token's, and a node's trouble has money sent to who can't have it.
    #[test]
    fn only_its_own_refusal_says_that_a_token_has_no_storage_accounts() {
        let balance = StorageBalance { total: U128(1), available: U128(0) };
        assert!(!is_missing(Ok(Some(balance))).unwrap() && is_missing(Ok(None)).unwrap());
        let by = "usd.near".parse().unwrap();
        assert!(!is_missing(Err(ClientError::Refused { by, text: "MethodNotFound".to_owned() })).unwrap());
        let method = "query".to_owned();
        for error in [
            ClientError::Rpc { method: method.clone(), error: json!({ "cause": { "name": "UNKNOWN_BLOCK" } }) },
            ClientError::Answer { method, reason: "expected value".to_owned() },
            ClientError::Failed { text: "HostError(GasLimitExceeded)".to_owned() },
        ] {
            assert!(is_missing(Err(error)).is_err());
        }
    }

    #[test]
    fn a_token_that_names_any_price_is_not_paid_it() {
        let token = "usd.near".parse().unwrap();
        assert_eq!(affordable(&token, STORAGE_MAX).unwrap(), STORAGE_MAX);
        let refused = affordable(&token, u128::MAX).unwrap_err().to_string();
        assert!(refused.starts_with("TOKEN_STORAGE: usd.near wants "), "{refused}");
    }
}
