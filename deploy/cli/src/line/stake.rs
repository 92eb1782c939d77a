//! Whether a line is decided by stake, as people write it on a command line.

use anyhow::{Context, ensure};
use charter_types::asset::Asset;
use charter_types::governance::{Constitution, Pool, STAKE_MAX, StakeRules, UNLOCK_MS_MAX};

use crate::units::{Amount, duration_ms, length, money, some_amount};

/// What is locked, and how it decides.
#[derive(clap::Args)]
pub struct Options {
    /// Who locks this decides on the line, and the council only while too little is locked: near, or a token's
    /// account. It never changes.
    #[arg(long, value_name = "near|TOKEN", value_parser = asset, conflicts_with = "no_stake")]
    stake_asset: Option<Asset>,
    /// How long what is unlocked stays there, as 7d: a vote with its extension and twice its timelock, at least. It
    /// never changes.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, conflicts_with = "no_stake")]
    stake_unlock: Option<u64>,
    /// Yes that it takes at least. Stake decides once so much is the quorum of what is locked. In NEAR, or in the
    /// token's smallest unit.
    #[arg(long, value_name = "AMOUNT", value_parser = some_amount, conflicts_with = "no_stake")]
    stake_floor: Option<Amount>,
    /// The council decides, whatever is locked.
    #[arg(long)]
    no_stake: bool,
}

fn asset(text: &str) -> Result<Asset, String> {
    if text == "near" {
        return Ok(Asset::Near);
    }
    let token = text.parse().map_err(|error| format!("expected near, or the account of a token: {error}"))?;
    Ok(Asset::Nep141(token))
}

impl Options {
    pub fn is_named(&self) -> bool {
        self.no_stake || self.stake_asset.is_some() || self.stake_unlock.is_some() || self.stake_floor.is_some()
    }

    /// What was named, and for the rest what there is. What is fixed since the line first had stake is in its pool.
    pub fn over(self, now: Option<StakeRules>, pool: Option<&Pool>) -> anyhow::Result<Option<StakeRules>> {
        if !self.is_named() {
            return Ok(now);
        }
        if self.no_stake {
            return Ok(None);
        }
        let known = pool.map(|pool| (pool.asset.clone(), pool.unlock_ms)).unzip();
        let asset =
            self.stake_asset.or(known.0).context("say what is locked: --stake-asset near, or a token's account")?;
        let unlock_ms = self.stake_unlock.or(known.1).context("say how long unlocking takes: --stake-unlock 7d")?;
        let floor = self.stake_floor.map(|floor| floor.of(&asset)).transpose()?;
        let floor =
            floor.or(now.map(|now| now.floor.0)).context("say how much yes it takes at least: --stake-floor 100")?;
        Ok(Some(StakeRules { asset, unlock_ms, floor: floor.into() }))
    }
}

