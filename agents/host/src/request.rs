//! One request on an agent's behalf.

use std::time::Instant;

use charter_client::{Account, At, Contracts, PermissionView, Rpc, check_signable, sha256};
use charter_types::escrow::Voucher;
use charter_types::escrow::args::{Deliver, RequestRef};
use charter_types::keys::args::{ApprovalRef, SecretRef};
use charter_types::keys::{
    Action, Approval, ApprovalState, Asker, Decision, Envelope, GrantId, GrantRate, HostId, Method, Obligations,
    Policy, methods,
};
use charter_types::{Base64Bytes, Hash32};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bounded::at_most;
use crate::exchange::{Outgoing, Patience};
use crate::meter::{Rates, Use};
use crate::outgoing::LetOut;
use crate::receipt::receipt;
use crate::seal::{Place, SealContext, open};
use crate::{HostError, HostKeys, Upstreams, action, outgoing};

/// The longest headers as JSON: twice what may go out, and what is between them.
const HEADERS_BYTES_MAX: usize = 128 << 10;

/// What the agent asks for. It has no field for a credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    #[serde(default, deserialize_with = "at_most::<HEADERS_BYTES_MAX, _, _>")]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Base64Bytes,
}

/// What the agent gets: status, useful headers and the decoded body, with every spelling of the secret redacted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    pub body: Base64Bytes,
    /// Shows that there is this answer to a request of an edge: anybody passes it to the escrow's `deliver` as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Deliver>,
}

/// A host at work.
pub struct Host {
    pub id: HostId,
    /// Signs for the host on chain: leases, settlements.
    operator: Account,
    rates: Rates,
    keys: HostKeys,
    rpc: Rpc,
    contracts: Contracts,
    chain_id: String,
    upstreams: Upstreams,
    let_out: LetOut,
    patience: Patience,
}

impl Host {
    pub fn new(
        id: HostId,
        operator: Account,
        keys: HostKeys,
        contracts: Contracts,
        chain_id: String,
        upstreams: Upstreams,
    ) -> Self {
        let (rpc, rates) = (operator.rpc().clone(), Rates::default());
        let (let_out, patience) = (LetOut::default(), Patience::default());
        Self { id, operator, rates, keys, rpc, contracts, chain_id, upstreams, let_out, patience }
    }

    /// Lets out other names than those of the default lists, too.
    pub fn letting_out(self, let_out: LetOut) -> Self {
        Self { let_out, ..self }
    }

