use super::{
    ARTIFACTS_MAX, AUDITORS_MAX, BOND_MAX, BOND_MIN, FORGOTTEN_MAX, LineId, MEMBERS_MAX, NAME_BYTES_MAX, PARTS_MAX,
    PAUSE_MS_MAX, PERIOD_MS_MAX, PERIOD_MS_MIN, ProposalId, ReleaseId, STAKE_MAX, UNLOCK_MS_MAX, URI_BYTES_MAX,
};
use crate::error::failures;
use crate::registry::AgentId;
use crate::{AccountId, Hash32};

failures! {
    /// What governance refuses.
    GovernanceError {
        UnknownLine { id: LineId } = "GOVERNANCE_UNKNOWN_LINE", "there is no line {id}";
        UnknownProposal { id: ProposalId } = "GOVERNANCE_UNKNOWN_PROPOSAL", "there is no proposal {id}";
        NotMember { caller: AccountId } = "GOVERNANCE_NOT_MEMBER", "caller {caller} is not on the council";
        NotProposer { caller: AccountId } = "GOVERNANCE_NOT_PROPOSER", "caller {caller} neither made the proposal nor is the line's guardian";
        NotOwner { caller: AccountId } = "GOVERNANCE_NOT_OWNER", "caller {caller} does not own the agent";
        NotOwnLine {} = "GOVERNANCE_NOT_OWN_LINE", "contracts are upgraded by the line that governance was set up with";
        NoAuthority { agent: AgentId } = "GOVERNANCE_NO_AUTHORITY", "the registry knows no agent {agent} or did not answer";
        NotEnrolled { agent: AgentId } = "GOVERNANCE_NOT_ENROLLED", "agent {agent} is on no line";
        Name {} = "GOVERNANCE_BAD_NAME", "a name has 1 to {NAME_BYTES_MAX} printable ASCII characters";
        Council {} = "GOVERNANCE_BAD_COUNCIL", "a council has 1 to {MEMBERS_MAX} members, each once, each with weight, the sum below 2^63";
        Params {} = "GOVERNANCE_BAD_PARAMS", "periods are {PERIOD_MS_MIN} to {PERIOD_MS_MAX} ms, an extension is no longer than the vote, quorum 1 to 10000, threshold 5001 to 10000";
        Content {} = "GOVERNANCE_BAD_CONTENT", "a release has a semantic version, 1 to {ARTIFACTS_MAX} artifacts and a commit of 40 hex digits";
        ContentHash { expected: Hash32 } = "GOVERNANCE_WRONG_CONTENT_HASH", "the vote names another content; this proposal's is {expected}";
        VoteEnded { end_ms: u64 } = "GOVERNANCE_VOTE_ENDED", "voting ended at {end_ms} ms";
        VoteRunning { end_ms: u64 } = "GOVERNANCE_VOTE_RUNNING", "voting runs until {end_ms} ms";
        NotApproved {} = "GOVERNANCE_NOT_APPROVED", "the proposal is not approved and queued";
        TooEarly { eta_ms: u64 } = "GOVERNANCE_TOO_EARLY", "the timelock ends at {eta_ms} ms";
        TooLate { until_ms: u64 } = "GOVERNANCE_TOO_LATE", "the proposal could be carried out until {until_ms} ms";
        Open { until_ms: u64 } = "GOVERNANCE_OPEN", "a proposal is kept until {until_ms} ms";
        WrongKind {} = "GOVERNANCE_WRONG_KIND", "the proposal is of another kind";
        WrongCode { expected: Hash32, found: Hash32 } = "GOVERNANCE_WRONG_CODE", "the code hashes to {found}; approved is {expected}";
        NoDeployment {} = "GOVERNANCE_NO_DEPLOYMENT", "the proposal does not say which deployment it replaces: propose it again";
        NotCancellable {} = "GOVERNANCE_NOT_CANCELLABLE", "a proposal can be cancelled by who made it until its first vote ends, by the line's guardian until it is carried out";
        NotAgent { caller: AccountId } = "GOVERNANCE_NOT_AGENT", "caller {caller} is not the agent's account";
        StaleEnrolment { agent: AgentId } = "GOVERNANCE_STALE_ENROLMENT", "agent {agent} has changed hands, or was enrolled before owners were counted: its owner has to enroll it again";
        UnknownRelease { id: ReleaseId } = "GOVERNANCE_UNKNOWN_RELEASE", "the agent's line has published no release {id}";
        OtherPermissions { expected: Hash32 } = "GOVERNANCE_OTHER_PERMISSIONS", "the release asks for the permissions {expected}";
        NotTold { release: ReleaseId } = "GOVERNANCE_NOT_TOLD", "the agent is told to run release {release} (0: none), so it can report on no other";
        WrongDigest {} = "GOVERNANCE_WRONG_DIGEST", "the digest is none of the release's artifacts";
        NoRollout {} = "GOVERNANCE_NO_ROLLOUT", "nothing is being rolled out on the line, or it is held until another release is published";
        StageRunning { until_ms: u64 } = "GOVERNANCE_STAGE_RUNNING", "the stage runs until {until_ms} ms";
        TooFewReports { needed: u64 } = "GOVERNANCE_TOO_FEW_REPORTS", "{needed} more owners have to report in this stage";
        RolloutOpen { release: ReleaseId } = "GOVERNANCE_ROLLOUT_OPEN", "release {release} is still being rolled out";
        TooMany {} = "GOVERNANCE_TOO_MANY", "name 1 to {FORGOTTEN_MAX} owners";
        Bonds {} = "GOVERNANCE_BAD_BONDS", "a bond is 0, or {BOND_MIN} to {BOND_MAX} yoctoNEAR";
        NoRelease { id: ReleaseId } = "GOVERNANCE_NO_RELEASE", "there is no release {id}";
        BadUri {} = "GOVERNANCE_BAD_URI", "the evidence's place is a URI (https, ipfs, ar, ni, near or data) of up to {URI_BYTES_MAX} bytes";
        NoStatement { release: ReleaseId } = "GOVERNANCE_NO_STATEMENT", "the caller has stated nothing of release {release}";
        Auditors {} = "GOVERNANCE_BAD_AUDITORS", "an agent has up to {AUDITORS_MAX} auditors, each once";
        NotObjectable {} = "GOVERNANCE_NOT_OBJECTABLE", "owners object until a proposal's timelock ends, and not to what is voted on again";
        NotCounted { agent: AgentId } = "GOVERNANCE_NOT_COUNTED", "agent {agent} was not on the proposal's line before it was proposed";
        Objected {} = "GOVERNANCE_OBJECTED", "the owner objects already";
        Objectable {} = "GOVERNANCE_OBJECTABLE", "objections to the proposal still count";
        NotGuardian { caller: AccountId } = "GOVERNANCE_NOT_GUARDIAN", "caller {caller} is not the line's guardian, or was once";
        BadPause {} = "GOVERNANCE_BAD_PAUSE", "a pause takes 1 to {PAUSE_MS_MAX} ms";
        Paused { until_ms: u64 } = "GOVERNANCE_PAUSED", "the line is paused until {until_ms} ms";
        Stake {} = "GOVERNANCE_BAD_STAKE", "unlocking takes as long as vote, extension and twice the timelock, and {UNLOCK_MS_MAX} ms at most; a floor is 1 at least, and the quorum of {STAKE_MAX} at most";
        StakeFixed {} = "GOVERNANCE_STAKE_FIXED", "asset and unlock_ms of a line's stake are fixed by the first constitution that has them";
        NoPool { line: LineId } = "GOVERNANCE_NO_POOL", "line {line} was never decided by stake";
        WrongAsset {} = "GOVERNANCE_WRONG_ASSET", "NEAR is attached to `lock`; tokens come by their contract's ft_transfer_call, into a row that `lock` with the amount 0 has made";
        NotAttached { needed: u128 } = "GOVERNANCE_NOT_ATTACHED", "attach {needed} yoctoNEAR, and what the row costs";
        TooMuchStake {} = "GOVERNANCE_TOO_MUCH_STAKE", "a line's stake is {STAKE_MAX} in all at most";
        Amount {} = "GOVERNANCE_BAD_AMOUNT", "the amount is 1 at least";
        BadMessage {} = "GOVERNANCE_BAD_MESSAGE", "the message of a transfer to lock is {{\"line\":1}}";
        NotHolder { caller: AccountId } = "GOVERNANCE_NOT_HOLDER", "{caller} has locked nothing on the line";
        StakeShort { available: u128 } = "GOVERNANCE_STAKE_SHORT", "{available} are locked and not delegated";
        NothingReady { ready_ms: u64 } = "GOVERNANCE_NOTHING_READY", "nothing is ready to be withdrawn; what is being unlocked is at {ready_ms} ms";
        NotDelegate { account: AccountId } = "GOVERNANCE_NOT_DELEGATE", "{account} is no delegate of the line";
        IsDelegate {} = "GOVERNANCE_IS_DELEGATE", "the caller is a delegate of the line already";
        Oneself {} = "GOVERNANCE_ONESELF", "nobody delegates to oneself";
        TooManyDelegates {} = "GOVERNANCE_TOO_MANY_DELEGATES", "a holder has up to {PARTS_MAX} delegates on a line";
        OthersAgent {} = "GOVERNANCE_OTHERS_AGENT", "an agent is its owner's delegate alone";
        AgentVotes {} = "GOVERNANCE_AGENT_VOTES", "the caller is an agent's account: it votes by vote_as_agent";
        AgentsLine { agent: AgentId } = "GOVERNANCE_AGENTS_LINE", "agent {agent} is on the line itself";
        StaleDelegate { agent: AgentId } = "GOVERNANCE_STALE_DELEGATE", "agent {agent} has changed hands, and has to stand down and become its new owner's delegate, or its owner has panicked";
        NoVotes { caller: AccountId } = "GOVERNANCE_NO_VOTES", "nothing that {caller} has locked or was delegated counts in this vote";
        WithdrawalFailed {} = "GOVERNANCE_WITHDRAWAL_FAILED", "the transfer failed; what was sent can be withdrawn again";
        NotByStake {} = "GOVERNANCE_NOT_BY_STAKE", "the council decides about this proposal";
        Superseded {} = "GOVERNANCE_SUPERSEDED", "the line is no longer what the proposal was voted on for: propose it again";
    }
}
