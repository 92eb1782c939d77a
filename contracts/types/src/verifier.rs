//! Is this TEE quote genuine? What the verifier is asked, in borsh, and what it answers.

pub mod methods;

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use crate::{Hash32, Sha256};

/// How well a platform is patched, in Intel's words.
#[wire]
#[derive(Copy, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
#[borsh(use_discriminant = false)]
pub enum TcbStatus {
    UpToDate,
    SwHardeningNeeded,
    ConfigurationNeeded,
    ConfigurationAndSwHardeningNeeded,
    OutOfDate,
    OutOfDateConfigurationNeeded,
}

/// What `verify_quote` takes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct Question {
    pub quote: Vec<u8>,
    pub collateral: QuoteCollateralV3,
    /// The time to judge by, seconds since 1970.
    pub now_s: u64,
}

/// Intel's certificates and lists that a quote is judged by: `dcap_qvl::QuoteCollateralV3`, as that crate has it in borsh.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct QuoteCollateralV3 {
    pub pck_crl_issuer_chain: String,
    pub root_ca_crl: Vec<u8>,
    pub pck_crl: Vec<u8>,
    pub tcb_info_issuer_chain: String,
    pub tcb_info: String,
    pub tcb_info_signature: Vec<u8>,
    pub qe_identity_issuer_chain: String,
    pub qe_identity: String,
    pub qe_identity_signature: Vec<u8>,
    pub pck_certificate_chain: Option<String>,
}

/// What a genuine Intel TDX quote says (TDX DCAP quote, versions 4 and 5).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub struct Report {
    pub tcb: TcbStatus,
    /// Intel's security advisories that apply to the platform.
    pub advisories: Vec<String>,
    /// Measurement of what the trust domain was started with.
    pub mr_td: [u8; 48],
    /// Measurements of firmware, kernel, command line and workload.
    pub rt_mr: [[u8; 48]; 4],
    /// What the workload wanted the quote to be bound to.
    pub report_data: [u8; 64],
    /// The processor package.
    pub ppid: Vec<u8>,
}

impl Report {
    /// One number for what runs: the hash of all five measurements, as policies list it.
    pub fn measurement(&self, sha256: Sha256) -> Hash32 {
        Hash32::of(&(self.mr_td, self.rt_mr), sha256)
    }
}

/// A rejection is an answer; a call that fails is none.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[cfg_attr(not(near), derive(borsh::BorshSchema))]
pub enum Verdict {
    Verified(Box<Report>),
    Rejected { code: String, reason: String },
}

/// Why a quote was rejected. Codes are stable like those of errors.
pub mod rejection {
    /// The quote can't be read, or is none of TDX.
    pub const FORMAT: &str = "VERIFIER_FORMAT";
    /// The trust domain can be read by its host.
    pub const DEBUG: &str = "VERIFIER_DEBUG";
    /// The collateral's time is over, or has not come yet.
    pub const EXPIRED: &str = "VERIFIER_EXPIRED";
    /// A signature, certificate or hash does not hold.
    pub const NOT_GENUINE: &str = "VERIFIER_NOT_GENUINE";
}
