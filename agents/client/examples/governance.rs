//! Creates a line of releases, proposes the first one and votes for it:
//! `cargo run --example governance -- RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY`.

#[path = "shared/start.rs"]
mod start;

use anyhow::Context;
use charter_client::{Account, At, Contracts, sha256};
use charter_types::Hash32;
use charter_types::governance::args::{CreateLine, ProposalRef, ProposeRelease, Vote};
use charter_types::governance::{self, Artifact, ArtifactKind, Choice, Params, ProposalId, ReleaseContent};

/// Without a council the owner is the council. A vote repeats the hash of what is voted on.
pub async fn propose(contracts: &Contracts, owner: &Account) -> anyhow::Result<ProposalId> {
    let (governance, rpc) = (contracts.governance(), owner.rpc());
    let args = CreateLine {
        name: "scout".to_owned(),
        council: Vec::new(),
        params: Params::default(),
        guardian: None,
        stake: None,
    };
    let line = governance.call(owner, governance::methods::create_line, &args).await?.value;

    let image = Artifact { kind: ArtifactKind::OciImage, digest: Hash32(sha256(b"image")), bytes: 5 };
    let content = ReleaseContent {
        semver: "1.0.0".to_owned(),
        artifacts: vec![image],
        source_commit: "0".repeat(40),
        permissions: Hash32(sha256(b"policies")),
        reversible: true,
    };
    let args = ProposeRelease { line, seq: 0, content };
    let proposal = governance.call(owner, governance::methods::propose_release, &args).await?.value;

    let reference = ProposalRef { proposal };
    let known = governance.view(rpc, governance::methods::proposal, &reference, At::Final).await?;
    let content_hash = known.context("the proposal is not there")?.content_hash;
    let args = Vote { proposal, content_hash, choice: Choice::Yes };
    governance.call(owner, governance::methods::vote, &args).await?;
    println!("proposal {proposal} of line {line} has a vote");
    Ok(proposal)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (contracts, owner) = start::from_command_line()?;
    propose(&contracts, &owner).await?;
    Ok(())
}
