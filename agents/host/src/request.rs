//! One request on an agent's behalf.

use charter_client::{Account, At, Contracts, PermissionView, Rpc, sha256};
use charter_types::keys::args::{ApprovalRef, SecretRef};
use charter_types::keys::{
    Action, Approval, ApprovalState, Asker, Decision, Envelope, GrantId, GrantRate, HostId, HttpAction, Inject, Method,
    Obligations, Policy, Scheme, methods,
};
use charter_types::{Base64Bytes, Hash32};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::meter::{Rates, Use};
use crate::redact::Redactor;
use crate::seal::{Place, SealContext, open};
use crate::{HostError, HostKeys, Upstreams};

/// What the agent asks for. It has no field for a credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Base64Bytes,
}

/// What the agent gets: status and body, with every spelling of the secret redacted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    pub body: Base64Bytes,
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
}

/// Headers that the host or the connection sets, or that carry credentials.
const OWN_HEADERS: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
];

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
        Self { id, operator, rates, keys, rpc, contracts, chain_id, upstreams }
    }

    /// Makes `request` with the secret of `grant`, if the chain allows it at its last final block.
    pub async fn call(
        &self,
        grant: GrantId,
        policy: &Policy,
        asker: &Asker,
        request: &HttpRequest,
    ) -> Result<HttpResponse, HostError> {
        let action = action_of(request)?;
        check_headers(request)?;
        let view = PermissionView::read(&self.rpc, &self.contracts, grant, self.id).await?;
        self.check_fresh(&view).await?;
        let (obligations, digest) = match view.decide(policy, asker, &Action::Http(action.clone())) {
            Decision::Allow(obligations) => (obligations, None),
            Decision::Deny(denial) => return Err(HostError::Denied(denial)),
            Decision::NeedsApproval { digest, obligations } => (obligations, Some(digest)),
        };
        if let Some(digest) = digest {
            self.check_approved(&view, grant, digest).await?;
        }
        // Before the secret is opened, so that it is never opened for a private address.
        let addresses = self.upstreams.resolve(&action.host, action.port).await?;
        let secret = self.open_secret(&view, &obligations).await?;
        let own = obligations.rate.map(|rate| GrantRate { grant, rate });
        let rates: Vec<GrantRate> = own.into_iter().chain(obligations.rates_above.iter().copied()).collect();
        self.rates.count(&rates, view.timestamp_ms)?;
        if !obligations.reserve && digest.is_none() {
            return send(request, &action, &addresses, &secret, &obligations).await;
        }
        let used = Use::reserve(&self.operator, &self.contracts, &view, digest).await?;
        let sent = send(request, &action, &addresses, &secret, &obligations).await;
        // A request counts as used unless it certainly failed before the service saw it.
        used.settle(!matches!(sent, Err(HostError::Unmet(_) | HostError::Sealed))).await?;
        sent
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

/// Parses the URL as the policy will read it, which knows no user-info, no fragment and no encoding.
pub fn action_of(request: &HttpRequest) -> Result<HttpAction, HostError> {
    let wrong = || HostError::Url(request.url.clone());
    let (scheme, rest) = request.url.split_once("://").ok_or_else(wrong)?;
    let (scheme, default_port) = match scheme {
        "https" => (Scheme::Https, 443),
        "http" => (Scheme::Http, 80),
        _ => return Err(wrong()),
    };
    let (authority, path) = rest.find('/').map(|at| rest.split_at(at)).ok_or_else(wrong)?;
    let (host, port) = match authority.split_once(':') {
        None => (authority, default_port),
        Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
    };
    // A query may follow the path. Policies are about paths only.
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if authority.contains('@') || request.url.contains('#') || host.is_empty() {
        return Err(wrong());
    }
    let body_bytes = u32::try_from(request.body.0.len()).unwrap_or(u32::MAX);
    Ok(HttpAction {
        scheme,
        host: host.to_owned(),
        port,
        path: path.to_owned(),
        method: request.method,
        body_bytes,
        content_sha256: content_hash(request),
        effects: Vec::new(),
    })
}

/// Binds an approval to more than the action's own fields: to the whole URL, the headers in order, and the body.
fn content_hash(request: &HttpRequest) -> Hash32 {
    Hash32::of(&(&request.url, &request.headers, &request.body), sha256)
}

fn check_headers(request: &HttpRequest) -> Result<(), HostError> {
    for (name, value) in &request.headers {
        let plain = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) || !plain {
            return Err(HostError::Header(name.clone()));
        }
    }
    Ok(())
}

fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

async fn send(
    request: &HttpRequest,
    action: &HttpAction,
    addresses: &[std::net::SocketAddr],
    secret: &[u8],
    obligations: &Obligations,
) -> Result<HttpResponse, HostError> {
    let redactor = Redactor::new(secret);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // The addresses that were checked are the ones connected to.
        .resolve_to_addrs(&action.host, addresses)
        .build()
        .map_err(|_| HostError::Upstream)?;
    let text = std::str::from_utf8(secret).map(|text| Zeroizing::new(text.to_owned()));
    let text = text.map_err(|_| HostError::Sealed)?;
    let mut outgoing = client.request(method_of(request.method), &request.url).body(request.body.0.clone());
    for (name, value) in &request.headers {
        outgoing = outgoing.header(name, value);
    }
    outgoing = match &obligations.inject {
        Inject::Header { name, prefix } => outgoing.header(name, format!("{prefix}{}", text.as_str())),
        Inject::Query { name } => outgoing.query(&[(name, text.as_str())]),
        Inject::Basic { user } => outgoing.basic_auth(user, Some(text.as_str())),
        Inject::JsonPointer { .. } | Inject::None => return Err(HostError::Unmet("inject")),
    };
    // reqwest's errors may name the URL, and with `Inject::Query` the URL holds the secret.
    let mut response = outgoing.send().await.map_err(|_| HostError::Upstream)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let limit = obligations.response_bytes_max;
    while let Some(chunk) = response.chunk().await.map_err(|_| HostError::Upstream)? {
        body.extend_from_slice(&chunk);
        if u32::try_from(body.len()).unwrap_or(u32::MAX) > limit {
            return Err(HostError::ResponseTooLarge(limit));
        }
    }
    Ok(HttpResponse { status, body: Base64Bytes(redactor.redact(&body)) })
}

#[cfg(test)]
mod tests {
    use charter_types::Base64Bytes;
    use charter_types::keys::Method;

    use super::{HttpRequest, action_of, check_headers};

    fn request(url: &str) -> HttpRequest {
        HttpRequest { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: Base64Bytes::default() }
    }

    #[test]
    fn urls_have_one_reading() {
        let action = action_of(&request("https://api.a.com/v1/x?q=1")).unwrap();
        assert_eq!((action.host.as_str(), action.port, action.path.as_str()), ("api.a.com", 443, "/v1/x"));
        for trick in [
            "https://api.a.com@evil.com/v1",
            "https://evil.com#@api.a.com/v1",
            "ftp://api.a.com/",
            "api.a.com/v1",
            "https://api.a.com:x/",
            "https://",
            "https://api.a.com",
            "https:///v1",
        ] {
            assert!(action_of(&request(trick)).is_err(), "{trick}");
        }
    }

    #[test]
    fn agents_bring_no_credentials_and_split_no_headers() {
        for (name, value) in [("Authorization", "x"), ("cookie", "a=b"), ("X-Api-Key", "k"), ("a", "b\r\nhost: evil")] {
            let mut request = request("https://a.com/");
            request.headers.push((name.to_owned(), value.to_owned()));
            assert!(check_headers(&request).is_err(), "{name}");
        }
    }
}
