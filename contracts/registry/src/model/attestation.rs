//! What is kept about the code an agent runs.
//!
//! The stored record has the same size with and without nonce and attestation, so that neither the agent's account nor
//! the verifier's answer ever needs storage that the owner has not paid.

use charter_types::registry::{
    AgentId, Attestation, AttestationPolicy, AttestationRecord, CHALLENGE_MS, Challenge, Epochs, LISTED_MAX,
    MAX_AGE_MS_MAX, MEASUREMENTS_MAX, RegistryError,
};
use charter_types::verifier::{Report, TcbStatus};
use charter_types::{Ed25519Key, Hash32, Sha256, X25519Key, all_different};

use super::Outcome;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    pub policy: AttestationPolicy,
    pub(crate) challenge: Challenge,
    pub(crate) is_attested: bool,
    /// Blank unless `is_attested`.
    pub(crate) attestation: Attestation,
}

impl Attested {
    pub fn new(policy: AttestationPolicy) -> Outcome<Self> {
        check_policy(&policy, &[])?;
        let blank = Attestation {
            sign_key: Ed25519Key([0; 32]),
            encrypt_key: X25519Key([0; 32]),
            measurement: Hash32::default(),
            tcb: TcbStatus::OutOfDate,
            verified_ms: 0,
            expires_ms: 0,
            epochs: Epochs::default(),
        };
        Ok(Self { policy, challenge: Challenge::default(), is_attested: false, attestation: blank })
    }

    pub fn view(&self, agent: AgentId) -> AttestationRecord {
        AttestationRecord {
            agent,
            policy: self.policy.clone(),
            challenge: self.challenge,
            attestation: self.attestation().cloned(),
        }
    }

    pub fn attestation(&self) -> Option<&Attestation> {
        self.is_attested.then_some(&self.attestation)
    }

    pub fn set_policy(&mut self, policy: AttestationPolicy) -> Outcome {
        let revoked = self.policy.measurements.iter().filter(|known| known.revoked);
        let revoked: Vec<Hash32> = revoked.map(|known| known.sha256).collect();
        check_policy(&policy, &revoked)?;
        self.policy = policy;
        Ok(())
    }

    /// What was found bad stays bad, whoever is attested with it.
    pub fn revoke_measurement(&mut self, sha256: Hash32) -> Outcome {
        let known = self.policy.measurements.iter_mut().find(|known| known.sha256 == sha256);
        known.ok_or(RegistryError::UnknownMeasurement {})?.revoked = true;
        Ok(())
    }

    /// Takes the policy away as far as it can be: what was revoked stays. Whether anything is left.
    pub fn clear_policy(&mut self) -> bool {
        self.policy.measurements.retain(|known| known.revoked);
        self.is_attested = false;
        self.challenge = Challenge::default();
        !self.policy.measurements.is_empty()
    }

    /// The attestation is gone, and so is a nonce for the next one, and the verdict on a quote that is being verified.
    pub fn revoke(&mut self) -> Outcome {
        if !self.is_attested && self.challenge == Challenge::default() {
            return Err(RegistryError::NoAttestation {});
        }
        self.is_attested = false;
        self.challenge = Challenge::default();
        Ok(())
    }

    /// A nonce for a quote: the one that nobody has used yet, if there is one, so that two attesters don't end each other's.
    pub fn begin(&mut self, nonce: Hash32, now_ms: u64) -> Outcome<Hash32> {
        let Challenge { until_ms, submitted, .. } = self.challenge;
        if now_ms < until_ms && submitted {
            return Err(RegistryError::AttestationPending { until_ms });
        }
        if now_ms >= until_ms {
            self.challenge = Challenge { nonce, until_ms: now_ms.saturating_add(CHALLENGE_MS), submitted: false };
        }
        Ok(self.challenge.nonce)
    }

    /// INV-REG-8: whatever the verifier will say, the nonce is used.
    pub fn take_nonce(&mut self, now_ms: u64) -> Outcome<Hash32> {
        if now_ms >= self.challenge.until_ms || self.challenge.submitted {
            return Err(RegistryError::NoChallenge {});
        }
        self.challenge.submitted = true;
        Ok(self.challenge.nonce)
    }

    /// The verifier has answered about the quote bound to `nonce`. It counts unless somebody revoked meanwhile.
    pub fn end(&mut self, nonce: Hash32) -> bool {
        let waits = self.challenge.submitted && self.challenge.nonce == nonce;
        if waits {
            self.challenge = Challenge::default();
        }
        waits
    }

    /// Accepts a report whose `report_data` the caller has compared.
    pub fn attest(
        &mut self,
        report: &Report,
        keys: (Ed25519Key, X25519Key),
        epochs: Epochs,
        now_ms: u64,
        sha256: Sha256,
    ) -> Outcome {
        let measurement = report.measurement(sha256);
        if !self.policy.accepts(measurement, report.tcb, now_ms) {
            return Err(RegistryError::NotAccepted {});
        }
        let (sign_key, encrypt_key) = keys;
        let expires_ms = now_ms.saturating_add(self.policy.max_age_ms);
        let tcb = report.tcb;
        self.attestation =
            Attestation { sign_key, encrypt_key, measurement, tcb, verified_ms: now_ms, expires_ms, epochs };
        self.is_attested = true;
        Ok(())
    }
}

