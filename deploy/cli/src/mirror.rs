//! Asking an indexer's API. It is anybody's: what it says is bounded here, and compared with the chain by who asks.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use serde::de::DeserializeOwned;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1_048_576;
/// How long it may take to answer, and a connection to it: nobody waits for it for long.
const ANSWER_TIME: Duration = Duration::from_secs(10);
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// An indexer's URL. An empty text, as a variable that is to say nothing has it, names none.
pub fn address(text: &str) -> Result<String, String> {
    let wrong = || format!("expected an indexer's URL like http://127.0.0.1:8088, found \"{text}\"");
    if text.is_empty() {
        return Ok(String::new());
    }
    let url: reqwest::Url = text.parse().map_err(|_| wrong())?;
    let plain = url.query().is_none() && url.fragment().is_none() && matches!(url.scheme(), "http" | "https");
    if plain { Ok(text.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

/// What is at a path, which begins with `/`; `what` says it in words. `None` if nothing is there.
pub async fn get<T: DeserializeOwned>(
    url: &str,
    path: &str,
    query: &[(&str, u64)],
    what: &str,
) -> anyhow::Result<Option<T>> {
    // Without what may be secret in its URL.
    let parsed = reqwest::Url::parse(url).context("the index's URL can't be read")?;
    let origin = parsed.origin().ascii_serialization();
    let http = reqwest::Client::builder().connect_timeout(CONNECT_TIME).timeout(ANSWER_TIME).build();
    let failed = |error: reqwest::Error| {
        let why = if error.is_timeout() { "does not answer" } else { "can't be reached" };
        anyhow!("the index at {origin} {why}")
    };
    let asked = http.map_err(failed)?.get(format!("{url}{path}"));
    let mut answer = asked.query(query).send().await.map_err(failed)?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    ensure!(answer.status().is_success(), "the index at {origin} answers {}", answer.status());
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        ensure!(bytes.len() <= ANSWER_BYTES_MAX, "the index at {origin} answers with more than {what}");
    }
    let read = serde_json::from_slice(&bytes).ok();
    Ok(Some(read.with_context(|| format!("the index at {origin} answers with no {what}"))?))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_index_is_a_url_that_paths_can_follow() {
        assert_eq!(address("http://127.0.0.1:8088/").as_deref(), Ok("http://127.0.0.1:8088"));
        assert_eq!(address("https://a.example/charter").as_deref(), Ok("https://a.example/charter"));
        assert_eq!(address("").as_deref(), Ok(""));
        for wrong in ["127.0.0.1:8088", "localhost:8088", "ftp://a.example", "http://a/?key=1", "http://a/#b", "index"]
        {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
