//! What lines and releases look like.

use charter_types::governance::{
    ARTIFACTS_MAX, BOND_MAX, BOND_MIN, Constitution, GovernanceError, MEMBERS_MAX, Member, NAME_BYTES_MAX,
    PERIOD_MS_MAX, PERIOD_MS_MIN, Params, ReleaseContent,
};
use charter_types::{Hash32, U128, all_different};

use super::stake::check_stake;

pub fn check_name(name: &str) -> Result<(), GovernanceError> {
    let printable = name.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && printable { Ok(()) } else { Err(GovernanceError::Name {}) }
}

/// A constitution that could never decide anything is none.
pub fn check_constitution(constitution: &Constitution) -> Result<(), GovernanceError> {
    check_council(&constitution.council)?;
    check_params(&constitution.params)?;
    check_bonds(&constitution.params)?;
    check_stake(constitution)
}

fn check_bonds(params: &Params) -> Result<(), GovernanceError> {
    let fine = |bond: U128| bond.0 == 0 || (BOND_MIN..=BOND_MAX).contains(&bond.0);
    if fine(params.proposal_bond) && fine(params.enrolment_bond) { Ok(()) } else { Err(GovernanceError::Bonds {}) }
}

fn check_council(council: &[Member]) -> Result<(), GovernanceError> {
    let accounts: Vec<_> = council.iter().map(|member| &member.account).collect();
    let sum = council.iter().try_fold(0_u64, |sum, member| sum.checked_add(member.weight));
    // Tallies multiply weights by 10,000 in 128 bits and add two of them in 64.
    let fits = sum.is_some_and(|sum| sum < 1 << 63);
    let fine = (1..=MEMBERS_MAX).contains(&council.len())
        && all_different(&accounts)
        && council.iter().all(|member| member.weight > 0)
        && fits;
    if fine { Ok(()) } else { Err(GovernanceError::Council {}) }
}

fn check_params(params: &Params) -> Result<(), GovernanceError> {
    let period = PERIOD_MS_MIN..=PERIOD_MS_MAX;
    let fine = period.contains(&params.vote_ms)
        && period.contains(&params.timelock_ms)
        && params.extension_ms <= params.vote_ms
        && (1..=10_000).contains(&params.quorum_bps)
        && (5_001..=10_000).contains(&params.threshold_bps);
    if fine { Ok(()) } else { Err(GovernanceError::Params {}) }
}

/// `major.minor.patch` with an optional `-` or `+` part (semver.org 2.0.0, of which only the shape is checked).
fn is_semver(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    let graphic = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    text.len() <= 32 && graphic && core.split('.').count() == 3 && core.split('.').all(number)
}

pub fn check_content(content: &ReleaseContent) -> Result<(), GovernanceError> {
    let commit = &content.source_commit;
    let hex = commit.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let fine = is_semver(&content.semver)
        && (1..=ARTIFACTS_MAX).contains(&content.artifacts.len())
        && commit.len() == 40
        && hex;
    if fine { Ok(()) } else { Err(GovernanceError::Content {}) }
}

/// Whether it is of one of the release's artifacts.
pub fn check_digest(content: &ReleaseContent, digest: Hash32) -> Result<(), GovernanceError> {
    let known = content.artifacts.iter().any(|artifact| artifact.digest == digest);
    if known { Ok(()) } else { Err(GovernanceError::WrongDigest {}) }
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::governance::{BOND_MAX, BOND_MIN, GovernanceError, MEMBERS_MAX, Member, PERIOD_MS_MIN, Params};

    use super::{check_bonds, check_council, check_name, check_params, is_semver};

    fn members(count: usize, weight: u64) -> Vec<Member> {
        let member = |index| Member { account: format!("m{index}.near").parse().unwrap(), weight };
        (0..count).map(member).collect()
    }

    #[test]
    fn a_council_is_never_empty_and_its_weights_fit() {
        assert_eq!(check_council(&[]), Err(GovernanceError::Council {}));
        assert_eq!(check_council(&members(MEMBERS_MAX, 1)), Ok(()));
        assert_eq!(check_council(&members(MEMBERS_MAX + 1, 1)), Err(GovernanceError::Council {}));
        assert_eq!(check_council(&members(1, 0)), Err(GovernanceError::Council {}));
        assert_eq!(check_council(&members(1, (1 << 63) - 1)), Ok(()));
        assert_eq!(check_council(&members(1, 1 << 63)), Err(GovernanceError::Council {}));
        assert_eq!(check_council(&members(2, u64::MAX)), Err(GovernanceError::Council {}));
        let twice = [members(1, 1), members(1, 1)].concat();
        assert_eq!(check_council(&twice), Err(GovernanceError::Council {}));
    }

    #[test]
    fn both_sides_of_every_parameter() {
        let params = Params::default();
        assert_eq!(check_params(&params), Ok(()));
        for broken in [
            Params { vote_ms: PERIOD_MS_MIN - 1, ..params },
            Params { timelock_ms: 0, ..params },
            Params { extension_ms: params.vote_ms + 1, ..params },
            Params { quorum_bps: 0, ..params },
            Params { quorum_bps: 10_001, ..params },
            Params { threshold_bps: 5_000, ..params },
            Params { threshold_bps: 10_001, ..params },
        ] {
            assert_eq!(check_params(&broken), Err(GovernanceError::Params {}), "{broken:?}");
        }
        for (bond, fine) in
            [(0, true), (BOND_MIN - 1, false), (BOND_MIN, true), (BOND_MAX, true), (BOND_MAX + 1, false)]
        {
            let bond = U128(bond);
            assert_eq!(check_bonds(&Params { proposal_bond: bond, ..params }).is_ok(), fine, "{bond}");
            assert_eq!(check_bonds(&Params { enrolment_bond: bond, ..params }).is_ok(), fine, "{bond}");
        }
    }

    #[test]
    fn names_and_versions() {
        assert_eq!(check_name(""), Err(GovernanceError::Name {}));
        assert_eq!(check_name("a\nb"), Err(GovernanceError::Name {}));
        assert_eq!(check_name(&"a".repeat(64)), Ok(()));
        assert_eq!(check_name(&"a".repeat(65)), Err(GovernanceError::Name {}));
        for good in ["0.1.0", "1.20.3", "1.0.0-rc.1", "1.0.0+build"] {
            assert!(is_semver(good), "{good}");
        }
        for bad in ["", "1.0", "1.0.0.0", "01.0.0", "1.0.x", "v1.0.0", "1.0.0 "] {
            assert!(!is_semver(bad), "{bad}");
        }
    }
}
