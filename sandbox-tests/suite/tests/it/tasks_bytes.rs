//! What workers, reviewers and requesters of honeypots commit to, written from the contract's README: nothing here is shared
//! with what it judges.

use charter_client::sha256;

use crate::tasks_model::Verdict;

pub type Hash = [u8; 32];

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
}

/// Where commitments are made.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub id: String,
    /// The contract.
    pub contract: String,
}

impl Chain {
    /// sha256 of borsh: purpose, version, chain, contract.
    fn domain(&self, purpose: &str) -> Hash {
        sha256(&[text(purpose), vec![1], text(&self.id), text(&self.contract)].concat())
    }
}

/// What both kinds of commitments are about: a set's task, which was taken so many times.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub set: u64,
    pub index: u32,
    pub attempt: u32,
}

impl About {
    fn bytes(self) -> Vec<u8> {
        let Self { set, index, attempt } = self;
        [&set.to_le_bytes()[..], &index.to_le_bytes(), &attempt.to_le_bytes()].concat()
    }
}

/// Of an answer that is in the event: the first kind of two, and its bytes.
pub fn answer_hash(answer: &[u8]) -> Hash {
    let length = u32::try_from(answer.len()).unwrap().to_le_bytes();
    sha256(&[&[0][..], &length, answer].concat())
}

pub fn work_hash(chain: &Chain, about: About, worker: &str, (answer, salt): (Hash, Hash)) -> Hash {
    sha256(&[&chain.domain("charter/work")[..], &about.bytes(), &text(worker), &answer, &salt].concat())
}

/// Of a round, counted from 1.
pub fn verdict_hash(chain: &Chain, (about, round): (About, u8), by: &str, (verdict, salt): (Verdict, Hash)) -> Hash {
    let said = match verdict {
        Verdict::Good => 0,
        Verdict::Bad => 1,
        Verdict::Unfetchable => 2,
    };
    let domain = chain.domain("charter/verdict");
    sha256(&[&domain[..], &about.bytes(), &[round], &text(by), &[said], &salt].concat())
}

/// What a requester knows of a task before.
pub fn honeypot_leaf(index: u32, answer: Hash, salt: Hash) -> Hash {
    sha256(&[&[0][..], &index.to_le_bytes(), &answer, &salt].concat())
}
