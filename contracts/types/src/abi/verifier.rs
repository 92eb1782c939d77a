//! The methods of the verifier.

use near_abi::{AbiFunctionKind, AbiType};

use super::{Table, parameter};
use crate::verifier::Verdict;

/// `dcap_qvl::QuoteCollateralV3`, as that crate writes it in borsh.
#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(borsh::BorshSchema)]
struct QuoteCollateralV3 {
    pck_crl_issuer_chain: String,
    root_ca_crl: Vec<u8>,
    pck_crl: Vec<u8>,
    tcb_info_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: Vec<u8>,
    qe_identity_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: Vec<u8>,
    pck_certificate_chain: Option<String>,
}

pub fn table() -> Table {
    let mut table = Table::new();
    let args =
        vec![parameter::<Vec<u8>>("quote"), parameter::<QuoteCollateralV3>("collateral"), parameter::<u64>("now_s")];
    let type_schema = borsh::schema::BorshSchemaContainer::for_type::<Verdict>();
    table.borsh("verify_quote", AbiFunctionKind::View, args).result = Some(AbiType::Borsh { type_schema });
    table
}
