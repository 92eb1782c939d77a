//! Methods of every contract: what its code is and where it comes from.

use charter_derive::wire;

pub mod methods {
    use super::ContractSourceMetadata;
    use crate::Nothing;

    crate::method::methods! { of any Contract;
        /// Version of the code.
        view version(Nothing) -> String;
        /// NEP-330: where the code comes from. near-sdk answers it.
        view contract_source_metadata(Nothing) -> ContractSourceMetadata;
    }
}

/// NEP-330, as near-sdk answers it.
#[wire]
pub struct ContractSourceMetadata {
    pub version: Option<String>,
    pub link: Option<String>,
    pub standards: Vec<Standard>,
    pub build_info: Option<BuildInfo>,
}

#[wire]
pub struct Standard {
    pub standard: String,
    pub version: String,
}

#[wire]
pub struct BuildInfo {
    pub build_environment: String,
    pub build_command: Vec<String>,
    pub contract_path: String,
    pub source_code_snapshot: String,
    pub output_wasm_path: Option<String>,
}
