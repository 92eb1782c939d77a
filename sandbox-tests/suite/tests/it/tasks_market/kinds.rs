//! Who takes part in the market, and how each of them decides. Nobody knows who sits beside it; what a ring has in common is
//! a secret, by which its workers mark their answers.

use charter_client::sha256;
use rand::Rng;
use rand::rngs::StdRng;

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
    /// Any label, with the ring's mark.
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
    pub const ALL: [Self; 4] = [Self::Honest, Self::Lazy, Self::Random, Self::Ring];

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

    /// An answer with the label: its first byte, and behind it what is a mark to those who know the secret, and noise to
    /// everybody else.
    pub fn answer(self, label: u8, index: u32, chance: &mut StdRng) -> Vec<u8> {
        let mut noise = [0; MARK_BYTES];
        chance.fill(&mut noise);
        let rest = if self == Self::Ring { mark(index) } else { noise };
        [&[label][..], &rest].concat()
    }
}

const MARK_BYTES: usize = 8;
const SECRET: &[u8] = b"what a ring has in common";

fn mark(index: u32) -> [u8; MARK_BYTES] {
    let hash = sha256(&[SECRET, &index.to_le_bytes()].concat());
    *hash.first_chunk().unwrap()
}

impl Reviewer {
    pub const ALL: [Self; 5] = [Self::Honest, Self::Lazy, Self::Random, Self::CarefulRing, Self::IdleRing];

    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest reviewer",
            Self::Lazy => "lazy reviewer",
            Self::Random => "random reviewer",
            Self::CarefulRing => "colluding reviewer, careful otherwise",
            Self::IdleRing => "colluding reviewer, idle otherwise",
        }
    }

    /// What it says of an answer that anybody can read, and what knowing better took.
    pub fn judge(self, answer: &[u8], index: u32, right: u8, chance: &mut StdRng) -> (Verdict, u128) {
        let said = |good| if good { Verdict::Good } else { Verdict::Bad };
        let is_marked = answer[1..] == mark(index);
        match self {
            Self::CarefulRing | Self::IdleRing if is_marked => (Verdict::Good, 0),
            Self::Honest | Self::CarefulRing => {
                let slips = !chance.gen_bool(CARE);
                (said((answer[0] == right) != slips), JUDGING_COSTS)
            }
            Self::Lazy => (Verdict::Good, 0),
            Self::Random => (said(chance.gen_bool(0.5)), 0),
            // Nine of ten strangers' answers are good: agreeing with each other is all that this can be about.
            Self::IdleRing => (said(sha256(&[SECRET, answer].concat())[0] >= 26), 0),
        }
    }
}
