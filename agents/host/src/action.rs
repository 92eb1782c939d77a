//! The one reading of a request's URL: what the policy is asked about is what is sent.

use charter_client::sha256;
use charter_types::Hash32;
use charter_types::keys::{HttpAction, Scheme};
use reqwest::Url;

use crate::{HostError, HttpRequest};

/// The longest URL. Few services take longer ones, and every rule is held against it.
const URL_BYTES_MAX: usize = 16 << 10;

/// What a request does, as policies see it. Host names have no case, and a missing path is `/`.
pub fn action_of(request: &HttpRequest) -> Result<HttpAction, HostError> {
    Ok(read(request)?.0)
}

/// The same, with the URL that will be sent.
pub fn read(request: &HttpRequest) -> Result<(HttpAction, Url), HostError> {
    if request.url.len() > URL_BYTES_MAX {
        return Err(HostError::Url(format!("the URL is longer than {URL_BYTES_MAX} bytes")));
    }
    let wrong = |why: &str| HostError::Url(format!("{:?} {why}", request.url));
    let form = "is no URL of the form https://host[:port]/path";
    let (scheme, rest) = request.url.split_once("://").ok_or_else(|| wrong(form))?;
    let (scheme, default_port) = match scheme {
        "https" => (Scheme::Https, 443),
        "http" => (Scheme::Http, 80),
        _ => return Err(wrong("is neither an https:// nor an http:// URL")),
    };
    if rest.contains('#') {
        return Err(wrong("has a fragment, which is not sent: leave it out"));
    }
    let (before, _) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before.find('/').map_or((before, "/"), |at| before.split_at(at));
    if authority.contains('@') {
        return Err(wrong("names a user: the host brings the credential"));
    }
    if authority.starts_with('[') {
        return Err(wrong("has an IPv6 address: grants are for names of hosts"));
    }
    let (host, port) = match authority.split_once(':') {
        None => (authority, default_port),
        Some((host, port)) => (host, port.parse().map_err(|_| wrong(form))?),
    };
    let host = host.to_ascii_lowercase();
    if charter_client::is_numeric(&host) {
        return Err(wrong("has an address: grants are for names of hosts"));
    }
    let url = Url::parse(&request.url).map_err(|_| wrong(form))?;
    if url.host_str() != Some(host.as_str()) || url.port_or_known_default() != Some(port) {
        return Err(wrong(form));
    }
    if url.path() != path {
        let text = format!("would be sent with the path {:?}: write it so", url.path());
        return Err(wrong(&text));
    }
    check_octets(path).map_err(|why| wrong(&why))?;
    let action = HttpAction {
        scheme,
        host,
        port,
        path: path.to_owned(),
        method: request.method,
        body_bytes: u32::try_from(request.body.0.len()).unwrap_or(u32::MAX),
        content_sha256: content_hash(request),
        effects: Vec::new(),
    };
    Ok((action, url))
}

/// Names what of a path no policy allows, where the policy itself could only say no.
pub fn check_octets(path: &str) -> Result<(), String> {
    if charter_rules::policy::is_plain_path(path) {
        return Ok(());
    }
    if path.contains(';') {
        return Err("has a `;` in its path, which services read in different ways".to_owned());
    }
    let lower = path.split('%').skip(1).any(|rest| rest.bytes().take(2).any(|digit| digit.is_ascii_lowercase()));
    if lower {
        return Err("has encoded octets in lower case: write them as %2F".to_owned());
    }
    Err("has a path with empty or dot segments, or with octets that no policy allows".to_owned())
}

/// Binds an approval to more than the action's own fields: to the whole URL, the headers in order, and the body.
fn content_hash(request: &HttpRequest) -> Hash32 {
    Hash32::of(&(&request.url, &request.headers, &request.body), sha256)
}

#[cfg(test)]
mod tests {
    use charter_types::Base64Bytes;
    use charter_types::keys::Method;

    use super::read;
    use crate::HttpRequest;

    fn request(url: &str) -> HttpRequest {
        HttpRequest { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: Base64Bytes::default() }
    }

    #[test]
    fn urls_have_one_reading_and_what_was_read_is_what_is_sent() {
        for (text, host, port, path) in [
            ("https://api.a.com/v1/x?q=1", "api.a.com", 443, "/v1/x"),
            ("https://API.A.com:8443", "api.a.com", 8443, "/"),
            ("https://api.a.com?q=1", "api.a.com", 443, "/"),
            ("http://localhost/api/v4/projects/group%2Fproject", "localhost", 80, "/api/v4/projects/group%2Fproject"),
        ] {
            let (action, url) = read(&request(text)).unwrap();
            assert_eq!((action.host.as_str(), action.port, action.path.as_str()), (host, port, path));
            let sent = (url.host_str().unwrap(), url.port_or_known_default().unwrap(), url.path());
            assert_eq!(sent, (host, port, path));
        }
        let tricks = "https://api.a.com@evil.com/v1 https://evil.com#@api.a.com/v1 ftp://api.a.com/ api.a.com/v1 \
            https://api.a.com:x/ https:// https:///v1 https://127.1/ https://2130706433/ https://0X7F.1/ https://[::1]/ \
            https://a.com/v1/../x https://a.com/v1/%2e%2e/x https://a.com/v1/.%2E/x https://a.com\\v1 \
            https://a.com/v1\\..\\x https://a.com/v1/..;/x https://a.com/{x} https://a.com/<x> https://a.com/`x` \
            https://a.com/v1/%2fx https://a.com//x https://bücher.de/ https://a.com%2fevil.com/ https://a.com:443:80/";
        let blank = ["https://a.com/v1/\n../x", "https://a.com/\tv1", "https://a.com/v1 x", " https://a.com/v1"];
        for trick in tricks.split_whitespace().chain(blank) {
            assert!(read(&request(trick)).is_err_and(|error| error.code() == "HOST_URL"), "{trick}");
        }
        let long = format!("https://a.com/{}", "a".repeat(16 << 10));
        assert!(read(&request(&long)).is_err_and(|error| error.code() == "HOST_URL" && error.to_string().len() < 100));
    }
}
