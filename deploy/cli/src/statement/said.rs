//! Who stated what of a release, for who votes on it. The chain keeps no list of that: accounts are named, or an index
//! lists them. What each of them stated is asked of the chain, whoever named it.

use anyhow::Context;
use charter_client::At;
use charter_types::AccountId;
use charter_types::governance::args::StatementRef;
use charter_types::governance::{Release, ReleaseId, Statement, methods};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{done, looked_at, verdict};
use crate::key::words;
use crate::mirror;
use crate::output::sentence;
use crate::proposal::Subject;
use crate::session::Session;

/// Accounts that are taken from an index: a page of it.
const LISTED_MAX: usize = 100;

/// Where it is known who stated something of a release.
#[derive(clap::Args)]
pub struct Sources {
    /// The URL of an indexer's API, which lists who stated something of the release. What that is, the chain says.
    #[arg(long, value_name = "URL", env = "CHARTER_INDEX", hide_env_values = true, value_parser = mirror::address)]
    index: Option<String>,
    /// Whose statement of the release to show, with or without an index. More than once for several.
    #[arg(long, value_name = "ACCOUNT")]
    said_by: Vec<AccountId>,
}

/// How much of an index's list is there.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Listing {
    /// No index was named.
    NotAsked,
    /// Why it has none.
    Failed(String),
    /// There is more of it.
    Part,
    All,
}

/// What was stated of a release, as far as it is known.
#[derive(Serialize)]
pub struct Said<'a> {
    #[serde(skip)]
    release: &'a Release,
    listing: Listing,
    /// As the chain has them.
    statements: Vec<Statement>,
    /// Named by the caller, and the chain has no statement of theirs.
    silent: Vec<AccountId>,
    /// The same of whom the index lists.
    only_in_index: Vec<AccountId>,
}

impl Sources {
    /// `None` where it is not a release that is voted on. An index that fails is no error.
    pub async fn ask<'a>(&self, session: &Session, subject: &'a Subject) -> anyhow::Result<Option<Said<'a>>> {
        let Some(release) = &subject.release else { return Ok(None) };
        let (listing, listed) = match self.index.as_deref().filter(|url| !url.is_empty()) {
            None => (Listing::NotAsked, Vec::new()),
            Some(url) => match list(url, release.id).await {
                Ok((listed, true)) => (Listing::All, listed),
                Ok((listed, false)) => (Listing::Part, listed),
                Err(error) => (Listing::Failed(sentence(&error)), Vec::new()),
            },
        };
        let (statements, silent, only_in_index) = (Vec::new(), Vec::new(), Vec::new());
        let mut said = Said { release, listing, statements, silent, only_in_index };
        let mut asked: Vec<&AccountId> = Vec::new();
        for by in self.said_by.iter().chain(&listed) {
            if asked.contains(&by) {
                continue;
            }
            asked.push(by);
            let question = StatementRef { release: release.id, by: by.clone() };
            let governance = session.contracts.governance();
            match governance.view(session.rpc(), methods::statement, &question, At::Final).await? {
                Some(statement) => said.statements.push(statement),
                None if listed.contains(by) => said.only_in_index.push(by.clone()),
                None => said.silent.push(by.clone()),
            }
        }
        Ok(Some(said))
    }
}

impl Said<'_> {
    /// For people, below what they vote on.
    pub fn sheet(&self) -> String {
        let statement = |said: &Statement| {
            let (by, verdict, done) = (&said.by, verdict(said.ok), done(said.kind));
            let what = looked_at(self.release, said);
            format!("{by}: {verdict}, {done}: {what}; {}, sha256 {}", said.uri, said.sha256)
        };
        let mut lines: Vec<_> = self.statements.iter().map(|said| ("statement", statement(said))).collect();
        lines.extend(self.silent.iter().map(|by| ("statement", format!("{by}: has stated nothing"))));
        let unknown =
            |by: &AccountId| format!("{by}: in the index only, the chain has none: taken back, or never made");
        lines.extend(self.only_in_index.iter().map(|by| ("statement", unknown(by))));
        lines.extend(self.missing(lines.is_empty()).map(|text| ("statements", text)));
        words::sheet(&lines)
    }

    /// Which others there may be.
    fn missing(&self, none: bool) -> Option<String> {
        let others = if none { "" } else { "of others " };
        match &self.listing {
            Listing::NotAsked => Some(format!("{others}are not listed without `--index` or `--said-by`")),
            Listing::Failed(why) => Some(format!("{others}are not listed: {why}")),
            Listing::Part => Some(format!("there are more than these {LISTED_MAX}: `--said-by` asks for one of them")),
            Listing::All if none => Some("the index has none".to_owned()),
            Listing::All => None,
        }
    }
}

