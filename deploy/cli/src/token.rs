//! Contracts of tokens (NEP-141). They are not ours.

use anyhow::{bail, ensure};
use charter_client::{Account, At, Call, Outcome};
use charter_types::asset::Asset;
use charter_types::shared::methods::{storage_balance_bounds, storage_balance_of, storage_deposit};
use charter_types::storage::{StorageDeposit, StorageOf};
use charter_types::{AccountId, Nothing, U128};
use serde_json::json;

use crate::key::input::Consent;
use crate::key::words;
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
    if taken != amount {
        let why = outcome.failures().next().unwrap_or_else(|| format!("{to} did not take the rest"));
        bail!("{why}: {taken} of {amount} {token} came in, the rest is yours again");
    }
    Ok(())
}

/// A storage account (NEP-145) that a contract lacks at a token, which moves nothing to who has none there.
struct Registration<'a> {
    token: &'a AccountId,
    account_id: &'a AccountId,
    price: u128,
}

impl<'a> Registration<'a> {
    /// What `account_id` needs before it can be sent the asset. A token without storage accounts answers nothing.
    async fn of(session: &Session, asset: &'a Asset, account_id: &'a AccountId) -> anyhow::Result<Option<Self>> {
        let Asset::Nep141(token) = asset else { return Ok(None) };
        let asked = StorageOf { account_id: account_id.clone() };
        let known = session.rpc().view(token, storage_balance_of, &asked, At::Final).await;
        if !matches!(known, Ok(None)) {
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
    use super::{STORAGE_MAX, affordable};

    #[test]
    fn a_token_that_names_any_price_is_not_paid_it() {
        let token = "usd.near".parse().unwrap();
        assert_eq!(affordable(&token, STORAGE_MAX).unwrap(), STORAGE_MAX);
        let refused = affordable(&token, u128::MAX).unwrap_err().to_string();
        assert!(refused.starts_with("TOKEN_STORAGE: usd.near wants "), "{refused}");
    }
}
