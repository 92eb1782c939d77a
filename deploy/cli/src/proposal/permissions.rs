//! What a release asks for, out of files: on chain there are only their hashes. What is shown is what is voted on, and
//! what of it the release before did not ask for.

mod cover;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use charter_client::sha256;
use charter_rules::policy::check;
use charter_types::governance::Release;
use charter_types::keys::Policy;
use charter_types::{ErrorCode, Hash32};
use serde::Serialize;

use super::Subject;
use super::words::Lines;
use crate::files::read;
use crate::key::words;
use crate::session::Session;
use cover::{Cover, covers};

/// Where the policies stand whose hashes are voted on.
#[derive(clap::Args)]
pub struct Files {
    /// The file of the policies that the release asks for. It has to hash to what is voted on, and is shown.
    #[arg(long, value_name = "FILE")]
    permissions: Option<PathBuf>,
    /// The file of those that the release before asks for: then what is new is shown, and what is asked for no more.
    #[arg(long, value_name = "FILE", requires = "permissions")]
    permissions_before: Option<PathBuf>,
}

/// What a release asks for.
#[derive(Serialize)]
pub struct Asked {
    asked: Vec<Policy>,
    /// None where it is not known what the release before asks for.
    change: Option<Change>,
}

/// What differs from the release before. Each policy is counted by itself: one with a rate stands for one other alone.
#[derive(Serialize)]
struct Change {
    /// Its version; none if nothing was released before.
    before: Option<String>,
    /// Allows something that no policy of before does, or that is left of those.
    added: Vec<Policy>,
    /// Differs, and allows no more than one of before.
    narrowed: Vec<Policy>,
    /// Of before, and allows something that none does now, or that is left of those.
    dropped: Vec<Policy>,
}

/// A file is a JSON list of policies, each as `keys` would take it.
fn parse(bytes: &[u8]) -> Result<Vec<Policy>, String> {
    // What the error quotes from the file may be anything, and is shown on somebody's terminal.
    let place = |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    let policies: Vec<Policy> = serde_json::from_slice(bytes).map_err(place)?;
    for (policy, number) in policies.iter().zip(1..) {
        check(policy).map_err(|error| format!("policy {number}: {}: {error}", error.code()))?;
    }
    Ok(policies)
}

/// What is wrong with a file that is about to be voted on.
pub fn unreadable(bytes: &[u8]) -> Option<String> {
    let why = parse(bytes).err()?;
    Some(format!("no voter can be shown what it asks for, since the file is no list of policies: {why}"))
}

/// Reads a file that has to have this hash.
fn policies(path: &Path, hash: Hash32, semver: &str) -> anyhow::Result<Vec<Policy>> {
    let (bytes, file) = (read(path)?, path.display());
    let found = Hash32(sha256(&bytes));
    ensure!(hash != Hash32::default(), "PERMISSIONS_DIFFER: {semver} asks for no permissions, {file} is not its file");
    ensure!(found == hash, "PERMISSIONS_DIFFER: {file} hashes to {found}; what {semver} asks for hashes to {hash}");
    parse(&bytes).map_err(|why| anyhow!("PERMISSIONS_UNREADABLE: {file} is no list of policies: {why}"))
}

impl Files {
    /// `None` if no file was named.
    pub async fn compare(&self, session: &Session, subject: &Subject) -> anyhow::Result<Option<Asked>> {
        let Some(path) = &self.permissions else { return Ok(None) };
        let id = subject.proposal.id;
        let release = subject.release.as_ref();
        let release = release.with_context(|| format!("PERMISSIONS_DIFFER: proposal {id} is not about a release"))?;
        self.asked(path, release, subject.head(session).await?.as_ref()).map(Some)
    }