/// A page of `/v1/statements`. Of what it says only the authors are taken.
#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next: Option<Value>,
}

#[derive(Deserialize)]
struct Item {
    by: AccountId,
}

/// Who stated something of a release, as an index has it, and whether that is all.
async fn list(url: &str, release: ReleaseId) -> anyhow::Result<(Vec<AccountId>, bool)> {
    let what = "list of statements";
    let page: Option<Page> = mirror::get(url, "/v1/statements", &[("release", release)], what).await?;
    let Page { mut items, next } =
        page.context("the index lists no statements: it is of another release of Charter")?;
    let is_all = next.is_none() && items.len() <= LISTED_MAX;
    items.truncate(LISTED_MAX);
    Ok((items.into_iter().map(|item| item.by).collect(), is_all))
}

#[cfg(test)]
mod tests {
    use charter_types::Hash32;
    use charter_types::governance::{Artifact, ArtifactKind, Release, ReleaseContent, Statement, StatementKind};

    use super::{Listing, Said};

    fn release() -> Release {
        let artifact = Artifact { kind: ArtifactKind::OciImage, digest: Hash32([7; 32]), bytes: 1 };
        let content = ReleaseContent {
            semver: "1.0.0".to_owned(),
            artifacts: vec![artifact],
            source_commit: "0".repeat(40),
            permissions: Hash32::default(),
            reversible: true,
        };
        Release { id: 1, line: 2, content, parent: 0, published: false }
    }

    fn statement(by: &str, ok: bool) -> Statement {
        let (digest, sha256) = (Hash32([7; 32]), Hash32([0; 32]));
        let uri = "https://a.example/".to_owned();
        Statement { release: 1, by: by.parse().unwrap(), kind: StatementKind::Audit, digest, ok, uri, sha256 }
    }

    fn said(release: &Release, listing: Listing, statements: Vec<Statement>) -> Said<'_> {
        Said { release, listing, statements, silent: Vec::new(), only_in_index: Vec::new() }
    }

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        let release = release();
        let sheet = |listing, statements| said(&release, listing, statements).sheet();
        let down = || Listing::Failed("the index at http://a can't be reached".to_owned());
        for (listing, expected) in [
            (Listing::NotAsked, "statements  are not listed without `--index` or `--said-by`\n"),
            (down(), "statements  are not listed: the index at http://a can't be reached\n"),
            (Listing::All, "statements  the index has none\n"),
        ] {
            assert_eq!(sheet(listing, Vec::new()), expected);
        }
        for (listing, expected) in [
            (Listing::NotAsked, "\nstatements  of others are not listed without"),
            (down(), "\nstatements  of others are not listed: "),
            (Listing::Part, "\nstatements  there are more than these 100"),
        ] {
            let sheet = sheet(listing, vec![statement("a.near", true)]);
            assert!(sheet.contains(expected), "{sheet}");
        }
    }

    #[test]
    fn each_word_has_its_author_and_its_source() {
        let release = release();
        let known = vec![statement("a.near", true), statement("b.near", false)];
        let (silent, only_in_index) = (vec!["c.near".parse().unwrap()], vec!["d.near".parse().unwrap()]);
        let said = Said { silent, only_in_index, ..said(&release, Listing::All, known) };
        let (artifact, zero) = ("07".repeat(32), "00".repeat(32));
        let expected = format!(
            "\
statement   a.near: good, audited: OCI image, sha256 {artifact}; https://a.example/, sha256 {zero}
statement   b.near: BAD, audited: OCI image, sha256 {artifact}; https://a.example/, sha256 {zero}
statement   c.near: has stated nothing
statement   d.near: in the index only, the chain has none: taken back, or never made
"
        );
        assert_eq!(said.sheet(), expected);
    }
}
