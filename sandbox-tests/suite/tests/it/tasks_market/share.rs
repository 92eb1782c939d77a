//! From which share of the slots cheating pays, by the odds alone: seats are independent, and a ring has this share of them.

/// What the market pays and takes, in thousandths of a NEAR.
#[derive(Clone, Copy)]
pub struct Prices {
    pub reward: f64,
    pub fee: f64,
    /// What a minority reviewer loses.
    pub loss: f64,
    pub work: f64,
    pub judging: f64,
    /// Of all tasks, those in which somebody knows better and appeals.
    pub watched: f64,
}

/// The chance of `hits` of `seats`.
fn odds(seats: u32, hits: u32, share: f64) -> f64 {
    let ways: f64 = (0..hits).map(|place| f64::from(seats - place) / f64::from(place + 1)).product();
    ways * share.powi(hits.cast_signed()) * (1.0 - share).powi((seats - hits).cast_signed())
}

impl Prices {
    /// What one task brings a ring that does no work: its worker and all of its reviewers together.
    pub fn of_cheating(&self, share: f64) -> f64 {
        (0..=3).map(|seats| odds(3, seats, share) * self.of_first(seats, share)).sum()
    }

    /// With so many seats of the first panel.
    fn of_first(&self, seats: u32, share: f64) -> f64 {
        let of = f64::from;
        if seats < 2 {
            return -self.loss * of(seats);
        }
        let won = self.reward + self.fee * of(seats) + self.loss * of(3 - seats);
        let appealed = (0..=7).map(|more| {
            let after = if more >= 4 {
                won + self.fee * of(more) + self.loss * of(7 - more)
            } else {
                -self.loss * of(seats + more)
            };
            odds(7, more, share) * after
        });
        (1.0 - self.watched) * won + self.watched * appealed.sum::<f64>()
    }

    /// The same of a ring that works and judges as it should.
    pub fn of_honesty(&self, share: f64) -> f64 {
        self.reward - self.work + 3.0 * share * (self.fee - self.judging)
    }

    /// The smallest share, in hundredths, from which cheating brings more than `other` does.
    pub fn pays_from(&self, other: impl Fn(f64) -> f64) -> Option<u32> {
        (0..=100).find(|hundredths| {
            let share = f64::from(*hundredths) / 100.0;
            self.of_cheating(share) > other(share)
        })
    }
}

#[test]
fn a_third_of_independent_seats_has_a_quarter_of_panels_of_three_and_little_of_seven() {
    let has = |seats: u32, share: f64| (seats / 2 + 1..=seats).map(|hits| odds(seats, hits, share)).sum::<f64>();
    assert!((has(3, 1.0 / 3.0) - 7.0 / 27.0).abs() < 1e-9);
    assert!((has(7, 1.0 / 3.0) - 379.0 / 2_187.0).abs() < 1e-9);
    assert!(((0..=7).map(|hits| odds(7, hits, 0.4)).sum::<f64>() - 1.0).abs() < 1e-9);
}
