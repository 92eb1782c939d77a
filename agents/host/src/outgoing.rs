//! What of an agent's request leaves the host: methods that the policy names, and headers and query names of the lists below
//! or of the operator's. Everything else is refused in words, never dropped silently.

mod body;
mod content_type;
mod escape;
mod field;
mod json;
mod parts;

use charter_types::keys::{Inject, Method};

use crate::{HostError, HttpRequest};
use body::check_body;

/// Headers that an agent may set. None of them says who asks, how the connection is made, or what else to take the request
/// for. An operator adds others by name.
pub const HEADERS: &str = "accept accept-language anthropic-beta anthropic-version cache-control content-disposition content-language \
    content-type idempotency-key if-match if-modified-since if-none-match if-unmodified-since last-event-id \
    mcp-protocol-version mcp-session-id notion-version openai-beta pragma prefer stripe-version traceparent \
    tracestate user-agent x-correlation-id x-github-api-version x-goog-fieldmask x-idempotency-key x-request-id \
    x-requested-with x-stainless-retry-count";

/// Query names that an agent may use, in [`plain`] spelling: paging, sorting, choosing, searching. None of them says who asks
/// or what else to take the request for. An operator adds others by name.
pub const QUERY: &str = "active after all alt amount apiversion archived assignee author before branch category city count country \
    createdafter createdbefore creator currency cursor date deleted depth description detail details dir direction \
    draft dryrun embed enabled end enddate endingbefore endtime exclude expand field fields filter filters format \
    from group id ids include includes input interval kind label labels lang language lat latitude limit locale \
    location lon longitude maxitems maxresults metadata milestone model models month name names namespace \
    nextcursor nexttoken offset order orderby org owner page pages pagesize pagetoken path period perpage pretty \
    prettyprint private project projectid properties public q query radius recursive ref region repo role search \
    select sha since size skip sort sortby sortorder start startdate startingafter starttime state status symbol \
    symbols tag tags team text timezone title to top type";

/// What makes a service take a request for one to another place than the policy was asked about, in [`plain`] spelling. What
/// says another method is `field`'s, as in bodies.
const PLACES: &str = "forwarded xforwardedhost xforwardedpath xforwardedprefix xforwardeduri xoriginalurl xrewriteurl";

/// What carries credentials, in [`plain`] spelling.
const CREDENTIALS: &str = "accesskey accesstoken apikey apitoken appid appkey auth authorization authtoken awsaccesskeyid clientsecret \
    cookie jobtoken key oauthtoken password privatetoken proxyauthorization secret session sessionid sig signature \
    subscriptionkey token xaccesstoken xamzcredential xamzsecuritytoken xamzsignature xapikey xapitoken xauthkey \
    xauthtoken xgitlabtoken xgoogapikey xvaulttoken";

/// What the host decides about: the connection, and in which encoding and how much of it an answer comes.
const CONNECTION: &str = "acceptencoding connection contentencoding contentlength expect host ifrange keepalive maxforwards \
    proxyconnection range te trailer transferencoding upgrade via xhttp2settings";

/// How many headers an agent may set, and how long all of them may be together.
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 32 << 10;

fn among(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|known| known == name)
}

/// Names that a host's operator lets out besides `HEADERS` and `QUERY`.
#[derive(Clone, Debug, Default)]
pub struct LetOut {
    headers: Vec<String>,
    query: Vec<String>,
}

impl LetOut {
    /// Fails for a name that nobody may let out: of a credential, of the connection, or of what changes a request's meaning.
    pub fn new(headers: &[String], query: &[String]) -> Result<Self, HostError> {
        for name in headers {
            check_name(name)?;
            check_class(Part::Header, name, "", "")?;
        }
        for name in query {
            check_class(Part::Query, name, "", "")?;
        }
        let lower = |name: &String| name.to_ascii_lowercase();
        Ok(Self { headers: headers.iter().map(lower).collect(), query: query.iter().map(|name| plain(name)).collect() })
    }
}

/// A name as lenient services read it: without case, punctuation and what is behind a bracket. `X_Api-Key`, `x-api-key` and
/// `xApiKey` are the same to some of them.
fn plain(name: &str) -> String {
    let name = name.split('[').next().unwrap_or(name);
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header,
    Query,
}

impl Part {
    fn say(self, name: &str) -> String {
        match self {
            Self::Header => format!("the header {name:?}"),
            Self::Query => format!("{name:?} in the query"),
        }
    }
}

/// The name of the slot that the host fills, in [`plain`] spelling.
fn slot(inject: &Inject) -> String {
    match inject {
        Inject::Header { name, .. } | Inject::Query { name } => plain(name),
        Inject::Basic { .. } => "authorization".to_owned(),
        Inject::JsonPointer { .. } | Inject::None => String::new(),
    }
}

