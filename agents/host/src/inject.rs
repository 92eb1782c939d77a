//! The credential in its slot, and every text that held it on its way out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use charter_types::keys::Inject;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::HostError;
use crate::redact::is_long_enough;

/// A credential that is ready to go out.
pub struct Injected {
    pub header: Option<(HeaderName, HeaderValue)>,
    /// What redaction looks for besides the secret itself: the same bytes, as the wire spells them.
    pub sent: Vec<Zeroizing<Vec<u8>>>,
}

impl Injected {
    /// Puts a secret into its slot: into `url`, or into a header.
    pub fn new(inject: &Inject, secret: &[u8], url: &mut Url) -> Result<Self, HostError> {
        if !is_long_enough(secret) {
            return Err(HostError::SecretShort);
        }
        let text = std::str::from_utf8(secret).map_err(|_| HostError::Sealed)?;
        let header = |value: &str| {
            let value = HeaderValue::from_str(value);
            let mut value = value.map_err(|_| HostError::Unmet("the key does not fit into a header"))?;
            value.set_sensitive(true);
            Ok::<_, HostError>(value)
        };
        match inject {
            Inject::Header { name, prefix } => {
                let line = Zeroizing::new(format!("{prefix}{text}"));
                let name =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|_| HostError::Unmet("the slot is no header"))?;
                Ok(Self { header: Some((name, header(&line)?)), sent: Vec::new() })
            }
            Inject::Basic { user } => {
                let pair = Zeroizing::new(format!("{user}:{text}"));
                let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                let line = Zeroizing::new(format!("Basic {}", encoded.as_str()));
                let sent = vec![Zeroizing::new(encoded.as_bytes().to_vec())];
                Ok(Self { header: Some((AUTHORIZATION, header(&line)?)), sent })
            }
            Inject::Query { name } => {
                let before = url.query().map_or(0, |query| query.len() + 1);
                url.query_pairs_mut().append_pair(name, text);
                let added = url.query().and_then(|query| query.get(before..)).unwrap_or_default();
                let spelled = added.split_once('=').map_or(added, |(_, value)| value);
                Ok(Self { header: None, sent: vec![Zeroizing::new(spelled.as_bytes().to_vec())] })
            }
            Inject::JsonPointer { .. } | Inject::None => Err(HostError::Unmet("inject")),
        }
    }
}
