//! The demo's chain has no token yet, so it deploys the one that tests have.

use charter_client::{At, Call, deploy_action, transfer_action};
use charter_types::{AccountId, U128};
use charter_wasm::TEST_TOKEN;
use near_primitives::action::{Action, CreateAccountAction};
use serde_json::json;

use super::world::World;

/// For its code and its rows: 5 NEAR.
const FUNDS: u128 = 5_000_000_000_000_000_000_000_000;

/// A token, of which alice has so much.
pub async fn deploy(world: &mut World, amount: u128) -> anyhow::Result<AccountId> {
    let (root, alice) = (world.root(), world.person("alice")?);
    let id: AccountId = format!("usd.{}", root.id).parse()?;
    // A run that was interrupted may have deployed it.
    if world.rpc.account(&id, At::Final).await.is_err() {
        let new = Call::raw("new", serde_json::to_vec(&json!({ "owner": root.id }))?);
        let create = Action::CreateAccount(CreateAccountAction {});
        let actions = vec![create, transfer_action(FUNDS), deploy_action(TEST_TOKEN.to_vec()), new.into_action()];
        let outcome = root.send(&id, actions).await?;
        world.pay(&outcome);
    }
    let mint = json!({ "account_id": alice.id, "amount": U128(amount) });
    let outcome = root.call(&id, Call::raw("mint", serde_json::to_vec(&mint)?)).await?;
    world.pay(&outcome);
    Ok(id)
}
