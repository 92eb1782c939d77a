//! Approving one request, which is shown first: on chain is its digest only.

use std::path::Path;

use anyhow::{Context, ensure};
use charter_client::sha256;
use charter_host::{HttpRequest, action_of};
use charter_types::Hash32;
use charter_types::keys;
use charter_types::keys::args::{AnswerApproval, ApprovalRef};
use charter_types::keys::{Action, Approval, GrantId, HostId};
use serde_json::json;

use super::input::Consent;
use super::{read, words};
use crate::files::hosts::KnownHosts;
use crate::files::read_json;
use crate::session::Session;
use crate::units::time;

/// As much of a body as is shown, characters.
const SHOWN_MAX: usize = 2_000;

/// The request with this digest. Whoever hands over another one is found out.
fn read_request(session: &Session, digest: Hash32, file: Option<&Path>) -> anyhow::Result<HttpRequest> {
    let kept = session.folder.request(digest);
    let path = file.unwrap_or(&kept);
    let request: Option<HttpRequest> = read_json(path)?;
    let request = request.with_context(|| {
        format!("what {digest} asks for is not known here: name a copy of the request with --request, {} where it was asked", kept.display())
    })?;
    let found = Action::Http(action_of(&request)?).digest(sha256);
    ensure!(found == digest, "{} is another request: its digest is {found}", path.display());
    Ok(request)
}

/// A request in lines. What could steer a terminal is shown as an escape.
fn lines(request: &HttpRequest) -> Vec<(&'static str, String)> {
    let method = serde_json::to_value(request.method).unwrap_or_default();
    let method = method.as_str().unwrap_or_default();
    let mut lines = vec![("request", format!("{method} {}", request.url.escape_debug()))];
    let header =
        |(name, value): &(String, String)| ("header", format!("{}: {}", name.escape_debug(), value.escape_debug()));
    lines.extend(request.headers.iter().map(header));
    let body = &request.body.0;
    if body.is_empty() {
        return lines;
    }
    let text = String::from_utf8_lossy(body);
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    let more = if text.chars().count() > SHOWN_MAX { " … and more, see the file" } else { "" };
    lines.push(("body", format!("{} bytes: {}{more}", body.len(), shown.escape_debug())));
    lines
}

pub async fn approve(
    session: &Session,
    grant: GrantId,
    digest: Hash32,
    host: HostId,
    file: Option<&Path>,
    consent: &Consent,
) -> anyhow::Result<()> {
    let question = ApprovalRef { grant, host: Some(host), digest };
    let what = format!("request {digest} of grant {grant} on host {host}");
    let contract = &session.contracts.keys;
    let asked: Approval = session.find(contract, keys::methods::approval, &question, &what).await?;
    let request = read_request(session, digest, file)?;
    let row = read::hosts(session, &[host]).await?.swap_remove(0);
    let mut sheet = vec![("this", "lets one request be made, once".to_owned())];
    sheet.extend(lines(&request));
    sheet.push(("grant", grant.to_string()));
    sheet.push(("asked by", format!("{}, until {}", asked.requested_by, time(asked.expires_ms))));
    sheet.push(("on", words::trust(&row)));
    sheet.push(("host key", KnownHosts::open(session)?.recognise(&row)?));
    consent.ask(&words::sheet(&sheet))?;
    let args = AnswerApproval { grant, host, digest, expires_ms: asked.expires_ms };
    session.contracts.keys().call(&session.me, keys::methods::approve, &args).await?;
    session.tell(&json!({ "grant": grant, "digest": digest, "approved": true }), "approved for one use")
}

#[cfg(test)]
mod tests {
    use charter_host::HttpRequest;
    use charter_types::Base64Bytes;
    use charter_types::keys::Method;

    use super::lines;

    #[test]
    fn a_request_is_shown_whole_and_steers_no_terminal() {
        let request = HttpRequest {
            method: Method::Post,
            url: "https://a.com/v1?x=\u{1b}[2J".to_owned(),
            headers: vec![("accept".to_owned(), "a\rb".to_owned())],
            body: Base64Bytes(b"pay\x1b[1A 5\n\xff".to_vec()),
        };
        let text = super::words::sheet(&lines(&request));
        for shown in ["POST https://a.com/v1?x=\\u{1b}[2J", "accept: a\\rb", "11 bytes: pay\\u{1b}[1A 5\\n"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
