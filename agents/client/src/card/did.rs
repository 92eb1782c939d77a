//! DID documents of did:web (W3C CCG, "did:web Method Specification") with keys as Multikey (W3C, "Controlled Identifiers
//! v1.0").

use charter_types::AnyKey;
use charter_types::registry::Purpose;
use serde_json::{Value, json};

use super::export::{ExportError, Parts, Subject, origin};

/// Multicodec's prefixes of public keys, before base58 with `z` in front (Multibase).
const ED25519: [u8; 2] = [0xed, 0x01];
const X25519: [u8; 2] = [0xec, 0x01];

fn multibase(prefix: [u8; 2], key: &[u8]) -> String {
    format!("z{}", bs58::encode([&prefix[..], key].concat()).into_string())
}

/// `did:web:` and the place that serves the document: `agents.example` is `/.well-known/did.json` there,
/// `agents.example/alice` is `/alice/did.json`.
fn id(place: &str) -> Option<String> {
    let url = origin(&format!("https://{place}"))?;
    let port = url.port().map(|port| format!("%3A{port}")).unwrap_or_default();
    let path = url.path().split('/').filter(|segment| !segment.is_empty());
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    // A port belongs to the host: its colon must not look like one of a path.
    let host = format!("{}{port}", url.host_str()?);
    let parts: Vec<&str> = std::iter::once(host.as_str()).chain(path).collect();
    plain.then(|| format!("did:web:{}", parts.join(":")))
}

/// The agent as a DID document: its keys of now, and where it is reached. Whoever has the agent's number finds the same
/// keys in the registry, so the domain is believed for the services only.
pub fn export(subject: &Subject<'_>, parts: &Parts<'_>) -> Result<Value, ExportError> {
    let card_host = || origin(&subject.agent.card.uri).and_then(|url| url.host_str().map(str::to_owned));
    let place = parts.domain.map(str::to_owned).or_else(card_host).ok_or(ExportError::NoDomain)?;
    let did = id(&place).ok_or(ExportError::NoDomain)?;
    let (mut methods, mut signs, mut agrees) = (Vec::new(), Vec::new(), Vec::new());
    for (index, key) in subject.keys().enumerate() {
        let name = format!("{did}#key-{}", index + 1);
        let multikey = match key.key {
            AnyKey::Ed25519(key) => multibase(ED25519, &key.0),
            AnyKey::X25519(key) => multibase(X25519, &key.0),
        };
        methods.push(json!({ "id": name, "type": "Multikey", "controller": did, "publicKeyMultibase": multikey }));
        match key.purpose {
            Purpose::Sign => signs.push(json!(name)),
            Purpose::Encrypt => agrees.push(json!(name)),
            // Listed, but they speak for money and machines, not for what the agent says.
            Purpose::Pay | Purpose::Host => {}
        }
    }
    let reached = parts.services().into_iter().enumerate().map(|(index, (kind, url))| {
        json!({ "id": format!("{did}#service-{}", index + 1), "type": kind, "serviceEndpoint": url })
    });
    Ok(json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": [subject.name()],
        "verificationMethod": methods,
        "authentication": signs,
        "assertionMethod": signs,
        "keyAgreement": agrees,
        "service": reached.collect::<Vec<_>>(),
    }))
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn a_place_is_spelled_as_the_method_says() {
        assert_eq!(id("agents.example").as_deref(), Some("did:web:agents.example"));
        assert_eq!(id("agents.example/alice/1").as_deref(), Some("did:web:agents.example:alice:1"));
        assert_eq!(id("localhost:8443").as_deref(), Some("did:web:localhost%3A8443"));
        for wrong in ["", "a b", "x@agents.example", "agents.example?x", "agents.example#x"] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }
}
