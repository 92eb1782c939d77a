//! `charter delegate …`: who votes with whose stake.

use anyhow::{Context, bail, ensure};
use charter_client::At;
use charter_types::asset::Asset;
use charter_types::governance::args::{DelegateStake, LineRef, StakeRef, StandAsAgent};
use charter_types::governance::{Delegate, LineId, PARTS_MAX, Part, Stake, methods};
use charter_types::registry::AgentId;
use charter_types::{AccountId, U128};
use serde_json::json;

use crate::key::input::Consent;
use crate::key::words;
use crate::session::{Group, Session};
use crate::stake;
use crate::units::{Amount, amount, money, time};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Has a delegate vote with so much of what you have locked, from the next period on and instead of what it had.
    /// When you vote yourself, all of yours counts as you say.
    To {
        line: LineId,
        account: AccountId,
        /// In NEAR; of a token, in its smallest unit. 0 takes it back.
        #[arg(value_parser = amount)]
        amount: Amount,
        #[command(flatten)]
        consent: Consent,
    },
    /// Makes you a delegate of a line: who has locked something there may delegate to you.
    Stand {
        line: LineId,
        /// As this agent, whose account you are: its owner alone may delegate to you.
        #[arg(long, value_name = "ID")]
        agent: Option<AgentId>,
    },
    /// You are no delegate of a line any more, and vote with nothing that was delegated to you.
    StandDown { line: LineId },
    /// Shows what is delegated to somebody on a line.
    Show {
        line: LineId,
        /// To whom [default: you].
        account: Option<AccountId>,
    },
}

pub async fn run(arguments: Group<Command>) -> anyhow::Result<()> {
    let session = Session::open(&arguments.common).await?;
    match arguments.command {
        Command::To { line, account, amount, consent } => to(&session, line, account, &amount, &consent).await,
        Command::Stand { line, agent } => stand(&session, line, agent).await,
        Command::StandDown { line } => {
            session.contracts.governance().call(&session.me, methods::stand_down, &LineRef { line }).await?;
            let text = format!("{} is no delegate of line {line} any more", session.me.id);
            session.tell(&json!({ "line": line, "account": session.me.id }), &text)
        }
        Command::Show { line, account } => {
            let account = account.unwrap_or_else(|| session.me.id.clone());
            show(&session, line, &account).await
        }
    }
}

pub async fn find(session: &Session, line: LineId, account: &AccountId) -> anyhow::Result<Option<Delegate>> {
    let args = StakeRef { line, account: account.clone() };
    Ok(session.contracts.governance().view(session.rpc(), methods::delegate_of, &args, At::Final).await?)
}

/// What a delegate votes with for a holder now. What was given to one of that name before it stood down is dead.
fn votes_with(stake: &Stake, delegate: Option<&Delegate>, now_ms: u64) -> u128 {
    let parts = stake.parts_at(now_ms).iter();
    let of_it =
        |part: &&Part| delegate.is_some_and(|known| known.account == part.delegate && known.number == part.number);
    parts.filter(of_it).fold(0_u128, |sum, part| sum.saturating_add(part.amount.0))
}

/// Fails unless a holder may give a delegate so much.
fn check(
    (stake, asset): (&Stake, &Asset),
    delegates: &[Delegate],
    (to, delegate): (&AccountId, Option<&Delegate>),
    amount: u128,
) -> anyhow::Result<()> {
    let line = stake.line;
    ensure!(*to != stake.holder, "GOVERNANCE_ONESELF: you vote with your own anyhow");
    if amount == 0 {
        ensure!(
            delegate.is_some() || stake.parts_at(u64::MAX).iter().any(|part| part.delegate == *to),
            "GOVERNANCE_NOT_DELEGATE: {to} is no delegate of line {line}, and has nothing of yours"
        );
        return Ok(());
    }
    let Some(delegate) = delegate else {
        bail!(
            "GOVERNANCE_NOT_DELEGATE: {to} is no delegate of line {line}: it has to say `charter delegate stand {line}`"
        );
    };
    if let Some(agent) = delegate.agent.as_ref().filter(|agent| agent.owner != stake.holder) {
        bail!("GOVERNANCE_OTHERS_AGENT: agent {} is the delegate of {} alone", agent.agent, agent.owner);
    }
    let available = stake.available(|part| stake::stands(delegates, part) && part.delegate != *to);
    ensure!(
        amount <= available,
        "GOVERNANCE_STAKE_SHORT: {} is locked on line {line} and not delegated to others",
        money(asset, available)
    );
    let others = stake.parts_at(u64::MAX).iter();
    let others = others.filter(|part| stake::stands(delegates, part) && part.delegate != *to).count();
    ensure!(others < PARTS_MAX, "GOVERNANCE_TOO_MANY_DELEGATES: you have {PARTS_MAX} delegates on line {line} already");
    Ok(())
}

