//! What all contracts with state have. They are governance's, so nobody here is their admin.

use charter_types::admin::{Deployment, Feature, PauseFeature, SetPauser, Upgrade};
use charter_types::shared::methods as shared;
use charter_types::storage::{StorageDeposit, StorageOf, StorageUnregister, StorageWithdraw};
use charter_types::{Hash32, Named};

use super::case::{Case, Who};
use super::scene::Scene;

const NOT_ADMIN: &str = "CHARTER_NOT_ADMIN";

/// `feature` is one that the contract can pause.
pub fn cases(scene: &Scene, feature: &str) -> Vec<Case> {
    let named = Named { account: scene.id(Who::Stranger) };
    let feature = feature.to_owned();
    let replaces = Deployment { number: 0, sha256: Hash32::default() };
    let upgrade = Upgrade { code: Vec::new(), approved: Hash32::default(), replaces };
    let deposit = StorageDeposit { account_id: Some(scene.id(Who::Poor)), registration_only: Some(true) };
    vec![
        Case::new(shared::storage_deposit, &deposit, "").too_little(&[(0, "CHARTER_STORAGE_MINIMUM")]),
        Case::new(shared::storage_withdraw, &StorageWithdraw::default(), "CHARTER_STORAGE_UNKNOWN")
            .may(&Who::ALL[..Who::ALL.len() - 1]),
        Case::new(shared::storage_unregister, &StorageUnregister::default(), ""),
        Case::new(shared::storage_balance_of, &StorageOf { account_id: scene.id(Who::Owner) }, ""),
        Case::new(shared::set_governance, &named, NOT_ADMIN),
        Case::new(shared::set_pauser, &SetPauser { account: None }, NOT_ADMIN),
        Case::new(shared::pause_feature, &PauseFeature { feature: feature.clone(), for_ms: 1 }, "CHARTER_NOT_PAUSER"),
        Case::new(shared::unpause_feature, &Feature { feature }, NOT_ADMIN),
        Case::new(shared::upgrade, &upgrade, NOT_ADMIN),
    ]
}