/// Refuses what is never let out, with the reason. `slot` is what the host fills itself.
fn check_class(part: Part, name: &str, value: &str, slot: &str) -> Result<(), HostError> {
    let known = plain(name);
    let said = part.say(name);
    if !slot.is_empty() && known == slot {
        return Err(HostError::Credential(format!("leave {said} out: the host puts the key there")));
    }
    if among(PLACES, &known) || field::changes_meaning(name.bytes(), value.bytes()) {
        let text = format!("leave {said} out: it makes services take the request for another one than was granted");
        return Err(HostError::Override(text));
    }
    if among(CREDENTIALS, &known) {
        return Err(HostError::Credential(format!(
            "leave {said} out: the host brings the credential, and requests have none of their own"
        )));
    }
    if part == Part::Header && (among(CONNECTION, &known) || known.starts_with("proxy") || known.starts_with("sec")) {
        return Err(HostError::Header(format!(
            "leave {said} out: the host decides about the connection and how an answer is encoded"
        )));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), HostError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.bytes().all(token) {
        return Ok(());
    }
    Err(HostError::Header(format!("{name:?} is no name of a header: letters, digits and hyphens are expected")))
}

fn check_header(name: &str, value: &str, slot: &str, more: &LetOut) -> Result<(), HostError> {
    check_name(name)?;
    check_class(Part::Header, name, value, slot)?;
    if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(HostError::Header(format!("the header {name} has a value that is not printable ASCII")));
    }
    let lower = name.to_ascii_lowercase();
    if among(HEADERS, &lower) || more.headers.contains(&lower) {
        return Ok(());
    }
    Err(HostError::Header(format!(
        "the header {name} is not among those that this host lets out; its operator can add it: `charter host run --header {lower}`"
    )))
}

/// Names in a query, and their values. `;` is a separator to some services.
fn query_fields(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let decoded: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
        String::from_utf8_lossy(&decoded).replace('+', " ")
    };
    let pairs = query.split(['&', ';']).filter(|pair| !pair.is_empty());
    pairs.map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn check_query(query: &str, slot: &str, more: &LetOut) -> Result<(), HostError> {
    for (name, value) in query_fields(query) {
        check_class(Part::Query, &name, &value, slot)?;
        let known = plain(&name);
        if !among(QUERY, &known) && !more.query.contains(&known) {
            return Err(HostError::Query(format!(
                "{name:?} in the query is not among the names that this host lets out; its operator can add it: `charter host run --query NAME`. A `;` in a value is written %3B"
            )));
        }
    }
    Ok(())
}

/// Refuses whatever of a request is not let out. `query` is the one that will be sent.
pub fn check(request: &HttpRequest, query: &str, inject: &Inject, more: &LetOut) -> Result<(), HostError> {
    let bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if request.headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        let text = format!("a request has at most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes together");
        return Err(HostError::Header(text));
    }
    let slot = slot(inject);
    for (name, value) in &request.headers {
        check_header(name, value, &slot, more)?;
    }
    check_query(query, &slot, more)?;
    match request.method {
        Method::Get | Method::Head if request.body.0.is_empty() => Ok(()),
        // Services that expect none take one for the next request on the connection.
        Method::Get | Method::Head => {
            Err(HostError::Override("GET and HEAD have no body: use POST if the grant names it".to_owned()))
        }
        Method::Post | Method::Put | Method::Patch | Method::Delete => check_body(request),
    }
}

#[cfg(test)]
mod tests {
    use charter_types::Base64Bytes;
    use charter_types::keys::{Inject, Method};

    use super::{LetOut, check};
    use crate::{HostError, HttpRequest};

    fn header(name: &str) -> Inject {
        Inject::Header { name: name.to_owned(), prefix: String::new() }
    }

    fn asked(headers: &[(&str, &str)], query: &str, body: &str, inject: &Inject) -> String {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Base64Bytes(body.as_bytes().to_vec());
        let request = HttpRequest { method: Method::Post, url: String::new(), headers, body };
        check(&request, query, inject, &LetOut::default()).map_or_else(|error| error.code(), |()| "OUT".to_owned())
    }

    #[test]
    fn headers_go_out_by_name_and_others_are_refused_in_words() {
        let slot = header("x-slot");
        for (names, code) in [
            ("Accept Idempotency-Key mcp-session-id ANTHROPIC-VERSION", "OUT"),
            (
                "Authorization cookie X-Api-Key x_api_key x-goog-api-key private-token proxy-authorization",
                "HOST_CREDENTIAL",
            ),
            ("x-slot X-Slot X_Slot", "HOST_CREDENTIAL"),
            ("X-HTTP-Method-Override x-http-method X-Method-Override X_HTTP_Method_Override", "HOST_OVERRIDE"),
            ("X-Original-URL x-rewrite-url X-Forwarded-Host forwarded", "HOST_OVERRIDE"),
            ("accept-encoding range if-range host connection te transfer-encoding content-encoding", "HOST_HEADER"),
            ("x-mine a:b café a@b", "HOST_HEADER"),
        ] {
            for name in names.split_whitespace() {
                assert_eq!(asked(&[(name, "x")], "", "", &slot), code, "{name}");
            }
        }
        for name in ["", "a b", "a\r\nb", "accept "] {
            assert_eq!(asked(&[(name, "x")], "", "", &slot), "HOST_HEADER", "{name:?}");
        }
        for value in ["b\r\nhost: evil", "\u{1b}", "é", "\0"] {
            assert_eq!(asked(&[("accept", value)], "", "", &slot), "HOST_HEADER", "{value:?}");
        }
        let basic = Inject::Basic { user: "a".to_owned() };
        assert_eq!(asked(&[("authorization", "x")], "", "", &basic), "HOST_CREDENTIAL");
        let (full, long) = ("a".repeat(511 - "accept".len()), "a".repeat(32 << 10));
        assert_eq!(asked(&[("accept", full.as_str()); 64], "", "", &slot), "OUT");
        assert_eq!(asked(&[("accept", "a"); 65], "", "", &slot), "HOST_HEADER");
        assert_eq!(asked(&[("accept", long.as_str())], "", "", &slot), "HOST_HEADER");
    }