    fn asked(&self, path: &Path, release: &Release, before: Option<&Release>) -> anyhow::Result<Asked> {
        let (semver, hash) = (&release.content.semver, release.content.permissions);
        let asked = policies(path, hash, semver)?;
        let known = match (before.map(|before| &before.content), &self.permissions_before) {
            (Some(before), Some(path)) => Some(policies(path, before.permissions, &before.semver)?),
            (None, Some(path)) => bail!(
                "PERMISSIONS_DIFFER: nothing was released before {semver}, so {} is not what it asked for",
                path.display()
            ),
            (None, None) => Some(Vec::new()),
            // Neither takes a file to be known.
            (Some(before), None) if before.permissions == hash => Some(asked.clone()),
            (Some(before), None) if before.permissions == Hash32::default() => Some(Vec::new()),
            (Some(_), None) => None,
        };
        let before = before.map(|before| before.content.semver.clone());
        let change = known.map(|known| Change::between(before, &known, &asked));
        Ok(Asked { asked, change })
    }
}

impl Change {
    fn between(before: Option<String>, known: &[Policy], asked: &[Policy]) -> Self {
        let now = covers(asked, known);
        Self {
            before,
            added: those(asked, &now, Cover::Nothing),
            narrowed: those(asked, &now, Cover::Wider),
            dropped: those(known, &covers(known, asked), Cover::Nothing),
        }
    }
}

fn those(policies: &[Policy], covers: &[Cover], wanted: Cover) -> Vec<Policy> {
    policies.iter().zip(covers).filter(|(_, cover)| **cover == wanted).map(|(policy, _)| policy.clone()).collect()
}

fn or_nothing(mut lines: Lines) -> Lines {
    if lines.is_empty() {
        lines.push(("permissions", "asks for nothing".to_owned()));
    }
    lines
}

impl Asked {
    /// For people, below what they vote on.
    pub fn sheet(&self) -> String {
        let mut lines: Lines = Vec::new();
        let mut list = |name, title: &str, policies: &[Policy]| {
            for policy in policies {
                lines.push((name, title.to_owned()));
                lines.extend(words::policy(policy));
            }
        };
        let Some(Change { before, added, narrowed, dropped }) = &self.change else {
            list("asks for", "whether or not the release before did, which --permissions-before shows:", &self.asked);
            return words::sheet(&or_nothing(lines));
        };
        let Some(before) = before else {
            list("ADDED", "nothing was released before:", added);
            return words::sheet(&or_nothing(lines));
        };
        list("ADDED", &format!("{before} does not ask for it:"), added);
        list("narrowed", &format!("{before} asks for more:"), narrowed);
        list("dropped", &format!("{before} asks for it, and this does not:"), dropped);
        if lines.is_empty() {
            lines.push(("permissions", format!("nothing that {before} does not ask for, and nothing less")));
        }
        words::sheet(&lines)
    }
}

#[cfg(test)]
mod tests {
    use charter_types::U128;
    use charter_types::keys::{Effect, Inject, NearCall, Policy};

    use super::{Asked, Change, parse, unreadable};
    use crate::rules::{BEARER, inject, policy, rule};

    fn allows(text: &str) -> Policy {
        policy(&[rule(text).unwrap()], inject(BEARER).unwrap(), None, 1_000).unwrap()
    }

    /// The same, so often a day.
    fn daily(text: &str, uses: u32) -> Policy {
        policy(&[rule(text).unwrap()], inject(BEARER).unwrap(), Some((uses, 86_400_000)), 1_000).unwrap()
    }

    fn change(known: &[Policy], asked: &[Policy]) -> Change {
        Change::between(Some("1.0.0".to_owned()), known, asked)
    }

    /// Compare policies as they are written instead, and what is only narrower looks as if it were new.
    #[test]
    fn what_is_new_is_what_nothing_of_before_allows() {
        let (all, part, other) = (allows("GET:a.com/v1"), allows("GET:a.com/v1/news"), allows("POST:b.com/mail"));
        let one = std::slice::from_ref;
        let wider = change(one(&part), &[all.clone(), other.clone()]);
        assert_eq!((wider.added, wider.narrowed, wider.dropped), (vec![all.clone(), other.clone()], vec![], vec![]));
        let narrower = change(&[all.clone(), other.clone()], one(&part));
        assert_eq!(
            (narrower.added, narrower.narrowed, narrower.dropped),
            (vec![], vec![part.clone()], vec![all.clone(), other])
        );
        let same = change(one(&all), one(&all));
        assert_eq!((same.added, same.narrowed, same.dropped), (vec![], vec![], vec![]));
    }

