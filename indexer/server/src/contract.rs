//! The contracts that are mirrored.

use charter_client::Contracts;
use charter_types::{AccountId, escrow, governance, keys, registry, tasks};

/// A contract whose events become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    Registry,
    Keys,
    Governance,
    Escrow,
    Tasks,
}

impl Contract {
    pub const ALL: [Self; 5] = [Self::Registry, Self::Keys, Self::Governance, Self::Escrow, Self::Tasks];

    /// What tables and REST call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Keys => "keys",
            Self::Governance => "governance",
            Self::Escrow => "escrow",
            Self::Tasks => "tasks",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contract| contract.name() == name)
    }

    /// What its events say they are of.
    pub fn standard(self) -> &'static str {
        match self {
            Self::Registry => registry::STANDARD,
            Self::Keys => keys::STANDARD,
            Self::Governance => governance::STANDARD,
            Self::Escrow => escrow::STANDARD,
            Self::Tasks => tasks::STANDARD,
        }
    }

    /// Its account in a deployment.
    pub fn account(self, contracts: &Contracts) -> &AccountId {
        match self {
            Self::Registry => &contracts.registry,
            Self::Keys => &contracts.keys,
            Self::Governance => &contracts.governance,
            Self::Escrow => &contracts.escrow,
            Self::Tasks => &contracts.tasks,
        }
    }
}