async fn to(session: &Session, line: LineId, to: AccountId, amount: &Amount, consent: &Consent) -> anyhow::Result<()> {
    let (pool, stake) = (stake::pool(session, line).await?, stake::mine(session, line).await?);
    let (asset, amount) = (&pool.asset, amount.of(&pool.asset)?);
    let delegate = find(session, line, &to).await?;
    let delegates = stake::delegates(session, &stake, u64::MAX).await?;
    check((&stake, asset), &delegates, (&to, delegate.as_ref()), amount)?;
    let this = if amount == 0 {
        format!("takes back what {to} votes with for you on line {line}")
    } else {
        format!("has {to} vote with {} of yours on line {line}", money(asset, amount))
    };
    let now_ms = session.now_ms().await?;
    let from = time(pool.next_period_ms(now_ms));
    let before = votes_with(&stake, delegate.as_ref(), now_ms);
    let mut sheet =
        vec![("this", this), ("counts", format!("in votes from {from} on; until then {}", money(asset, before)))];
    sheet.extend(
        delegate
            .as_ref()
            .and_then(|delegate| delegate.agent.as_ref())
            .map(|agent| ("agent", format!("{}, of {}", agent.agent, agent.owner))),
    );
    sheet.push(("you", "may vote yourself: then all of yours counts as you say".to_owned()));
    consent.ask(&words::sheet(&sheet))?;
    let args = DelegateStake { line, to: to.clone(), amount: U128(amount) };
    session.contracts.governance().call(&session.me, methods::delegate, &args).await?;
    let after = stake::mine(session, line).await?;
    let from_ms = after.delegated.last().context("nothing is delegated, though it went through")?.from_ms;
    let text = format!("{to} votes with {} of yours on line {line}, from {} on", money(asset, amount), time(from_ms));
    let left = U128(after.available(|part| stake::stands(&delegates, part) || part.delegate == to));
    let value = json!({
        "line": line, "to": to, "asset": asset, "amount": args.amount, "from_ms": from_ms, "undelegated": left,
    });
    session.tell(&value, &text)
}

async fn stand(session: &Session, line: LineId, agent: Option<AgentId>) -> anyhow::Result<()> {
    stake::pool(session, line).await?;
    let (governance, me) = (session.contracts.governance(), &session.me);
    match agent {
        None => governance.call(me, methods::stand, &LineRef { line }).await?,
        Some(agent) => {
            let args = StandAsAgent { line, agent };
            governance.prepay_and_call(me, methods::stand_as_agent, &args).await?
        }
    };
    let delegate = find(session, line, &me.id).await?.context("it is no delegate, though it went through")?;
    let text = match &delegate.agent {
        None => format!("{} is a delegate of line {line}", me.id),
        Some(agent) => format!("{} is agent {}'s, a delegate of {} on line {line}", me.id, agent.agent, agent.owner),
    };
    session.tell(&delegate, &text)
}

async fn show(session: &Session, line: LineId, account: &AccountId) -> anyhow::Result<()> {
    let pool = stake::pool(session, line).await?;
    let found = find(session, line, account).await?;
    let delegate =
        found.with_context(|| format!("GOVERNANCE_NOT_DELEGATE: {account} is no delegate of line {line}"))?;
    let sheet = lines(&delegate, &pool.asset, session.now_ms().await?);
    session.tell(&json!({ "delegate": delegate, "asset": pool.asset }), words::sheet(&sheet).trim_end())
}

