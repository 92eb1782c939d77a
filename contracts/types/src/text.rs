//! What text may hold where people and programs will read it.

/// Where a file of an agent may be. No scheme that a reader would run, and none that names a reader's own machine.
const SCHEMES: [&str; 6] = ["https://", "ipfs://", "ar://", "ni://", "near:", "data:"];

/// Whether this is a URI (RFC 3986) of one of the schemes that readers follow: `https`, `ipfs`, `ar`, `ni`, `near`, `data`.
/// Its letters are printable ASCII, so it has one spelling and nothing that a log or a page would have to escape.
pub fn is_uri(text: &str) -> bool {
    let scheme = SCHEMES.iter().find(|scheme| text.starts_with(**scheme));
    let plain = |byte: u8| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte);
    scheme.is_some_and(|scheme| text.len() > scheme.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_uri;

    #[test]
    fn uris_have_a_known_scheme_and_nothing_to_escape() {
        for good in ["https://a", "ipfs://bafy", "ar://x", "ni:///sha-256;abc", "near:mainnet:r.near/1", "data:,x%20y"]
        {
            assert!(is_uri(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "https://",
            "near:",
            "http://a",
            "javascript:alert(1)",
            "file:///etc",
            "HTTPS://a",
            " https://a",
            "https://a b",
            "https://a\n",
            "https://a\u{0}",
            "https://ä",
            "https://a\"",
            "https://a\\",
            "https://a<",
            "//a",
        ] {
            assert!(!is_uri(bad), "{bad:?}");
        }
    }
}
