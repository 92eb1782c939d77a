//! `charter host call`: one request with a key.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use charter_host::{Ask, AskError, Door, HostClient, HttpRequest, asked};
use charter_types::Base64Bytes;
use charter_types::escrow::args::{Deliver, RequestRef};
use charter_types::keys::Method;
use serde_json::json;

use crate::files::DataDir;
use crate::files::host::{door, own_token};
use crate::files::notes::Notes;
use crate::output::print;
use crate::rules;
use crate::session::Session;

#[derive(clap::Args)]
pub struct Call {
    /// A key's name or a grant's number.
    key: String,
    #[arg(value_parser = rules::method)]
    method: Method,
    /// A URL, or a path on the service that the grant is for.
    url: String,
    /// The body: text, @FILE, or @- for standard input.
    body: Option<String>,
    /// A header, as NAME:VALUE. Never a credential: the host refuses those.
    #[arg(long, value_parser = header)]
    header: Vec<(String, String)>,
    /// Show the answer's headers, too.
    #[arg(long, short)]
    include: bool,
    /// The grant as you were given it (`charter key permit`), if it was not made here.
    #[arg(long)]
    permit: Option<PathBuf>,
    /// Only say what is asked, as the request and the ack on an edge have it (docs/payments.md).
    #[arg(long)]
    asked: bool,
    /// The request of an edge that this one is: the host signs that there is an answer.
    #[arg(long, value_name = "EDGE:NUMBER", value_parser = request_of_edge)]
    answers: Option<RequestRef>,
    /// A host at a loopback address, or another socket [default: where the one of your data folder listened last].
    #[arg(long, value_name = "ADDRESS|PATH")]
    at: Option<String>,
    /// A file with the token to show [default: CHARTER_HOST_TOKEN, or the one of your own host].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Where the token may be, besides a file. Not among the arguments, which everybody on the machine can read.
const TOKEN: &str = "CHARTER_HOST_TOKEN";

fn read_token(folder: &DataDir, file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        return Ok(text.trim().to_owned());
    }
    if let Some(token) = std::env::var_os(TOKEN) {
        return token.into_string().ok().with_context(|| format!("{TOKEN} is not text"));
    }
    own_token(folder)?.with_context(|| format!("show a token: --token-file, {TOKEN}, or `charter host init` here"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| format!("expected NAME:VALUE, found \"{text}\""))?;
    Ok((name.to_owned(), value.trim_start().to_owned()))
}

fn request_of_edge(text: &str) -> Result<RequestRef, String> {
    let wrong = || format!("expected EDGE:NUMBER, found \"{text}\"");
    let (edge, number) = text.split_once(':').ok_or_else(wrong)?;
    Ok(RequestRef { edge: edge.parse().map_err(|_| wrong())?, counter: number.parse().map_err(|_| wrong())? })
}

fn read_body(text: &str) -> anyhow::Result<Vec<u8>> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some("-") => {
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).context("standard input can't be read")?;
            Ok(body)
        }
        Some(path) => std::fs::read(path).with_context(|| format!("{path} can't be read")),
    }
}

fn client(folder: &DataDir, at: Option<&str>, token: Option<&Path>) -> anyhow::Result<HostClient> {
    let door = match at {
        None => door(folder)?,
        Some(at) => at.parse().map_or_else(|_| Door::Socket(Path::new(at).to_owned()), Door::Loopback),
    };
    Ok(HostClient::new(door, read_token(folder, token)?)?)
}

impl Call {
    pub async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self {
            key,
            method,
            url,
            body,
            header: mut headers,
            include,
            permit,
            asked: only_asked,
            answers,
            at,
            token_file,
        } = self;
        let body = body.map_or_else(|| Ok(Vec::new()), |text| read_body(&text))?;
        let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !named && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let notes = Notes::open(&session.folder)?;
        let (permit, url) = notes.permit_for(&key, method, &url, permit.as_deref())?;
        let request = HttpRequest { method, url, headers, body: Base64Bytes(body) };
        if only_asked {
            let asked = asked(&request);
            return session.tell(&json!({ "asked": asked }), &asked.to_string());
        }
        let client = client(&session.folder, at.as_deref(), token_file.as_deref())?;
        ask(session, &client, Ask { grant: permit.grant, policy: permit.policy, request, answers }, include).await
    }
}

async fn ask(session: &Session, client: &HostClient, ask: Ask, include: bool) -> anyhow::Result<()> {
    let answer = match client.call(&ask).await {
        Ok(answer) => answer,
        Err(AskError::Refused { code, digest: Some(digest), .. }) => {
            let grant = ask.grant;
            let kept = session.folder.keep_request(digest, &ask.request)?;
            bail!(
                "{code}: this request has to be approved: `charter key ask {grant} {digest} --host ID`, and whoever granted it says `charter key approve {grant} {digest} --host ID`, elsewhere with --request and a copy of {}",
                kept.display()
            );
        }
        Err(error) => return Err(error.into()),
    };
    let body = &answer.body.0;
    if session.json {
        let text = String::from_utf8(body.clone());
        let body = text.map_or_else(|_| json!({ "base64": answer.body }), |text| json!(text));
        let (status, headers, receipt) = (answer.status, answer.headers, answer.receipt);
        return session.tell_json(&json!({ "status": status, "headers": headers, "body": body, "receipt": receipt }));
    }
    eprintln!("{}", answer.status);
    if let Some(Deliver { edge, counter, response_hash, signature }) = &answer.receipt {
        eprintln!("charter pay edge deliver {edge} {counter} --response {response_hash} --signature {signature}");
    }
    if include {
        for (name, value) in &answer.headers {
            eprintln!("{name}: {value}");
        }
    }
    print(body);
    if std::io::stdout().is_terminal() && !body.ends_with(b"\n") {
        say!("");
    }
    Ok(())
}
