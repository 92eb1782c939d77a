#![doc = include_str!("../README.md")]

mod crypto;

use charter_types::method::Method;
use charter_types::verifier::{self, Question, QuoteCollateralV3 as Collateral, Report, TcbStatus, Verdict, rejection};
use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::quote::Quote;
use dcap_qvl::verify::{QuoteVerifier, VerifiedReport};
use near_sdk::{env, near};

use crypto::OnNear;

/// Nothing is stored.
#[near(contract_state)]
#[derive(Default)]
pub struct Verifier {}

/// Intel's root certificate, as dcap-qvl carries it.
const ROOT: &[u8] = include_bytes!("intel_sgx_root_ca.der");

charter_common::charter_origin!(Verifier, verifier);

#[charter_common::methods(verifier)]
#[near]
impl Verifier {
    #[result_serializer(borsh)]
    pub fn verify_quote(&self) -> Verdict {
        match verifier::methods::verify_quote::read(&env::input().unwrap_or_default()) {
            Ok(Question { quote, collateral, now_s }) => verify(&quote, &for_dcap_qvl(collateral), now_s),
            Err(error) => {
                rejected(rejection::FORMAT, format!("expected quote, collateral and seconds in borsh: {error}"))
            }
        }
    }
}

fn for_dcap_qvl(collateral: Collateral) -> QuoteCollateralV3 {
    QuoteCollateralV3 {
        pck_crl_issuer_chain: collateral.pck_crl_issuer_chain,
        root_ca_crl: collateral.root_ca_crl,
        pck_crl: collateral.pck_crl,
        tcb_info_issuer_chain: collateral.tcb_info_issuer_chain,
        tcb_info: collateral.tcb_info,
        tcb_info_signature: collateral.tcb_info_signature,
        qe_identity_issuer_chain: collateral.qe_identity_issuer_chain,
        qe_identity: collateral.qe_identity,
        qe_identity_signature: collateral.qe_identity_signature,
        pck_certificate_chain: collateral.pck_certificate_chain,
    }
}

fn rejected(code: &str, reason: String) -> Verdict {
    Verdict::Rejected { code: code.to_owned(), reason }
}

/// Bits 0 to 7 of the attributes are Intel's group TUD, "under debug": bit 0 lets the host read the trust domain, and the
/// others have to be 0.
const DEBUG_BITS: u8 = 0xff;

fn verify(quote: &[u8], collateral: &QuoteCollateralV3, now_s: u64) -> Verdict {
    let Ok(parsed) = Quote::parse(quote) else {
        return rejected(rejection::FORMAT, "the quote can't be read".to_owned());
    };
    let Some(report) = parsed.report.as_td10() else {
        return rejected(rejection::FORMAT, "it is no quote of a TDX trust domain".to_owned());
    };
    if report.td_attributes[0] & DEBUG_BITS != 0 {
        return rejected(rejection::DEBUG, "the trust domain runs in debug mode: its host can read it".to_owned());
    }
    match QuoteVerifier::<OnNear>::new_with_config(ROOT.to_vec()).verify(quote, collateral, now_s) {
        Ok(verified) => accepted(verified),
        Err(error) => {
            let reason = format!("{error:#}");
            // dcap-qvl has texts, not codes; these words are in all that are about time.
            let expired = ["expired", "in the future", "CertExpired", "CrlExpired", "NotValidYet"];
            let code = if expired.iter().any(|word| reason.contains(word)) {
                rejection::EXPIRED
            } else {
                rejection::NOT_GENUINE
            };
            rejected(code, reason)
        }
    }
}

fn accepted(verified: VerifiedReport) -> Verdict {
    let tcb = match verified.status.as_str() {
        "UpToDate" => TcbStatus::UpToDate,
        "SWHardeningNeeded" => TcbStatus::SwHardeningNeeded,
        "ConfigurationNeeded" => TcbStatus::ConfigurationNeeded,
        "ConfigurationAndSWHardeningNeeded" => TcbStatus::ConfigurationAndSwHardeningNeeded,
        "OutOfDate" => TcbStatus::OutOfDate,
        "OutOfDateConfigurationNeeded" => TcbStatus::OutOfDateConfigurationNeeded,
        other => return rejected(rejection::NOT_GENUINE, format!("the platform's status is {other}")),
    };
    let Some(report) = verified.report.as_td10() else {
        return rejected(rejection::FORMAT, "it is no quote of a TDX trust domain".to_owned());
    };
    Verdict::Verified(Box::new(Report {
        tcb,
        advisories: verified.advisory_ids,
        mr_td: report.mr_td,
        rt_mr: [report.rt_mr0, report.rt_mr1, report.rt_mr2, report.rt_mr3],
        report_data: report.report_data,
        ppid: verified.ppid,
    }))
}
