//! Where the contracts are.

use near_workspaces::AccountId;

/// The contracts' accounts, all below one root.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub registry: AccountId,
    pub keys: AccountId,
    pub governance: AccountId,
    pub escrow: AccountId,
    pub verifier: AccountId,
}

impl Deployment {
    pub fn below(root: &AccountId) -> anyhow::Result<Self> {
        let below = |name: &str| format!("{name}.{root}").parse::<AccountId>();
        Ok(Self {
            registry: below("registry")?,
            keys: below("keys")?,
            governance: below("governance")?,
            escrow: below("escrow")?,
            verifier: below("verifier")?,
        })
    }
}
