//! The registry's methods.

use super::args::{
    AcceptPayout, AcceptTransfer, AddKey, AgentAccount, AgentRef, ApproveRecovery, Handle, Pause, Rearm, RegisterAgent,
    RegisterAgents, RemoveKey, ReportReputation, ReputationRef, RevokeMeasurement, RotateKey, SetAgentAccount,
    SetAttestationPolicy, SetCard, SetHandle, SetOperator, SetRecoverers, SetReporters, SetTransferable, Setup,
    SubmitAttestation, VerifyProof,
};
use super::nft::{NFTContractMetadata, NftToken, NftTokens, NftTokensOf, NftTransfer, Token};
use super::{
    Agent, AgentId, AgentKey, AttestationAnswer, AttestationRecord, Authority, Epochs, Heartbeat, Owner, Proof,
    Recovery, RecoveryProposal, Reputation, Standing, Status,
};
use crate::{AccountId, Hash32, Named, Nothing, Page, PageOf, U128};

crate::method::methods! { of Registry;
    /// Sets the contract up.
    init new(Setup);

    /// Registers an agent for the caller, with its roles and keys, and returns its id. Storage costs about 0.005 NEAR.
    call register_agent(RegisterAgent) -> AgentId [Storage, Anyone, Flat];
    /// Registers up to 20 agents for the caller and returns their ids: all of them or none.
    call register_agents(RegisterAgents) -> Vec<AgentId> [Storage, Anyone, Batch];
    /// Gives an agent a short name, unique here, or gives its name back. A name that was given back is nobody else's for 30
    /// days.
    call set_handle(SetHandle) [Storage, Owner, Flat];
    /// Frees the storage of a handle that was given back, once its 30 days are over.
    call release_handle(Handle) [Nothing, Anyone, Flat];
    /// Replaces the card; `expected_revision` is the one being replaced. Operators need `card`.
    call set_card(SetCard) [StorageByOwner, OwnerOrOperator, Flat];
    /// Names the agent's own account, or none. Operators need `agent_account`.
    call set_agent_account(SetAgentAccount) [StorageByOwner, OwnerOrOperator, Flat];
    /// Ends an agent for good and gives its storage back to who paid; not while it has recoverers.
    call retire(AgentRef) [OneYocto, Owner, Flat];
    /// Registers a key that proved it wants to be: `proof` is its signature over `KeyProof` under the domain of this
    /// contract. A key to encrypt to can't sign; one of the agent's signing keys vouches for it. Operators need `keys`.
    call add_key(AddKey) [StorageByOwner, OwnerOrOperator, Flat];
    /// Puts a key in another's place, for the same purpose. Operators need `keys`.
    call rotate_key(RotateKey) [StorageByOwner, OwnerOrOperator, Flat];
    /// Removes a key. Operators need `keys`.
    call remove_key(RemoveKey) [StorageByOwner, OwnerOrOperator, Flat];
    /// The agent says that it is alive. One small row, whose 77 bytes the agent's owner pays the first time.
    call heartbeat(AgentRef) [Nothing, Agent, Flat];
    /// Asks an account to be paid for the agent; the owner itself needs no asking.
    call set_payout(AgentAccount) [Storage, Owner, Flat];
    /// Accepts to be paid for the agent, which still is the named owner's.
    call accept_payout(AcceptPayout) [OneYocto, Offered, Flat];
    /// Reports what an agent's payout account was ever paid for it in an asset; the epoch's first report is what its
    /// earnings are counted from, and so is the first one of another account. The deposit pays for the row, and nothing
    /// else does.
    call report_reputation(ReportReputation) [Storage, Reporter, Flat];
    /// Takes a report back, by who made it; its storage is free again.
    call remove_reputation(ReputationRef) [Nothing, Reporter, Flat];
    /// Lists whose reports count.
    call set_reporters(SetReporters) [Nothing, Admin, Flat];

    /// Names the contract that is asked about quotes.
    call set_verifier(Named) [Nothing, Admin, Flat];
    /// Says which measurements and platforms are accepted, or takes that away. Revoked measurements have to stay listed, and
    /// stay if the policy goes.
    call set_attestation_policy(SetAttestationPolicy) [Storage, Owner, Flat];
    /// Revokes a measurement for good: it counts for no agent attested with it, now or later.
    call revoke_measurement(RevokeMeasurement) [OneYoctoByOwner, OwnerOrGuardian, Flat];
    /// Ends the agent's attestation.
    call revoke_attestation(AgentRef) [OneYoctoByOwner, OwnerOrGuardian, Flat];
    /// Returns a nonce, good for ten minutes and one submission; the same one until it is used. The agent's own account may, too; operators need `attest`.
    call begin_attestation(AgentRef) -> Hash32 [OneYoctoByOwner, OwnerOrOperator, Flat];
    /// Has a quote verified that is bound to the nonce and to two keys, and records them if policy and verifier accept it.
    /// The nonce is consumed whatever comes of it. Callers as of `begin_attestation`.
    call submit_attestation(SubmitAttestation) [OneYoctoByOwner, OwnerOrOperator, Batch];

    /// Adds an operator or replaces what one may do.
    call set_operator(SetOperator) [Storage, Owner, Flat];
    /// Removes an operator.
    call remove_operator(AgentAccount) [Storage, Owner, Flat];
    /// Adds a guardian, who can pause and revoke, never more.
    call set_guardian(AgentAccount) [Storage, Owner, Flat];
    /// Removes a guardian.
    call remove_guardian(AgentAccount) [Storage, Owner, Flat];
    /// Shows that the caller knows of the role the owner gave it: operator, guardian, the agent's account. Using a role does
    /// as much.
    call accept_role(AgentRef) [Nothing, RoleHolder, Flat];
    /// Gives back every role the caller has: operator, guardian, the agent's account.
    call renounce(AgentRef) [Nothing, RoleHolder, Flat];
    /// Pauses an agent: a guardian for a while, the owner as long as it likes.
    call pause(Pause) [OneYoctoByOwner, OwnerOrGuardian, Flat];
    /// Ends a pause.
    call unpause(AgentRef) [Storage, Owner, Flat];
    /// Moves the agent's epoch: every grant, key and role made before is dead, wherever it is stored. O(1).
    call revoke_all(AgentRef) [OneYoctoByOwner, OwnerOrGuardian, Flat];
    /// Moves the caller's epoch: every agent of this owner loses every right it was given, in one call, O(1).
    call panic_all(Nothing) [OneYocto, Owner, Flat];
    /// Gives agents new epochs under the owner's new one; nothing granted before ever lives again.
    call rearm(Rearm) [OneYocto, Owner, Flat];
    /// Offers an agent to an account, for 30 days. While the agent has recoverers, the offer is good only after they could
    /// have recovered it; setting recoverers ends it.
    call offer_transfer(AgentAccount) [Storage, Owner, Flat];
    /// Takes an offer back.
    call cancel_transfer(AgentRef) [OneYocto, Owner, Flat];
    /// Takes an offered agent over, with the card and handle that it was seen with: its epoch moves and every role, key and
    /// right of before is gone.
    call accept_transfer(AcceptTransfer) [Storage, Offered, Flat];
    /// Names who can recover the agent. Replacing them takes longer than they need.
    call set_recoverers(SetRecoverers) [Storage, Owner, Flat];
    /// Proposes a new owner; the recoverer's earlier proposal is replaced.
    call propose_recovery(AgentAccount) [Storage, Recoverer, Flat];
    /// Agrees with another recoverer's proposal, as it was read.
    call approve_recovery(ApproveRecovery) [OneYocto, Recoverer, Flat];
    /// Takes the caller's own proposal back, whatever became of the agent; its storage is free again.
    call withdraw_proposal(AgentRef) [Nothing, Proposer, Flat];
    /// Makes every proposal to recover the agent void.
    call veto_recovery(AgentRef) [OneYocto, Owner, Flat];
    /// Hands the agent to the proposed owner once threshold and delay are met and nobody vetoed; `account` is the proposer.
    /// The new owner must have a storage account. What the old owner paid for the agent's rows comes along; the caller pays
    /// what is short, if the new owner's name is longer.
    call execute_recovery(AgentAccount) [Storage, Anyone, Flat];

    /// Lets `nft_transfer` move the agent, or no more.
    call set_transferable(SetTransferable) [Storage, Owner, Flat];
    /// NEP-171. A hand-over like `accept_transfer`, to an account with a storage account here; only for agents whose owner
    /// opted in and that have no recoverers. What the sender paid for the agent's rows comes along, and what is short out of
    /// its prepaid storage: the receiver pays nothing. The agent stays open to `nft_transfer`.
    call nft_transfer(NftTransfer) [OneYocto, Owner, Flat];
    /// NEP-171. The same, and tells the receiver; what it does not keep comes back, by a second hand-over. For
    /// the way back the sender has up to 0.00148 NEAR prepaid: an owner's row, and a name longer than the receiver's.
    call nft_transfer_call(NftTransfer) -> bool [OneYocto, Owner, Asks];
    /// NEP-171. An agent as a token.
    view nft_token(NftToken) -> Option<Token>;
    /// NEP-177.
    view nft_metadata(Nothing) -> NFTContractMetadata;
    /// NEP-181. How many agents there are.
    view nft_total_supply(Nothing) -> U128;
    /// NEP-181. Agents by id; `from_index` counts those that exist.
    view nft_tokens(NftTokens) -> Vec<Token>;
    /// NEP-181. How many agents an account owns.
    view nft_supply_for_owner(NftTokensOf) -> U128;
    /// NEP-181. An account's agents.
    view nft_tokens_for_owner(NftTokensOf) -> Vec<Token>;

    /// What has become of an agent: active, paused or retired; nothing for an id that was never given.
    view status(AgentRef) -> Option<Status>;
    /// An agent.
    view agent(AgentRef) -> Option<Agent>;
    /// Agents by id, from `from` on; at most 100 ids are looked at, retired ones are missing.
    view agents(Page) -> Vec<Agent>;
    /// Agents of an owner, by position; the order changes when one leaves.
    view agents_of(PageOf) -> Vec<Agent>;
    /// Highest id ever given, and how many agents exist.
    view agent_count(Nothing) -> (u64, u64);
    /// The agent with a handle.
    view by_handle(Handle) -> Option<Agent>;
    /// An owner's epoch and how many agents it has.
    view owner(Named) -> Option<Owner>;
    /// What an account is to an agent, now. Other contracts act on this answer.
    view authority(AgentAccount) -> Option<Authority>;
    /// What a decision about an agent's credentials needs to know of it. Other contracts act on this answer.
    view standing(AgentRef) -> Option<Standing>;
    /// The keys that speak for an agent, expired ones too; none for an id that nothing has.
    view keys(AgentRef) -> Vec<AgentKey>;
    /// An agent's epoch and its owner's.
    view epochs(AgentRef) -> Option<Epochs>;
    /// When agents were heard of last, by agent.
    view heartbeats(Page) -> Vec<Heartbeat>;
    /// Recoverers, by agent.
    view recoveries(Page) -> Vec<Recovery>;
    /// Proposals to recover an agent, those that are void too.
    view recovery_proposals(AgentRef) -> Vec<RecoveryProposal>;
    /// An agent's attestation and whether it is good now. Other contracts act on this answer.
    view attestation(AgentRef) -> AttestationAnswer;
    /// Policies, nonces and attestations, by agent.
    view attestations(Page) -> Vec<AttestationRecord>;
    /// What a reporter reported of an agent.
    view reputation(ReputationRef) -> Option<Reputation>;
    /// Did the agent say this? NEP-413 proofs refuse function-call keys; an agent signs with a key registered here.
    view verify_proof(VerifyProof) -> Proof;
    /// Whose reports of reputation count.
    view reporters(Nothing) -> Vec<AccountId>;
    /// The contract that is asked about quotes.
    view verifier(Nothing) -> AccountId;

    /// The verifier's verdict. A quote that is not good enough leaves an event, and a receipt that fails with the code.
    callback on_verdict;
    /// NEP-171. What the receiver does not keep, or does not answer about, is handed back.
    callback nft_resolve_transfer -> bool;
}