    /// Waits for others as long as this.
    pub fn waiting(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Makes `request` with the secret of `grant`, if the chain allows it at its last final block.
    pub async fn call(
        &self,
        grant: GrantId,
        policy: &Policy,
        asker: &Asker,
        request: &HttpRequest,
    ) -> Result<HttpResponse, HostError> {
        check_signable(policy).map_err(HostError::Policy)?;
        let (http, url) = action::read(request)?;
        outgoing::check(request, url.query().unwrap_or_default(), &policy.inject, &self.let_out)?;
        let action = Action::Http(http.clone());
        let mut decided = Instant::now();
        let (mut view, mut obligations, mut digest) = self.decide(grant, policy, asker, &action).await?;
        // Before the secret is opened, so that it is never opened for a private address.
        let connect = self.patience.connect;
        let addresses = self.upstreams.resolve(http.scheme, &http.host, http.port, connect).await?;
        let mut secret = self.open_secret(&view, &obligations).await?;
        if decided.elapsed() >= self.patience.decision {
            // What the chain says now is what counts: another budget, an approval to be used up, a rotated secret.
            decided = Instant::now();
            (view, obligations, digest) = self.decide(grant, policy, asker, &action).await?;
            secret = self.open_secret(&view, &obligations).await?;
        }
        let own = obligations.rate.map(|rate| GrantRate { grant, rate });
        let rates: Vec<GrantRate> = own.into_iter().chain(obligations.rates_above.iter().copied()).collect();
        self.rates.count(&rates, view.timestamp_ms)?;
        let outgoing = Outgoing {
            request,
            url,
            addresses: &addresses,
            inject: &obligations.inject,
            response_bytes_max: obligations.response_bytes_max,
            patience: self.patience,
        };
        if !obligations.reserve && digest.is_none() {
            return outgoing.exchange(&secret).await;
        }
        // The contract decides once more, on the newest block there is.
        let used = Use::reserve(&self.operator, &self.contracts, &view, digest).await?;
        // A node whose answers get lost takes minutes, in which the grant may have been revoked.
        if decided.elapsed() >= self.patience.decision
            && let Err(error) = self.judge(grant, policy, asker, &action).await
        {
            used.settle(false, self.patience.settle).await;
            return Err(error);
        }
        let sent = outgoing.exchange(&secret).await;
        // A request counts as used unless it certainly failed before the service saw it.
        let was_used = !matches!(sent, Err(HostError::Unmet(_) | HostError::Sealed | HostError::SecretShort));
        // What the service answered is the agent's even if that fails: without it, it would ask for the same thing again.
        used.settle(was_used, self.patience.settle).await;
        sent
    }

    /// The same for a request of an edge, with a receipt if the service answered.
    pub async fn answer(
        &self,
        grant: GrantId,
        policy: &Policy,
        asker: &Asker,
        request: &HttpRequest,
        answers: RequestRef,
    ) -> Result<HttpResponse, HostError> {
        let response = self.call(grant, policy, asker, request).await?;
        let domain = Voucher::domain(&self.chain_id, &self.contracts.escrow, sha256);
        let receipt = receipt(&self.keys, domain, answers, request, &response);
        Ok(HttpResponse { receipt, ..response })
    }

    /// What the chain says at its last final block. With the digest to be consumed, if somebody had to approve the action.
    async fn decide(
        &self,
        grant: GrantId,
        policy: &Policy,
        asker: &Asker,
        action: &Action,
    ) -> Result<(PermissionView, Obligations, Option<Hash32>), HostError> {
        let (view, obligations, digest) = self.judge(grant, policy, asker, action).await?;
        if let Some(digest) = digest {
            self.check_approved(&view, grant, digest).await?;
        }
        Ok((view, obligations, digest))
    }

    /// The same, whether or not somebody approved the action: once an approval is consumed, there is none.
    async fn judge(
        &self,
        grant: GrantId,
        policy: &Policy,
        asker: &Asker,
        action: &Action,
    ) -> Result<(PermissionView, Obligations, Option<Hash32>), HostError> {
        let view = PermissionView::read(&self.rpc, &self.contracts, grant, self.id).await?;
        self.check_fresh(&view).await?;
        match view.decide(policy, asker, action) {
            Decision::Allow(obligations) => Ok((view, obligations, None)),
            Decision::Deny(denial) => Err(HostError::Denied(denial)),
            Decision::NeedsApproval { digest, obligations } => Ok((view, obligations, Some(digest))),
        }
    }

    /// Whether exactly this action is approved for this host. `reserve` consumes the approval; checking first saves the
    /// operator a transaction that would fail.
    async fn check_approved(&self, view: &PermissionView, grant: GrantId, digest: Hash32) -> Result<(), HostError> {
        let question = ApprovalRef { grant, host: Some(self.id), digest };
        let at = At::Hash(view.block);
        let found: Option<Approval> = self.rpc.view(&self.contracts.keys, methods::approval, &question, at).await?;
        let good = |approval: &Approval| approval.state == ApprovalState::Approved && approval.host == self.id;
        if found.as_ref().is_some_and(good) { Ok(()) } else { Err(HostError::NeedsApproval { digest }) }
    }

    /// Refuses a node that lags: on its view a revoked grant would still be good.
    async fn check_fresh(&self, view: &PermissionView) -> Result<(), HostError> {
        let head = self.rpc.block(At::Head).await?.header.timestamp_nanosec / 1_000_000;
        let age_ms = head.saturating_sub(view.timestamp_ms);
        if age_ms > view.host.max_staleness_ms { Err(HostError::Stale) } else { Ok(()) }
    }

    async fn open_secret(
        &self,
        view: &PermissionView,
        obligations: &Obligations,
    ) -> Result<Zeroizing<Vec<u8>>, HostError> {
        let at = At::Hash(view.block);
        let secret = view.secret.id;
        let keys = &self.contracts.keys;
        let envelope: Option<Envelope> = self.rpc.view(keys, methods::envelope, &SecretRef { secret }, at).await?;
        let (Some(Envelope::Inline(envelope)), Some(wrap)) = (envelope, &view.sealed) else {
            return Err(HostError::NoWrap);
        };
        let place = Place::of(&view.secret, obligations.secret_version);
        let context = SealContext::new(&self.chain_id, keys, place);
        open(&envelope, &wrap.sealed, self.keys.encrypt_private(), self.id, &context)
    }
}