/// Whether a policy is well-formed and keeps what was revoked.
fn check_policy(policy: &AttestationPolicy, revoked: &[Hash32]) -> Outcome {
    let AttestationPolicy { measurements, tcb, max_age_ms } = policy;
    let hashes: Vec<Hash32> = measurements.iter().map(|known| known.sha256).collect();
    let kept = |old: &Hash32| measurements.iter().any(|known| known.revoked && known.sha256 == *old);
    let accepted = measurements.iter().filter(|known| !known.revoked).count();
    let fine = accepted <= MEASUREMENTS_MAX
        && (1..=LISTED_MAX).contains(&measurements.len())
        && all_different(&hashes)
        && measurements.iter().all(|known| known.from_ms < known.until_ms)
        && (1..=6).contains(&tcb.len())
        && (1..=MAX_AGE_MS_MAX).contains(max_age_ms)
        && revoked.iter().all(kept);
    if fine { Ok(()) } else { Err(RegistryError::BadMeasurements {}) }
}

#[cfg(test)]
mod tests {
    use charter_common::Stored;
    use charter_types::registry::{
        AttestationPolicy, CHALLENGE_MS, Epochs, Invalid, Measurement, RegistryError, attestation_state,
    };
    use charter_types::verifier::{Report, TcbStatus};
    use charter_types::{Ed25519Key, Hash32, X25519Key};
    use sha2::{Digest, Sha256};

    use super::Attested;
    use crate::records::StoredAttested;

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    fn report() -> Report {
        Report {
            tcb: TcbStatus::UpToDate,
            advisories: Vec::new(),
            mr_td: [1; 48],
            rt_mr: [[2; 48]; 4],
            report_data: [0; 64],
            ppid: Vec::new(),
        }
    }

    fn policy(sha256: Hash32) -> AttestationPolicy {
        let measurement = Measurement { sha256, from_ms: 10, until_ms: 10_000, revoked: false };
        AttestationPolicy { measurements: vec![measurement], tcb: vec![TcbStatus::UpToDate], max_age_ms: 1_000 }
    }

    const KEYS: (Ed25519Key, X25519Key) = (Ed25519Key([3; 32]), X25519Key([9; 32]));

    #[test]
    fn a_nonce_is_good_once_and_for_its_time() {
        let mut attested = Attested::new(policy(Hash32([1; 32]))).unwrap();
        assert_eq!(attested.take_nonce(0), Err(RegistryError::NoChallenge {}));
        assert_eq!(attested.begin(Hash32([5; 32]), 100), Ok(Hash32([5; 32])));
        assert_eq!(attested.begin(Hash32([6; 32]), 101), Ok(Hash32([5; 32])), "another attester's nonce stays");
        assert_eq!(attested.take_nonce(100 + CHALLENGE_MS), Err(RegistryError::NoChallenge {}));
        assert_eq!(attested.take_nonce(99 + CHALLENGE_MS), Ok(Hash32([5; 32])));
        assert_eq!(attested.take_nonce(100), Err(RegistryError::NoChallenge {}));
        let until_ms = 100 + CHALLENGE_MS;
        assert_eq!(attested.begin(Hash32([7; 32]), 102), Err(RegistryError::AttestationPending { until_ms }));
        assert!(!attested.end(Hash32([7; 32])) && attested.end(Hash32([5; 32])) && !attested.end(Hash32([5; 32])));
        assert_eq!(attested.begin(Hash32([7; 32]), 103), Ok(Hash32([7; 32])));
    }

    #[test]
    fn revoking_ends_a_verdict_on_its_way_and_is_remembered_without_a_policy() {
        let sha256 = Hash32([1; 32]);
        let mut attested = Attested::new(policy(sha256)).unwrap();
        assert_eq!(attested.revoke(), Err(RegistryError::NoAttestation {}));
        let nonce = attested.begin(Hash32([5; 32]), 100).unwrap();
        attested.take_nonce(100).unwrap();
        attested.revoke().unwrap();
        assert!(!attested.end(nonce));
        assert!(!attested.clone().clear_policy(), "nothing was revoked, nothing is left");
        attested.revoke_measurement(sha256).unwrap();
        assert!(attested.clear_policy());
        assert_eq!(attested.set_policy(policy(sha256)), Err(RegistryError::BadMeasurements {}));
    }

    #[test]
    fn what_is_accepted_depends_on_time_policy_and_epochs_and_revocation_is_for_ever() {
        let measurement = report().measurement(sha256);
        let mut attested = Attested::new(policy(measurement)).unwrap();
        let size = StoredAttested::write(&attested).len();
        let epochs = Epochs { agent: 1, owner: 2 };
        assert_eq!(attested.attest(&report(), KEYS, epochs, 9, sha256), Err(RegistryError::NotAccepted {}));
        let old = Report { tcb: TcbStatus::OutOfDate, ..report() };
        assert_eq!(attested.attest(&old, KEYS, epochs, 10, sha256), Err(RegistryError::NotAccepted {}));
        attested.attest(&report(), KEYS, epochs, 10, sha256).unwrap();
        assert_eq!(StoredAttested::write(&attested).len(), size, "the verifier's answer would need storage");
        let good = attested.attestation().unwrap().clone();
        let state = |attested: &Attested, epochs, now_ms| attestation_state(&good, &attested.policy, epochs, now_ms);
        assert_eq!(state(&attested, epochs, 1_009), Ok(()));
        assert_eq!(state(&attested, epochs, 1_010), Err(Invalid::Expired));
        assert_eq!(state(&attested, Epochs { agent: 1, owner: 3 }, 11), Err(Invalid::EpochMoved));
        attested.revoke_measurement(measurement).unwrap();
        assert_eq!(state(&attested, epochs, 11), Err(Invalid::Policy));
        assert_eq!(attested.set_policy(policy(measurement)), Err(RegistryError::BadMeasurements {}));
        assert_eq!(attested.set_policy(policy(Hash32([7; 32]))), Err(RegistryError::BadMeasurements {}));
    }
}