/// Fails before anything is signed, as the contract would after.
pub fn check(constitution: &Constitution, pool: Option<&Pool>) -> anyhow::Result<()> {
    let Some(rules @ StakeRules { asset, unlock_ms, .. }) = &constitution.stake else { return Ok(()) };
    if let Some(pool) = pool {
        ensure!(
            pool.asset == *asset && pool.unlock_ms == *unlock_ms,
            "GOVERNANCE_STAKE_FIXED: what is locked on line {}, and that unlocking takes {}, never changes",
            pool.line,
            length(pool.unlock_ms)
        );
    }
    let params = &constitution.params;
    let twice = params.timelock_ms.saturating_mul(2);
    let least = params.vote_ms.saturating_add(params.extension_ms).saturating_add(twice);
    ensure!(
        (least..=UNLOCK_MS_MAX).contains(unlock_ms),
        "GOVERNANCE_BAD_STAKE: unlocking takes as long as vote, extension and twice the timelock, so {} at least here, \
         and {} at most; this is {}",
        length(least),
        length(UNLOCK_MS_MAX),
        length(*unlock_ms)
    );
    let all = rules.decides_from(params.quorum_bps);
    ensure!(all <= STAKE_MAX, "GOVERNANCE_BAD_STAKE: a floor is the quorum of {} at most", money(asset, STAKE_MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::asset::{Asset, Books};
    use charter_types::governance::{Constitution, Params, Pool, StakeRules};

    use super::{Options, asset, check};
    use crate::units::amount;

    const DAY_MS: u64 = 24 * 3_600_000;

    fn options(named: Option<&str>, unlock: Option<u64>, floor: Option<&str>) -> Options {
        Options {
            stake_asset: named.map(|named| asset(named).unwrap()),
            stake_unlock: unlock,
            stake_floor: floor.map(|floor| amount(floor).unwrap()),
            no_stake: false,
        }
    }

    fn rules(unlock_ms: u64, floor: u128) -> StakeRules {
        StakeRules { asset: Asset::Nep141("usdc.near".parse().unwrap()), unlock_ms, floor: U128(floor) }
    }

    fn pool() -> Pool {
        let StakeRules { asset, unlock_ms, .. } = rules(7 * DAY_MS, 0);
        Pool { line: 2, asset, unlock_ms, books: Books::default(), delegates: 0, locked: Vec::new() }
    }

    #[test]
    fn what_is_not_named_stays_and_what_there_is_not_has_to_be() {
        let (now, pool) = (rules(7 * DAY_MS, 50), pool());
        let over = |options: Options, now: Option<&StakeRules>, pool: Option<&Pool>| {
            options.over(now.cloned(), pool).map_err(|error| error.to_string())
        };
        assert_eq!(over(options(None, None, None), Some(&now), Some(&pool)), Ok(Some(now.clone())));
        assert_eq!(over(options(None, None, None), None, None), Ok(None));
        assert_eq!(over(options(None, None, Some("60")), Some(&now), Some(&pool)), Ok(Some(rules(7 * DAY_MS, 60))));
        // It was turned off, and what is fixed is known still.
        assert_eq!(over(options(None, None, Some("60")), None, Some(&pool)), Ok(Some(rules(7 * DAY_MS, 60))));
        let off = Options { no_stake: true, ..options(None, None, None) };
        assert_eq!(over(off, Some(&now), Some(&pool)), Ok(None));
        for (options, missing) in [
            (options(None, Some(DAY_MS), Some("1")), "--stake-asset near"),
            (options(Some("near"), None, Some("1")), "--stake-unlock"),
            (options(Some("usdc.near"), Some(DAY_MS), None), "--stake-floor"),
            (options(Some("usdc.near"), Some(DAY_MS), Some("0.5")), "smallest unit"),
        ] {
            let said = over(options, None, None).unwrap_err();
            assert!(said.contains(missing), "{missing}: {said}");
        }
        assert!(asset("Near").unwrap_err().starts_with("expected near, or the account of a token"));
    }

    #[test]
    fn rules_of_stake_are_checked_before_they_are_signed() {
        let refused = |stake, pool: Option<&Pool>| {
            let constitution =
                Constitution { council: Vec::new(), params: Params::default(), guardian: None, stake: Some(stake) };
            check(&constitution, pool).err().map(|error| error.to_string()).unwrap_or_default()
        };
        // A day to vote, an hour more, and two to leave.
        let least = 27 * 3_600_000;
        assert_eq!(refused(rules(least, 1), None), "");
        assert_eq!(refused(rules(7 * DAY_MS, 1), Some(&pool())), "");
        for (stake, expected) in [
            (rules(least - 1, 1), "GOVERNANCE_BAD_STAKE: unlocking takes as long as vote, extension and twice the"),
            (rules(121 * DAY_MS, 1), "GOVERNANCE_BAD_STAKE: unlocking takes"),
            (rules(DAY_MS * 7, u128::MAX), "GOVERNANCE_BAD_STAKE: a floor is"),
        ] {
            let said = refused(stake, None);
            assert!(said.starts_with(expected), "{expected}: {said}");
        }
        assert!(refused(rules(8 * DAY_MS, 1), Some(&pool())).starts_with("GOVERNANCE_STAKE_FIXED"));
    }
}
