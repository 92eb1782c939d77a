//! INV-GOV-9, of what is seen alone: what bonds take out of storage accounts stands in proposals and enrolments.

use super::model::Person;

/// What somebody has in the contract: free or in use for rows, and left as bonds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Purse {
    pub total: i128,
    pub in_use: i128,
    pub bonds: i128,
}

/// Of what a call attached, the contract keeps what rows and bonds of its caller take more than before, and nobody else
/// has more or less than before. So a call with nothing attached leaves the sum of all deposits and bonds as it was.
pub fn check_money(before: &[Purse], after: &[Purse], attached: Option<(Person, u128)>, what: &str) {
    for (person, (before, after)) in before.iter().zip(after).enumerate() {
        let paid = attached.filter(|(by, _)| *by == person).map_or(0, |(_, yocto)| i128::try_from(yocto).unwrap());
        let takes = (after.in_use + after.bonds) - (before.in_use + before.bonds);
        let kept = (after.total + after.bonds) - (before.total + before.bonds);
        assert_eq!(kept, takes.clamp(0, paid), "INV-GOV-9: person {person}, {before:?} and {after:?}: {what}");
    }
}
