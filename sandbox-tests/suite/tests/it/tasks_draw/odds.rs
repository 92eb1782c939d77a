//! How often somebody should sit on a panel, and how far from that chance alone takes it.

/// The chance that the first of these owners has one of `seats` seats, where seats go to random slots and no owner has two.
/// `slots`: of each owner, those that may be drawn.
pub fn chance(slots: &[u32], seats: usize) -> f64 {
    let all: u32 = slots.iter().sum();
    let mut others = slots[1..].to_vec();
    1.0 - missed(&mut others, all, seats)
}

/// The chance that others have all seats.
fn missed(others: &mut [u32], all: u32, seats: usize) -> f64 {
    if seats == 0 {
        return 1.0;
    }
    let mut sum = 0.0;
    for place in 0..others.len() {
        let slots = others[place];
        if slots > 0 {
            others[place] = 0;
            sum += f64::from(slots) / f64::from(all) * missed(others, all - slots, seats - 1);
            others[place] = slots;
        }
    }
    sum
}

/// Hits of many draws, each with its own chance, which may depend on how the earlier ones went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub draws: u32,
    pub hits: u32,
    expected: f64,
    variance: f64,
}

/// How improbable a score is that fails a test.
const DOUBT: f64 = 1e-9;

impl Score {
    pub fn add(&mut self, hit: bool, chance: f64) {
        self.draws += 1;
        self.hits += u32::from(hit);
        self.expected += chance;
        self.variance += chance * (1.0 - chance);
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            draws: self.draws + other.draws,
            hits: self.hits + other.hits,
            expected: self.expected + other.expected,
            variance: self.variance + other.variance,
        }
    }

    /// How far hits may be from what is expected: Freedman's inequality for a martingale whose steps are at most 1, which is
    /// Bernstein's for draws that know nothing of each other. P(|hits - expected| >= t) <= 2 exp(-t² / (2 v + 2 t / 3)).
    pub fn bound(&self) -> f64 {
        let log = (2.0 / DOUBT).ln();
        log / 3.0 + (log * log / 9.0 + 2.0 * log * self.variance).sqrt()
    }

    pub fn excess(&self) -> f64 {
        f64::from(self.hits) - self.expected
    }

    pub fn is_fair(&self) -> bool {
        self.excess().abs() <= self.bound()
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { draws, hits, expected, .. } = self;
        write!(out, "{hits} of {draws} panels, {expected:.1} expected, {:.1} more or less allowed", self.bound())
    }
}

#[test]
fn chances_of_all_owners_add_up_to_the_seats() {
    let slots = [3, 1, 4, 1, 5, 9, 2, 6];
    for seats in [1, 3, 7] {
        let sum: f64 = (0..slots.len())
            .map(|place| {
                let mut turned = slots;
                turned.rotate_left(place);
                chance(&turned, seats)
            })
            .sum();
        let seats = f64::from(u32::try_from(seats).unwrap());
        assert!((sum - seats).abs() < 1e-9, "{sum} of {seats}");
    }
    assert!((chance(&[2, 2, 2, 2], 1) - 0.25).abs() < 1e-12);
    assert!((chance(&[1, 1, 1, 1], 3) - 0.75).abs() < 1e-12);
}

#[test]
fn a_score_that_is_steered_by_a_twentieth_is_not_fair() {
    let mut score = Score::default();
    for draw in 0..10_000_u32 {
        // 45 of 100 where 40 are due.
        score.add(draw % 100 < 45, 0.4);
    }
    assert!(!score.is_fair(), "{score}");
    let mut fair = Score::default();
    for draw in 0..10_000_u32 {
        fair.add(draw % 100 < 41, 0.4);
    }
    assert!(fair.is_fair(), "{fair}");
}