    /// Let one with a rate stand for many, and a release that asks for ten times as much reads as if it asked for less.
    #[test]
    fn what_has_a_rate_stands_for_one_alone_since_rates_add_up() {
        let all = daily("GET:a.com/v1", 10);
        let (news, mail) = (daily("GET:a.com/v1/news", 10), daily("GET:a.com/v1/mail", 10));
        let two = change(std::slice::from_ref(&all), &[news.clone(), mail.clone()]);
        assert_eq!((two.added, two.narrowed, two.dropped), (vec![mail.clone()], vec![news.clone()], vec![all.clone()]));
        // Twice the same is twice as much, and once is half of it.
        let twice = change(std::slice::from_ref(&all), &[all.clone(), all.clone()]);
        assert_eq!((twice.added, twice.narrowed, twice.dropped), (vec![all.clone()], vec![], vec![]));
        let half = change(&[all.clone(), all.clone()], std::slice::from_ref(&all));
        assert_eq!((half.added, half.narrowed, half.dropped), (vec![], vec![], vec![all.clone()]));
        // What has none has no end, however many there are below it.
        let endless = allows("GET:a.com/v1");
        let below = change(std::slice::from_ref(&endless), &[all.clone(), news.clone(), mail.clone(), endless.clone()]);
        assert_eq!((below.added, below.narrowed, below.dropped), (vec![], vec![all, news, mail], vec![]));
    }

    #[test]
    fn the_sheet_says_what_differs_and_nothing_else() {
        let (news, mail) = (allows("GET:a.com/news"), allows("POST:b.com/mail"));
        let asked = vec![news.clone(), mail.clone()];
        let sheet = |change| Asked { asked: asked.clone(), change }.sheet();
        let added = sheet(Some(change(std::slice::from_ref(&news), &asked)));
        assert!(added.starts_with("ADDED       1.0.0 does not ask for it:\nmay         POST to https://b.com/mail"));
        assert!(!added.contains("news"), "{added}");
        let first = sheet(Some(Change::between(None, &[], &asked)));
        assert_eq!(first.matches("ADDED       nothing was released before:\n").count(), 2, "{first}");
        assert!(sheet(None).starts_with("asks for    whether or not the release before did"));
        let same = sheet(Some(change(&asked, &asked)));
        assert_eq!(same, "permissions nothing that 1.0.0 does not ask for, and nothing less\n");
    }

    /// Nothing that a policy allows is left out of its words.
    #[test]
    fn what_is_signed_and_done_is_said_too() {
        let call = NearCall {
            contract: "a.near".parse().unwrap(),
            methods: vec!["vote".to_owned()],
            deposit_max: U128(0),
            gas_max: 1,
        };
        let signs = Policy { effects: vec![Effect::Read, Effect::Spend, Effect::Sign], ..allows("GET:a.com/") };
        let signs = Policy { near_calls: vec![call], inject: Inject::None, ..signs };
        let said = crate::key::words::sheet(&crate::key::words::policy(&signs));
        for shown in [
            "may         sign vote of a.near, with at most 0 NEAR and 1 TGas each\n",
            "effects     it may also spend\n",
        ] {
            assert!(said.contains(shown), "{shown}: {said}");
        }
    }

    #[test]
    fn a_file_is_a_list_of_policies() {
        let list = serde_json::to_vec(&[allows("GET:a.com/")]).unwrap();
        assert_eq!(parse(&list).unwrap(), [allows("GET:a.com/")]);
        assert_eq!((parse(b"[]"), unreadable(&list)), (Ok(Vec::new()), None));
        let twice = [allows("GET:a.com/"), allows("GET:a.com/")];
        assert_eq!(parse(&serde_json::to_vec(&twice).unwrap()).unwrap(), twice);
        let bad = Policy { effects: Vec::new(), ..allows("GET:a.com/") };
        let bad = serde_json::to_vec(&[allows("GET:a.com/"), bad]).unwrap();
        assert!(parse(&bad).unwrap_err().starts_with("policy 2: KEYS_BAD_POLICY: "));
        for wrong in [&b"the image"[..], b"{}", b"[{}]", b""] {
            assert!(unreadable(wrong).is_some());
        }
    }
}
