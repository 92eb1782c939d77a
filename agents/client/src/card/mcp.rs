//! `server.json` of the MCP registry, schema of 2025-12-11.

use serde_json::{Value, json};

use super::export::{ExportError, Parts, Subject, origin};
use super::{erc8004, text};

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// Longest title and description, characters.
const CHARS_MAX: usize = 100;

/// The beginning of a text that is too long.
fn short(text: &str) -> String {
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARS_MAX - 1).chain(['…']).collect()
}

/// Letters, digits, dots and hyphens of a name, for use in an id.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').chars().take(CHARS_MAX).collect()
}

/// The agent's MCP server, named after the domain that serves it: whoever publishes the file has to prove that domain.
pub fn export(subject: &Subject<'_>, parts: &Parts<'_>) -> Result<Value, ExportError> {
    let none = || ExportError::NoEndpoint("MCP");
    let named = parts.endpoint.or_else(|| erc8004::endpoints(parts.card, "MCP").find_map(|one| text(one, "endpoint")));
    let url = named.ok_or_else(none)?;
    let origin = origin(url).ok_or_else(none)?;
    let host = origin.host_str().ok_or_else(none)?;
    let namespace: Vec<&str> = host.split('.').rev().collect();
    let agent = subject.agent;
    let name = agent.handle.clone().unwrap_or_else(|| slug(parts.name));
    let name = if name.is_empty() { format!("agent-{}", agent.id) } else { name };
    Ok(json!({
        "$schema": SCHEMA,
        "name": format!("{}/{name}", namespace.join(".")),
        "title": short(parts.name),
        "description": short(parts.description),
        "version": parts.version,
        "remotes": [{ "type": "streamable-http", "url": url }],
        "_meta": {
            "io.modelcontextprotocol.registry/publisher-provided": {
                "agent": subject.name(), "cardSha256": agent.card.sha256, "cardRevision": agent.card_revision,
            },
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::{CHARS_MAX, short, slug};

    #[test]
    fn names_and_descriptions_fit() {
        assert_eq!(slug("Übersetzer (DE) 2"), "bersetzer-de-2");
        assert_eq!(slug("翻訳"), "");
        assert_eq!(short("é").as_str(), "é");
        assert_eq!(short(&"é".repeat(101)).chars().count(), CHARS_MAX);
    }
}
