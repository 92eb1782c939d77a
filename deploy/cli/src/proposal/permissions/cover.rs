//! Which policies others stand for.

use charter_rules::policy::within;
use charter_types::keys::Policy;

/// What stands for a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// One that is the same.
    Same,
    /// One that allows as much, or more.
    Wider,
    Nothing,
}

/// What stands for each policy among others. One of these with a rate stands for one policy alone: rates add up. As many
/// as possible are stood for, and each that can be by its like.
pub fn covers(policies: &[Policy], others: &[Policy]) -> Vec<Cover> {
    let mut places = Places {
        wider: policies.iter().map(|policy| wider(policy, others)).collect(),
        endless: others.iter().map(|other| other.rate.is_none()).collect(),
        taken: vec![None; others.len()],
    };
    let mut found = vec![Cover::Nothing; policies.len()];
    for (index, policy) in policies.iter().enumerate() {
        let is_like = |place: &usize| others[*place] == *policy && places.taken[*place].is_none();
        if let Some(place) = (0..others.len()).find(is_like) {
            places.take(place, index);
            found[index] = Cover::Same;
        }
    }
    for (index, cover) in found.iter_mut().enumerate() {
        if *cover == Cover::Nothing && places.find(index, &mut vec![false; others.len()]) {
            *cover = Cover::Wider;
        }
    }
    found
}

fn wider(policy: &Policy, others: &[Policy]) -> Vec<usize> {
    (0..others.len()).filter(|place| within(policy, &others[*place])).collect()
}

/// Who is stood for by whom.
struct Places {
    /// For each policy, which of the others allow all that it does.
    wider: Vec<Vec<usize>>,
    /// Which of the others have no rate, and so stand for any number.
    endless: Vec<bool>,
    /// Which policy each of the others stands for, if it has a rate.
    taken: Vec<Option<usize>>,
}

impl Places {
    fn take(&mut self, place: usize, index: usize) {
        if !self.endless[place] {
            self.taken[place] = Some(index);
        }
    }

    /// Finds a place for a policy, for which others move on if they can (Kuhn's matching). Nobody who has one loses it.
    fn find(&mut self, index: usize, tried: &mut [bool]) -> bool {
        for place in self.wider[index].clone() {
            if std::mem::replace(&mut tried[place], true) {
                continue;
            }
            if self.taken[place].is_none_or(|holder| self.find(holder, tried)) {
                self.take(place, index);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use charter_types::keys::Policy;

    use super::Cover::{Nothing, Same, Wider};
    use super::covers;
    use crate::rules::{BEARER, inject, policy, rule};

    fn daily(text: &str, uses: u32) -> Policy {
        policy(&[rule(text).unwrap()], inject(BEARER).unwrap(), Some((uses, 86_400_000)), 1_000).unwrap()
    }

    /// Take the first that fits, and who could have had another stands in the way of who could not.
    #[test]
    fn as_many_are_stood_for_as_can_be() {
        let (all, news) = (daily("GET:a.com/v1", 10), daily("GET:a.com/v1/news", 10));
        let (today, mail) = (daily("GET:a.com/v1/news/today", 10), daily("GET:a.com/v1/mail", 10));
        for others in [[all.clone(), news.clone()], [news.clone(), all.clone()]] {
            for policies in [[today.clone(), mail.clone()], [mail.clone(), today.clone()]] {
                assert_eq!(covers(&policies, &others), [Wider, Wider]);
            }
        }
        assert_eq!(covers(&[today.clone(), mail, today], &[all, news]), [Wider, Wider, Nothing]);
    }

    #[test]
    fn who_is_there_still_is_stood_for_by_its_like_whoever_comes_first() {
        let (all, news) = (daily("GET:a.com/v1", 10), daily("GET:a.com/v1/news", 10));
        let one = std::slice::from_ref(&all);
        assert_eq!(covers(&[all.clone(), news.clone()], one), [Same, Nothing]);
        assert_eq!(covers(&[news.clone(), all.clone()], one), [Nothing, Same]);
        assert_eq!(covers(&[news.clone(), news.clone()], &[all.clone(), news]), [Same, Wider]);
        // Less often is less, more often is more.
        let [less, more] = [9, 11].map(|uses| daily("GET:a.com/v1", uses));
        assert_eq!((covers(&[less], one), covers(&[more], one)), (vec![Wider], vec![Nothing]));
    }
}
