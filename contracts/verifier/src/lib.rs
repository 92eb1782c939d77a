#![doc = include_str!("../README.md")]

mod crypto;

use charter_types::verifier::{Report, TcbStatus, Verdict, rejection};
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

charter_common::contract_abi!("verifier");

#[near]
impl Verifier {
    /// Takes `(quote, collateral, now_s)` in borsh: bytes, `dcap_qvl::QuoteCollateralV3`, seconds since 1970. Anyone.
    #[result_serializer(borsh)]
    pub fn verify_quote(&self) -> Verdict {
        let input = env::input().unwrap_or_default();
        match borsh::from_slice::<(Vec<u8>, QuoteCollateralV3, u64)>(&input) {
            Ok((quote, collateral, now_s)) => verify(&quote, &collateral, now_s),
            Err(error) => {
                rejected(rejection::FORMAT, format!("expected quote, collateral and seconds in borsh: {error}"))
            }
        }
    }

    /// Version of the code.
    pub fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
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
