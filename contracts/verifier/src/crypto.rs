//! dcap-qvl's cryptography by NEAR's host functions: a quote takes 19 TGas with them (`docs/reference/gas.md`)
//! and took 181 in wasm.

use dcap_qvl::config::{Config, CryptoProvider};
use dcap_qvl::signature::DerSigEncoder;
use dcap_qvl::x509::X509CertBackend;
use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};
use near_sdk::env;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::Digest;

/// dcap-qvl's audited parsers with NEAR's `p256_verify` and `sha256`.
pub struct OnNear;

impl Config for OnNear {
    type X509 = X509CertBackend;
    type SigEncoder = DerSigEncoder;
    type Crypto = Host;
}

pub struct Host;

impl CryptoProvider for Host {
    fn sig_algo() -> &'static dyn SignatureVerificationAlgorithm {
        &P256Sha256
    }

    fn sha256(data: &[u8]) -> [u8; 32] {
        env::sha256_array(data)
    }

    fn sha384(data: &[u8]) -> [u8; 48] {
        sha2::Sha384::digest(data).into()
    }
}

/// ECDSA on P-256 with SHA-256 (FIPS 186-5), the only algorithm in Intel's chain.
#[derive(Debug)]
struct P256Sha256;

impl SignatureVerificationAlgorithm for P256Sha256 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = compressed(public_key).ok_or(InvalidSignature)?;
        let signature = raw_signature(signature).map_err(|_| InvalidSignature)?;
        let genuine = env::p256_verify(&signature, &env::sha256_array(message), &key);
        if genuine { Ok(()) } else { Err(InvalidSignature) }
    }
}

/// The host function wants SEC 1's compressed form: the sign of y instead of y. A key whose y does not belong to its x
/// becomes one that does; Intel signed the bytes of every key in the chain, so there is none.
fn compressed(key: &[u8]) -> Option<[u8; 33]> {
    let (&[form, ref point @ ..], mut compressed) = (<&[u8; 65]>::try_from(key).ok()?, [0; 33]);
    if form != 4 {
        return None;
    }
    compressed[0] = 2 | (point[63] & 1);
    compressed[1..].copy_from_slice(&point[..32]);
    Some(compressed)
}

/// `Ecdsa-Sig-Value` (RFC 5480) to r and s of 32 bytes each.
fn raw_signature(der: &[u8]) -> der::Result<[u8; 64]> {
    let mut reader = SliceReader::new(der)?;
    let [r, s] = reader.sequence(|fields| Ok::<_, der::Error>([UintRef::decode(fields)?, UintRef::decode(fields)?]))?;
    reader.finish()?;
    let mut raw = [0; 64];
    for (half, number) in raw.chunks_exact_mut(32).zip([r, s]) {
        let bytes = number.as_bytes();
        let start = half.len().checked_sub(bytes.len()).ok_or_else(|| der::ErrorKind::Overflow.to_error())?;
        half[start..].copy_from_slice(bytes);
    }
    Ok(raw)
}