    #[test]
    fn query_names_go_out_by_name_however_they_are_spelled() {
        let slot = Inject::Query { name: "appkey".to_owned() };
        for (queries, code) in [
            ("limit=5 per_page=5&PerPage=6 filter[name]=a%3Bb $filter=x& q=%26key%3D1 page-size=1", "OUT"),
            ("key=MINE KEY=MINE %6bey=MINE q=1&api_key=x q=1;api_key=x access_token key[]=x +key=x", "HOST_CREDENTIAL"),
            ("appKey=x app%5Fkey=x X-Amz-Signature=x", "HOST_CREDENTIAL"),
            ("_method=DELETE %5Fmethod=DELETE _METHOD=DELETE q=1;_method=DELETE +_method=DELETE", "HOST_OVERRIDE"),
            (
                "x-http-method-override=DELETE $method=DELETE _method[]=DELETE .method=DELETE %5Bmethod=DELETE",
                "HOST_OVERRIDE",
            ),
            ("method=DELETE q=1&METHOD=p%55t http_method=+delete method=%u0044ELETE _charset_=utf-7", "HOST_OVERRIDE"),
            ("mine=1 =1 %ff=1 [a]=1 method=auth.test method http_method=x", "HOST_QUERY"),
        ] {
            for query in queries.split_whitespace() {
                assert_eq!(asked(&[], query, "", &slot), code, "{query}");
            }
        }
        assert_eq!(asked(&[], "", "", &slot), "OUT");
    }

    #[test]
    fn what_reads_has_no_body() {
        for method in [Method::Get, Method::Head] {
            let body = Base64Bytes(b"DELETE /x HTTP/1.1\r\n".to_vec());
            let request = HttpRequest { method, url: String::new(), headers: Vec::new(), body };
            let refused = check(&request, "", &header("x-slot"), &LetOut::default());
            assert!(matches!(refused, Err(HostError::Override(_))), "{method:?}");
        }
    }

    /// CakePHP, for one, looks for `_method` in whatever has a body.
    #[test]
    fn a_body_names_no_other_method_whatever_the_method() {
        let sent = |method, body: &str| {
            let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
            let body = Base64Bytes(body.as_bytes().to_vec());
            let request = HttpRequest { method, url: String::new(), headers: vec![kind], body };
            check(&request, "", &header("x-slot"), &LetOut::default()).map_err(|error| error.code())
        };
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            for body in ["_method=DELETE", "a=b&method=put"] {
                assert_eq!(sent(method, body), Err("HOST_OVERRIDE".to_owned()), "{method:?} {body}");
            }
            for body in ["", "a=b&method=auth.test"] {
                assert_eq!(sent(method, body), Ok(()), "{method:?} {body}");
            }
        }
    }

    #[test]
    fn an_operator_adds_names_but_none_that_nobody_may_let_out() {
        let more = LetOut::new(&["X-Mine".to_owned()], &["mine".to_owned(), "method".to_owned()]).unwrap();
        let headers = vec![("x-mine".to_owned(), "1".to_owned())];
        let request = HttpRequest { method: Method::Get, url: String::new(), headers, body: Base64Bytes::default() };
        assert!(check(&request, "MINE=1&method=auth.test", &Inject::None, &more).is_ok());
        for query in ["method=DELETE", "method[]=put", "mine=1;Method=%20patch", "http-method=DELETE"] {
            assert!(matches!(check(&request, query, &Inject::None, &more), Err(HostError::Override(_))), "{query}");
        }
        let slot = header("x-mine");
        assert!(matches!(check(&request, "", &slot, &more), Err(HostError::Credential(_))));
        for name in ["authorization", "x-http-method-override", "range", "a b"] {
            assert!(LetOut::new(&[name.to_owned()], &[]).is_err(), "{name}");
        }
        for name in ["key", "_method", ".method", "access-token"] {
            assert!(LetOut::new(&[], &[name.to_owned()]).is_err(), "{name}");
        }
    }
}