fn lines(delegate: &Delegate, asset: &Asset, now_ms: u64) -> Vec<(&'static str, String)> {
    let Delegate { line, account, number, agent, received } = delegate;
    let mut lines = vec![("delegate", format!("{account}, number {number} of line {line}"))];
    lines.extend(agent.iter().map(|agent| ("agent", format!("{}, of {} alone", agent.agent, agent.owner))));
    lines.push(("votes with", format!("{} that others delegate to it", money(asset, delegate.received_at(now_ms)))));
    let later = received.iter().filter(|since| since.from_ms > now_ms);
    lines.extend(
        later.map(|since| ("then", format!("{}, from {} on", money(asset, since.amount.0), time(since.from_ms)))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use charter_types::asset::Asset;
    use charter_types::governance::{Delegate, Delegated, DelegatedAgent, PARTS_MAX, Part, Since, Stake};
    use charter_types::{AccountId, U128};

    use super::{check, lines, votes_with};
    use crate::key::words::sheet;

    fn account(name: &str) -> AccountId {
        name.parse().unwrap()
    }

    fn held(parts: Vec<Part>) -> Stake {
        let none = U128(0);
        Stake {
            line: 2,
            holder: account("a.near"),
            unlocking: none,
            ready_ms: 0,
            free: none,
            in_flight: none,
            locked: vec![Since { from_ms: 0, amount: U128(50) }],
            delegated: vec![Delegated { from_ms: 0, parts }],
        }
    }

    fn delegate(owner: Option<&str>) -> Delegate {
        Delegate {
            line: 2,
            account: account("d.near"),
            number: 1,
            agent: owner.map(|owner| DelegatedAgent { agent: 7, owner: account(owner) }),
            received: vec![
                Since { from_ms: 0, amount: U128(20) },
                Since { from_ms: 1_000, amount: U128(30) },
                Since { from_ms: 2_000, amount: U128(5) },
            ],
        }
    }

    fn part(to: &str, amount: u128) -> Part {
        Part { delegate: account(to), number: 1, amount: U128(amount) }
    }

    #[test]
    fn nobody_delegates_what_is_not_theirs_to_give() {
        let asset = Asset::Near;
        let refused = |parts, to: &str, delegate: Option<&Delegate>, amount| {
            let (stake, to) = (held(parts), account(to));
            let known = |part: &Part| Delegate { account: part.delegate.clone(), ..self::delegate(None) };
            let known: Vec<_> = stake.parts_at(0).iter().map(known).collect();
            check((&stake, &asset), &known, (&to, delegate), amount)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let (other, own, foreign) = (delegate(None), delegate(Some("a.near")), delegate(Some("b.near")));
        assert_eq!(refused(vec![part("d.near", 30), part("c.near", 10)], "d.near", Some(&other), 40), "");
        assert_eq!(refused(Vec::new(), "d.near", Some(&own), 50), "");
        // A part that is dead can be taken back.
        assert_eq!(refused(vec![part("d.near", 30)], "d.near", None, 0), "");
        let full = (0..PARTS_MAX).map(|number| part(&format!("d{number}.near"), 1)).collect();
        for (parts, to, delegate, amount, code) in [
            (vec![part("c.near", 10)], "d.near", Some(&other), 41, "GOVERNANCE_STAKE_SHORT"),
            (Vec::new(), "d.near", None, 1, "GOVERNANCE_NOT_DELEGATE"),
            (Vec::new(), "d.near", None, 0, "GOVERNANCE_NOT_DELEGATE"),
            (Vec::new(), "a.near", Some(&other), 1, "GOVERNANCE_ONESELF"),
            (Vec::new(), "d.near", Some(&foreign), 1, "GOVERNANCE_OTHERS_AGENT"),
            (full, "d.near", Some(&other), 1, "GOVERNANCE_TOO_MANY_DELEGATES"),
        ] {
            let said = refused(parts, to, delegate, amount);
            assert!(said.starts_with(code), "{code}: {said}");
        }
    }

    #[test]
    fn until_the_next_period_what_counts_now_counts() {
        let mut stake = held(vec![part("d.near", 10)]);
        stake.delegated.push(Delegated { from_ms: 1_000, parts: vec![part("d.near", 20)] });
        let (known, again) = (delegate(None), Delegate { number: 2, ..delegate(None) });
        let counts = [(Some(&known), 999), (Some(&known), 1_000), (Some(&again), 999), (None, 999)];
        assert_eq!(counts.map(|(delegate, now_ms)| votes_with(&stake, delegate, now_ms)), [10, 20, 0, 0]);
    }

    #[test]
    fn a_delegate_says_what_it_votes_with_now_and_then() {
        let token = Asset::Nep141(account("usdc.near"));
        let said = sheet(&lines(&delegate(Some("a.near")), &token, 1_999));
        let expected = "\
delegate    d.near, number 1 of line 2
agent       7, of a.near alone
votes with  30 usdc.near that others delegate to it
then        5 usdc.near, from 1970-01-01T00:00:02Z on
";
        assert_eq!(said, expected);
    }
}
