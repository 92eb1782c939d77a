//! Who takes part in the market, and how each of them decides. Nobody knows who sits beside it; what a ring has in common is
//! a secret, by which its workers mark what they do.

use charter_client::sha256;
use rand::Rng;
use rand::rngs::StdRng;

use crate::tasks_bytes::Hash;
use crate::tasks_model::Verdict;

pub const MILLI: u128 = 1_000_000_000_000_000_000_000;
/// An image may show one of so many things.
pub const LABELS: u8 = 4;

/// What it costs to label an image with care, or at a glance, and to judge a label with care.
pub const WORK_COSTS: u128 = 40 * MILLI;
pub const GLANCE_COSTS: u128 = 10 * MILLI;
pub const JUDGING_COSTS: u128 = 5 * MILLI;
/// How often who takes care is right, and a glance is.
const CARE: f64 = 0.97;
const GLANCE: f64 = 0.6;

/// Of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    Honest,
    Lazy,
    Random,
    /// Any label, and the ring's mark.
    Ring,
}

/// Of reviewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reviewer {
    Honest,
    /// Says that everything is good.
    Lazy,
    Random,
    /// Good for the ring's answers, and honest otherwise.
    CarefulRing,
    /// Good for the ring's answers, and what a secret makes of others: it takes no care, and agrees with its like.
    IdleRing,
}

impl Worker {
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest worker",
            Self::Lazy => "lazy worker",
            Self::Random => "random worker",
            Self::Ring => "colluding worker",
        }
    }

    /// The label that it gives, and what finding it took.
    pub fn label(self, right: u8, chance: &mut StdRng) -> (u8, u128) {
        let (sure, costs) = match self {
            Self::Honest => (CARE, WORK_COSTS),
            Self::Lazy => (GLANCE, GLANCE_COSTS),
            Self::Random | Self::Ring => (0.0, 0),
        };
        let label = if chance.gen_bool(sure) { right } else { chance.gen_range(0..LABELS) };
        (label, costs)
    }

    /// What it adds to its commitment, which everybody can read from the reveal on: noise, or what is a mark to those who
    /// know the secret and noise to everybody else.
    pub fn salt(self, index: u32, chance: &mut StdRng) -> Hash {
        if self == Self::Ring {
            return mark(index);
        }
        let mut noise = Hash::default();
        chance.fill(&mut noise[..]);
        noise
    }
}

const SECRET: &[u8] = b"what a ring has in common";

fn mark(index: u32) -> Hash {
    sha256(&[SECRET, &index.to_le_bytes()].concat())
}

impl Reviewer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest reviewer",
            Self::Lazy => "lazy reviewer",
            Self::Random => "random reviewer",
            Self::CarefulRing => "colluding reviewer, careful otherwise",
            Self::IdleRing => "colluding reviewer, idle otherwise",
        }
    }

    /// What it says of a label, which came with this salt, and what knowing better took.
    pub fn judge(self, is_right: bool, salt: Hash, index: u32, chance: &mut StdRng) -> (Verdict, u128) {
        let said = |good| if good { Verdict::Good } else { Verdict::Bad };
        match self {
            Self::CarefulRing | Self::IdleRing if salt == mark(index) => (Verdict::Good, 0),
            Self::Honest | Self::CarefulRing => (said(is_right == chance.gen_bool(CARE)), JUDGING_COSTS),
            Self::Lazy => (Verdict::Good, 0),
            Self::Random => (said(chance.gen_bool(0.5)), 0),
            // Most answers are good, so it says so of nine in ten; of which not, all of its like agree.
            Self::IdleRing => (said(sha256(&[SECRET, &salt].concat())[0] >= 26), 0),
        }
    }
}
