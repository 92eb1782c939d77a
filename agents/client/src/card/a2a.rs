//! Agent cards of A2A: 1.0 as `specification/a2a.proto` defines them, and 0.3 (`specification/json/a2a.json` of v0.3.0).

use serde_json::{Map, Value, json};

use super::export::{ExportError, Parts, Subject};
use super::{OFFERS, Shape, has_list, has_texts, items, offers, text};

/// Media types where a card says nothing of them.
const TEXT: &str = "text/plain";

fn is_skill(skill: &Value) -> bool {
    has_texts(skill, &["id", "name", "description"]) && has_list(skill, "tags", Value::is_string)
}

/// What both versions require.
fn has_common_fields(card: &Value) -> bool {
    has_texts(card, &["name", "description", "version"])
        && card["capabilities"].is_object()
        && has_list(card, "defaultInputModes", Value::is_string)
        && has_list(card, "defaultOutputModes", Value::is_string)
        && has_list(card, "skills", is_skill)
}

/// Required lists have an item at least: in protobuf's JSON an empty list and none are the same.
pub fn is_card_1(card: &Value) -> bool {
    let interface = |item: &Value| has_texts(item, &["url", "protocolBinding", "protocolVersion"]);
    let lists = ["supportedInterfaces", "defaultInputModes", "defaultOutputModes", "skills"];
    has_common_fields(card)
        && has_list(card, "supportedInterfaces", interface)
        && lists.iter().all(|name| !items(card, name).is_empty())
}

pub fn is_card_03(card: &Value) -> bool {
    let version = text(card, "protocolVersion");
    has_common_fields(card)
        && text(card, "url").is_some()
        && version.is_some_and(|version| version == "0.3" || version.starts_with("0.3."))
}

/// Interfaces in 1.0's words: of such a card or of one of 0.3. A registration has none: what it calls "A2A" is the address
/// of a card.
pub fn interfaces(shape: Shape, card: &Value) -> Vec<Value> {
    let interface = |url: &Value, binding: Option<&str>, version: &str| json!({ "url": url, "protocolBinding": binding.unwrap_or("JSONRPC"), "protocolVersion": version });
    match shape {
        Shape::A2a1 => items(card, "supportedInterfaces").to_vec(),
        Shape::A2a03 => {
            let version = text(card, "protocolVersion").unwrap_or("0.3.0");
            let mut found = vec![interface(&card["url"], text(card, "preferredTransport"), version)];
            for other in items(card, "additionalInterfaces") {
                let other = interface(&other["url"], text(other, "transport"), version);
                if !found.contains(&other) {
                    found.push(other);
                }
            }
            found
        }
        Shape::Erc8004 | Shape::Unknown => Vec::new(),
    }
}

/// Fields that mean the same in both versions.
fn copy(from: &Value, names: &[&str]) -> Map<String, Value> {
    let present = names.iter().filter(|name| !from[**name].is_null());
    present.map(|name| ((*name).to_owned(), from[*name].clone())).collect()
}

/// 0.3 writes a security scheme as OpenAPI does, with its `type`; 1.0 has a field for each type.
fn scheme(scheme: &Value) -> Option<Value> {
    let (field, names): (_, &[&str]) = match text(scheme, "type")? {
        "apiKey" => {
            let mut fields = copy(scheme, &["description", "name"]);
            fields.insert("location".to_owned(), scheme["in"].clone());
            return Some(json!({ "apiKeySecurityScheme": fields }));
        }
        "oauth2" => {
            // One flow in 1.0; of several the safest that both have.
            let flows = &scheme["flows"];
            let known = ["authorizationCode", "clientCredentials", "implicit", "password"];
            let flow = known.into_iter().find(|flow| flows[*flow].is_object())?;
            let mut fields = copy(scheme, &["description", "oauth2MetadataUrl"]);
            fields.insert("flows".to_owned(), Value::Object(copy(flows, &[flow])));
            return Some(json!({ "oauth2SecurityScheme": fields }));
        }
        "http" => ("httpAuthSecurityScheme", &["description", "scheme", "bearerFormat"]),
        "openIdConnect" => ("openIdConnectSecurityScheme", &["description", "openIdConnectUrl"]),
        "mutualTLS" => ("mtlsSecurityScheme", &["description"]),
        _ => return None,
    };
    Some(json!({ field: copy(scheme, names) }))
}

