//! The contracts' bytes. The build script is the only builder of contracts: one nested `cargo build` for all of them,
//! with flags of its own, so that the same sources give the same bytes everywhere.

/// A contract that can be deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    Registry,
    Keys,
    Governance,
    Escrow,
    Tasks,
    Verifier,
}

impl Contract {
    /// Every contract, in the order in which they are deployed.
    pub const ALL: [Self; 6] =
        [Self::Verifier, Self::Registry, Self::Keys, Self::Governance, Self::Escrow, Self::Tasks];

    /// Its name, which is its folder's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Keys => "keys",
            Self::Governance => "governance",
            Self::Escrow => "escrow",
            Self::Tasks => "tasks",
            Self::Verifier => "verifier",
        }
    }

    /// Its wasm.
    pub const fn code(self) -> &'static [u8] {
        match self {
            Self::Registry => include_bytes!(concat!(env!("OUT_DIR"), "/charter_registry.wasm")),
            Self::Keys => include_bytes!(concat!(env!("OUT_DIR"), "/charter_keys.wasm")),
            Self::Governance => include_bytes!(concat!(env!("OUT_DIR"), "/charter_governance.wasm")),
            Self::Escrow => include_bytes!(concat!(env!("OUT_DIR"), "/charter_escrow.wasm")),
            Self::Tasks => include_bytes!(concat!(env!("OUT_DIR"), "/charter_tasks.wasm")),
            Self::Verifier => include_bytes!(concat!(env!("OUT_DIR"), "/charter_verifier.wasm")),
        }
    }
}

/// Two releases of an agent that is a contract and adopts them by itself, for tests.
pub const TEST_AGENTS: [&[u8]; 2] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/charter_test_agent_1.wasm")),
    include_bytes!(concat!(env!("OUT_DIR"), "/charter_test_agent_2.wasm")),
];

/// A fungible token, for tests and for the demo's chain.
pub const TEST_TOKEN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/charter_test_token.wasm"));

#[cfg(test)]
mod tests {
    use super::Contract;

    /// The protocol allows 4 MiB; storage costs 1 NEAR per 100 kB.
    const WASM_BYTES_MAX: usize = 350_000;
    /// What attackers found in it was mended since (ADR 18).
    const KEYS_BYTES_MAX: usize = 370_000;
    /// It carries X.509.
    const VERIFIER_BYTES_MAX: usize = 450_000;

    #[test]
    fn every_contract_fits_its_budget() {
        for contract in Contract::ALL {
            let code = contract.code();
            let most = match contract {
                Contract::Verifier => VERIFIER_BYTES_MAX,
                Contract::Keys => KEYS_BYTES_MAX,
                _ => WASM_BYTES_MAX,
            };
            assert!(code.len() <= most, "{} has {} bytes", contract.name(), code.len());
        }
    }
}
