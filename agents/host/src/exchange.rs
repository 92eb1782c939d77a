//! One request with a credential in it, and its answer without.

use std::net::SocketAddr;
use std::time::Duration;

use charter_types::Base64Bytes;
use charter_types::keys::{Inject, Method};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};
use tokio::sync::Semaphore;

use crate::inject::Injected;
use crate::redact::{Redact, Redactor};
use crate::{HostError, HttpRequest, HttpResponse, incoming};

/// How long a service may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To resolve its name, and to be connected to, each.
    pub connect: Duration,
    /// For the whole answer. Shorter than a lease lasts, see `meter.rs`.
    pub answer: Duration,
    /// How long what the chain said is acted on without asking again.
    pub decision: Duration,
    /// How long an agent waits for an answer that is there because its lease is being settled.
    pub settle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (connect, answer) = (Duration::from_secs(10), Duration::from_mins(5));
        Self { connect, answer, decision: Duration::from_secs(2), settle: Duration::from_secs(10) }
    }
}

/// A request that was let out, and where it goes.
pub struct Outgoing<'a> {
    pub request: &'a HttpRequest,
    pub url: Url,
    pub addresses: &'a [SocketAddr],
    pub inject: &'a Inject,
    pub response_bytes_max: u32,
    pub patience: Patience,
}

pub fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Headers of the agent's, which were let out, and the host's own, of which there is one each.
fn headers(request: &HttpRequest, injected: &Injected) -> Result<HeaderMap, HostError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let wrong = || HostError::Header(format!("the header {name:?} can't be sent"));
        let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some((name, value)) = &injected.header {
        headers.insert(name.clone(), value.clone());
    }
    Ok(headers)
}

// reqwest's errors may name the URL, and with `Inject::Query` the URL holds the secret.
fn failed(error: &reqwest::Error) -> HostError {
    if error.is_timeout() { HostError::Timeout } else { HostError::Upstream }
}

async fn body(response: &mut Response, limit: u32) -> Result<Vec<u8>, HostError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        body.extend_from_slice(&chunk);
        if u32::try_from(body.len()).unwrap_or(u32::MAX) > limit {
            return Err(HostError::ResponseTooLarge(limit));
        }
    }
    Ok(body)
}

/// How many answers are searched at a time. It takes memory several times an answer's length.
static SEARCHES: Semaphore = Semaphore::const_new(2);

/// What is left of an answer when the secret is taken out.
fn redacted(status: u16, headers: &HeaderMap, body: &[u8], redactor: &impl Redact) -> HttpResponse {
    let clean = |value: &[u8]| String::from_utf8(redactor.redact(value)).ok();
    // Names of rates end as the service likes.
    let kept = incoming::headers(headers).filter(|(name, _)| clean(name.as_ref()).as_deref() == Some(name.as_str()));
    let headers = kept.filter_map(|(name, value)| Some((name.as_str().to_owned(), clean(value)?)));
    HttpResponse { status, headers: headers.collect(), body: Base64Bytes(redactor.redact(body)), receipt: None }
}

/// The same, decoded before, unless it is a file with the secret in it.
fn cleaned(
    status: u16,
    headers: &HeaderMap,
    body: Vec<u8>,
    limit: u32,
    redactor: &impl Redact,
) -> Result<HttpResponse, HostError> {
    let body = incoming::decode(headers, body, limit)?;
    let insides = incoming::insides(&body, limit)?;
    if insides.into_iter().any(|inside| redactor.redact(&inside) != inside) {
        return Err(HostError::Encoding("is a compressed file with the key in it".to_owned()));
    }
    Ok(redacted(status, headers, &body, redactor))
}

impl Outgoing<'_> {
    /// Sends it with the secret, and takes the secret out of the answer.
    pub async fn exchange(self, secret: &[u8]) -> Result<HttpResponse, HostError> {
        self.exchange_and(secret, Redactor::of).await
    }

    /// The same with another way to redact, which tests have.
    async fn exchange_and<R: Redact + Send + 'static>(
        self,
        secret: &[u8],
        redactor: impl FnOnce(&[u8], &[zeroize::Zeroizing<Vec<u8>>]) -> R,
    ) -> Result<HttpResponse, HostError> {
        let Self { request, mut url, addresses, inject, response_bytes_max: limit, patience } = self;
        let injected = Injected::new(inject, secret, &mut url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(patience.connect)
            .timeout(patience.answer)
            // The addresses that were checked are the ones connected to.
            .resolve_to_addrs(&host, addresses)
            .build()
            .map_err(|_| HostError::Upstream)?;
        let outgoing = client.request(method_of(request.method), url).headers(headers(request, &injected)?);
        let sent = outgoing.body(request.body.0.clone()).send().await;
        let mut response = sent.map_err(|error| failed(&error))?;
        let body = body(&mut response, limit).await?;
        let redactor = redactor(secret, &injected.sent);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let turn = tokio::time::timeout(patience.answer, SEARCHES.acquire()).await;
        let turn = turn.map_err(|_| HostError::Timeout)?.map_err(|_| HostError::Upstream)?;
        let search = move || {
            let _turn = turn;
            cleaned(status, &headers, body, limit, &redactor)
        };
        tokio::task::spawn_blocking(search).await.map_err(|_| HostError::Upstream)?
    }
}

#[cfg(test)]
mod tests;