fn requirements(from: &Value) -> Vec<Value> {
    let requirement = |one: &Value| {
        let schemes = one.as_object().into_iter().flatten();
        let lists = schemes.map(|(name, scopes)| (name.clone(), json!({ "list": scopes })));
        json!({ "schemes": lists.collect::<Map<_, _>>() })
    };
    items(from, "security").iter().map(requirement).collect()
}

fn skill_of_03(skill: &Value) -> Value {
    let names = ["id", "name", "description", "tags", "examples", "inputModes", "outputModes"];
    let mut fields = copy(skill, &names);
    if !items(skill, "security").is_empty() {
        fields.insert("securityRequirements".to_owned(), json!(requirements(skill)));
    }
    Value::Object(fields)
}

/// A card of 0.3 with the fields of 1.0. Who has to authenticate, and how, must not get lost: a scheme that can't be
/// written is an error.
fn from_03(card: &Value) -> Result<Value, ExportError> {
    let common = ["name", "description", "version", "provider", "documentationUrl", "iconUrl"];
    let mut fields = copy(card, &[&common[..], &["defaultInputModes", "defaultOutputModes"]].concat());
    let mut capabilities = copy(&card["capabilities"], &["streaming", "pushNotifications", "extensions"]);
    if let Some(extended) = card["supportsAuthenticatedExtendedCard"].as_bool() {
        capabilities.insert("extendedAgentCard".to_owned(), json!(extended));
    }
    fields.insert("capabilities".to_owned(), Value::Object(capabilities));
    let mut schemes = Map::new();
    for (name, known) in card["securitySchemes"].as_object().into_iter().flatten() {
        let known = scheme(known).ok_or_else(|| ExportError::Scheme(name.clone()))?;
        schemes.insert(name.clone(), known);
    }
    if !schemes.is_empty() {
        fields.insert("securitySchemes".to_owned(), Value::Object(schemes));
    }
    if !items(card, "security").is_empty() {
        fields.insert("securityRequirements".to_owned(), json!(requirements(card)));
    }
    fields.insert("skills".to_owned(), items(card, "skills").iter().map(skill_of_03).collect());
    Ok(Value::Object(fields))
}

/// The agent as a card of A2A 1.0, with its entry in the registry as an extension, and its offers as another. Signatures are
/// left out: they were made over the card as it was.
pub fn export(subject: &Subject<'_>, parts: &Parts<'_>) -> Result<Value, ExportError> {
    let mut card = match parts.shape {
        Shape::A2a1 => parts.card.clone(),
        Shape::A2a03 => from_03(parts.card)?,
        Shape::Erc8004 | Shape::Unknown => json!({
            "name": parts.name, "description": parts.description, "version": parts.version, "capabilities": {},
        }),
    };
    if parts.interfaces.is_empty() {
        return Err(ExportError::NoEndpoint("A2A"));
    }
    card["supportedInterfaces"] = json!(parts.interfaces);
    for modes in ["defaultInputModes", "defaultOutputModes"] {
        if items(&card, modes).is_empty() {
            card[modes] = json!([TEXT]);
        }
    }
    if items(&card, "skills").is_empty() {
        // The card says no more of what the agent can do than its description.
        let (name, description) = (parts.name, parts.description);
        card["skills"] = json!([{ "id": "agent", "name": name, "description": description, "tags": ["agent"] }]);
    }
    let mut extensions = items(&card["capabilities"], "extensions").to_vec();
    if let Some(found) = offers::within(parts.card) {
        extensions.retain(|one| !offers::is_extension(one));
        extensions.push(offers::extension(found));
    }
    extensions.push(json!({
        "uri": subject.name(),
        "description": "The agent's entry in a Charter registry on NEAR",
        "required": false,
        "params": {
            "owner": subject.agent.owner,
            "cardSha256": subject.agent.card.sha256,
            "cardRevision": subject.agent.card_revision.to_string(),
        },
    }));
    card["capabilities"]["extensions"] = json!(extensions);
    if let Some(fields) = card.as_object_mut() {
        fields.remove("signatures");
        fields.remove(OFFERS);
    }
    Ok(card)
}
