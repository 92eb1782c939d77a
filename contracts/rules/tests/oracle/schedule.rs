//! How many uses a rate allows, found by trying schedules: "at most so many uses in so much time", from whatever moment one
//! begins to count.

use charter_types::keys::Rate;

/// Whether the uses of the last `per_ms` milliseconds, the newest included, are few enough.
fn keeps(schedule: &[u32], rate: Option<Rate>) -> bool {
    rate.is_none_or(|rate| {
        let past = usize::try_from(rate.per_ms).expect("a short time");
        schedule.iter().rev().take(past).sum::<u32>() <= rate.uses
    })
}

/// Whether some schedule of `length` milliseconds keeps the first rate at every moment and breaks the second at one.
fn breaks(schedule: &mut Vec<u32>, length: usize, inner: Option<Rate>, outer: Rate) -> bool {
    if !keeps(schedule, inner) {
        return false;
    }
    if !keeps(schedule, Some(outer)) {
        return true;
    }
    if schedule.len() == length {
        return false;
    }
    (0..=outer.uses + 1).any(|uses| {
        schedule.push(uses);
        let found = breaks(schedule, length, inner, outer);
        schedule.pop();
        found
    })
}

/// Whether whoever keeps the first rate keeps the second. A second that is broken is broken in a stretch of its own time.
pub fn implies(inner: Option<Rate>, outer: Option<Rate>) -> bool {
    outer.is_none_or(|outer| {
        let length = usize::try_from(outer.per_ms).expect("a short time");
        !breaks(&mut Vec::new(), length, inner, outer)
    })
}
