//! Drawing a panel out of the pool: so many steps at most, however large the pool is.

use borsh::{BorshDeserialize, BorshSerialize};
use charter_types::tasks::SetId;
use charter_types::{AccountId, Hash32, Sha256};

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Drawing {
    pub set: SetId,
    pub index: u32,
    pub attempt: u32,
    pub round: u8,
}

impl Drawing {
    /// What the draw follows from. Nobody knows the block's random bytes before the receipt runs.
    pub fn seed(&self, random: [u8; 32], contract: &AccountId, sha256: Sha256) -> Hash32 {
        Hash32::of(&(random, contract, self), sha256)
    }
}

/// Random numbers out of a seed.
struct Stream {
    seed: Hash32,
    count: u64,
    sha256: Sha256,
}

impl Stream {
    /// Below `bound`, each as likely as the others but for one in 2^32 at most: bounds are of 32 bits.
    fn below(&mut self, bound: u32) -> u32 {
        self.count = self.count.saturating_add(1);
        let bytes = Hash32::of(&(self.seed, self.count), self.sha256).0;
        let random = bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
        let scaled = u128::from(random).saturating_mul(u128::from(bound)) >> 64;
        u32::try_from(scaled).unwrap_or_default()
    }
}

/// Looks at up to `probes` different positions of a pool of `size`, each as likely as the others, and seats the first `seats`
/// of them that `fits` lets sit beside those who sit already. All of them or nobody. What is returned are positions and what
/// stands there.
pub fn draw<T>(
    (size, seats, probes): (u32, usize, u32),
    seed: Hash32,
    sha256: Sha256,
    mut fits: impl FnMut(u32, &[(u32, T)]) -> Option<T>,
) -> Vec<(u32, T)> {
    let mut stream = Stream { seed, count: 0, sha256 };
    // Fisher and Yates on a list that is never written down: only what was moved is.
    let mut moved: Vec<(u32, u32)> = Vec::new();
    let mut drawn = Vec::new();
    for step in 0..size.min(probes) {
        let other = step.saturating_add(stream.below(size.saturating_sub(step)));
        let at = |moved: &[(u32, u32)], place: u32| {
            moved.iter().rev().find(|(of, _)| *of == place).map_or(place, |(_, position)| *position)
        };
        let (position, own) = (at(&moved, other), at(&moved, step));
        moved.push((other, own));
        if let Some(seat) = fits(position, &drawn) {
            drawn.push((position, seat));
            if drawn.len() == seats {
                return drawn;
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use sha2::{Digest, Sha256};

    use super::{Drawing, draw};

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    fn seed(number: u32) -> Hash32 {
        Hash32(sha256(&number.to_le_bytes()))
    }

    #[test]
    fn no_position_is_looked_at_twice_and_a_small_pool_is_looked_at_as_a_whole() {
        for size in 0..60 {
            let mut seen = Vec::new();
            let drawn = draw((size, 100, 24), seed(size), sha256, |position, _: &[(u32, ())]| {
                seen.push(position);
                None
            });
            assert!(drawn.is_empty());
            assert_eq!(seen.len(), usize::try_from(size.min(24)).unwrap());
            assert!(seen.iter().all(|position| *position < size), "{seen:?}");
            seen.sort_unstable();
            let all = seen.len();
            seen.dedup();
            assert_eq!(seen.len(), all, "of {size}");
        }
    }

    #[test]
    fn each_position_is_drawn_as_often_as_the_others() {
        let mut counts = [0_u32; 30];
        for number in 0..20_000 {
            for (position, ()) in draw((30, 3, 24), seed(number), sha256, |_, _| Some(())) {
                counts[usize::try_from(position).unwrap()] += 1;
            }
        }
        // 2,000 each; the standard deviation is 42.
        assert!(counts.iter().all(|count| (1_750..2_250).contains(count)), "{counts:?}");
    }

    #[test]
    fn all_seats_or_none() {
        let odd = |position: u32, _: &[(u32, ())]| (position % 2 == 1).then_some(());
        assert_eq!(draw((6, 3, 24), seed(1), sha256, odd).len(), 3);
        assert_eq!(draw((5, 3, 24), seed(1), sha256, odd).len(), 0);
        assert_eq!(draw((0, 3, 24), seed(1), sha256, odd).len(), 0);
    }

    #[test]
    fn what_it_is_for_decides_with_the_random_bytes() {
        let contract = "tasks.near".parse().unwrap();
        let one = Drawing { set: 1, index: 2, attempt: 3, round: 1 };
        let of = |drawing: Drawing, random| drawing.seed([random; 32], &contract, sha256);
        let others = [
            of(Drawing { set: 2, ..one }, 0),
            of(Drawing { index: 3, ..one }, 0),
            of(Drawing { attempt: 4, ..one }, 0),
            of(Drawing { round: 2, ..one }, 0),
            of(one, 1),
        ];
        assert!(!others.contains(&of(one, 0)));
    }
}
