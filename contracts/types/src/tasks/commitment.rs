//! What workers and reviewers commit to before they reveal it: sha256 of borsh. Who commits is in it, so a commitment that is
//! copied from another can't be revealed, and so is the attempt, so none can be used again.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_derive::wire;

use super::{SetId, Verdict};
use crate::{AccountId, Base64Bytes, Domain, Hash32, Sha256};

/// Purposes of the [`Domain`]s.
pub const WORK_PURPOSE: &str = "charter/work";
pub const VERDICT_PURPOSE: &str = "charter/verdict";
const VERSION: u8 = 1;

/// What a worker found.
#[wire(strict)]
#[derive(BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// At most 1,024 bytes, which the event has.
    Inline { bytes: Base64Bytes },
    /// A file elsewhere. Reviewers judge what they fetch and what hashes so.
    At { uri: String, hash: Hash32 },
}

impl Answer {
    pub fn hash(&self, sha256: Sha256) -> Hash32 {
        Hash32::of(self, sha256)
    }
}

/// The separators of one contract on one chain.
#[wire]
#[derive(Copy)]
pub struct Domains {
    pub work: Hash32,
    pub verdict: Hash32,
}

impl Domains {
    pub fn of(chain_id: &str, contract: &AccountId, sha256: Sha256) -> Self {
        let of = |purpose| Domain { purpose, version: VERSION, chain_id, contract }.separator(sha256);
        Self { work: of(WORK_PURPOSE), verdict: of(VERDICT_PURPOSE) }
    }
}

/// What `commit_work` takes the hash of: domain 32 · set u64 · index u32 · attempt u32 · worker · answer's hash 32 · salt 32.
#[derive(BorshSerialize)]
pub struct WorkCommitment<'a> {
    /// [`Domains::work`].
    pub domain: Hash32,
    pub set: SetId,
    pub index: u32,
    pub attempt: u32,
    pub worker: &'a AccountId,
    /// [`Answer::hash`].
    pub answer: Hash32,
    pub salt: Hash32,
}

impl WorkCommitment<'_> {
    pub fn hash(&self, sha256: Sha256) -> Hash32 {
        Hash32::of(self, sha256)
    }
}

/// What `commit_verdict` takes the hash of: domain 32 · set u64 · index u32 · attempt u32 · round u8 · reviewer · verdict u8 ·
/// salt 32.
#[derive(BorshSerialize)]
pub struct VerdictCommitment<'a> {
    /// [`Domains::verdict`].
    pub domain: Hash32,
    pub set: SetId,
    pub index: u32,
    pub attempt: u32,
    /// 1, or 2 on appeal.
    pub round: u8,
    pub reviewer: &'a AccountId,
    pub verdict: Verdict,
    pub salt: Hash32,
}

impl VerdictCommitment<'_> {
    pub fn hash(&self, sha256: Sha256) -> Hash32 {
        Hash32::of(self, sha256)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::{Answer, Domains, VerdictCommitment, WorkCommitment};
    use crate::tasks::Verdict;
    use crate::{AccountId, Base64Bytes, Hash32};

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// As the README of the contract says it, by hand.
    #[test]
    fn commitments_are_the_bytes_that_the_readme_says() {
        let contract: AccountId = "tasks.near".parse().unwrap();
        let worker: AccountId = "bob.near".parse().unwrap();
        let text = |text: &str| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
        let domain = |purpose: &str| sha256(&[text(purpose), vec![1], text("mainnet"), text("tasks.near")].concat());
        let domains = Domains::of("mainnet", &contract, sha256);
        assert_eq!(domains.work.0, domain("charter/work"));
        assert_eq!(domains.verdict.0, domain("charter/verdict"));

        let answer = Answer::Inline { bytes: Base64Bytes(b"cat".to_vec()) };
        let answer_hash = sha256(&[vec![0], vec![3, 0, 0, 0], b"cat".to_vec()].concat());
        assert_eq!(answer.hash(sha256).0, answer_hash);
        let elsewhere = Answer::At { uri: "https://a".to_owned(), hash: Hash32([7; 32]) };
        assert_eq!(elsewhere.hash(sha256).0, sha256(&[vec![1], text("https://a"), vec![7; 32]].concat()));

        let (set, index, attempt, salt) = (5_u64, 6_u32, 2_u32, Hash32([9; 32]));
        let task = [&set.to_le_bytes()[..], &index.to_le_bytes(), &attempt.to_le_bytes()].concat();
        let work = WorkCommitment {
            domain: domains.work,
            set,
            index,
            attempt,
            worker: &worker,
            answer: Hash32(answer_hash),
            salt,
        };
        let bytes = [&domain("charter/work")[..], &task, &text("bob.near"), &answer_hash, &salt.0].concat();
        assert_eq!(work.hash(sha256).0, sha256(&bytes));

        for (verdict, byte) in [(Verdict::Good, 0), (Verdict::Bad, 1), (Verdict::Unfetchable, 2)] {
            let (domain_hash, round) = (domains.verdict, 2);
            let commitment =
                VerdictCommitment { domain: domain_hash, set, index, attempt, round, reviewer: &worker, verdict, salt };
            let bytes = [&domain("charter/verdict")[..], &task, &[2], &text("bob.near"), &[byte], &salt.0].concat();
            assert_eq!(commitment.hash(sha256).0, sha256(&bytes));
        }
    }
}
