//! What a host signs about an answer: that there is one. An edge of the escrow whose `signer` is the host's signing key takes
//! that as the answer to one of its requests (`deliver`).

use charter_client::sha256;
use charter_types::escrow::Exchange;
use charter_types::escrow::args::{Deliver, RequestRef};
use charter_types::{AnySignature, Hash32};

use crate::exchange::method_of;
use crate::{HostKeys, HttpRequest, HttpResponse};

/// What is asked, as the request and the ack on an edge have it: sha256 of borsh: method, URL, headers in order, body.
pub fn asked(request: &HttpRequest) -> Hash32 {
    let method = method_of(request.method);
    Hash32::of(&(method.as_str(), &request.url, &request.headers, &request.body), sha256)
}

/// The arguments of `deliver`, if a service answered. What it says when it fails is no answer: an acker could stop the clock
/// with it. The request is hashed here, so nothing is signed about what the host did not ask.
pub fn receipt(
    keys: &HostKeys,
    domain: Hash32,
    answers: RequestRef,
    request: &HttpRequest,
    response: &HttpResponse,
) -> Option<Deliver> {
    if !(200..300).contains(&response.status) {
        return None;
    }
    let RequestRef { edge, counter } = answers;
    let exchange = Exchange { domain, edge, counter, asked: asked(request) };
    let response_hash = Hash32(sha256(&response.body.0));
    let signature = AnySignature::Ed25519(keys.signed(&exchange.response(response_hash, sha256)));
    Some(Deliver { edge, counter, response_hash, signature })
}

#[cfg(test)]
mod tests {
    use charter_types::escrow::args::RequestRef;
    use charter_types::keys::Method;
    use charter_types::{Base64Bytes, Hash32};

    use super::{asked, receipt};
    use crate::{HostKeys, HttpRequest, HttpResponse};

    fn request() -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: "https://api.a.com/v1/chat".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Base64Bytes(b"{}".to_vec()),
        }
    }

    #[test]
    fn a_service_that_fails_has_not_answered() {
        let keys = HostKeys::from_seed(&[7; 64]);
        let answers = RequestRef { edge: Hash32([2; 32]), counter: 3 };
        let signed = |status| {
            let body = Base64Bytes(b"{}".to_vec());
            let response = HttpResponse { status, headers: Vec::new(), body, receipt: None };
            receipt(&keys, Hash32([1; 32]), answers, &request(), &response).is_some()
        };
        for (status, is_answer) in [
            (199, false),
            (200, true),
            (204, true),
            (299, true),
            (300, false),
            (401, false),
            (429, false),
            (500, false),
        ] {
            assert_eq!(signed(status), is_answer, "{status}");
        }
    }

    /// Leave any part out, and an answer to another request would do.
    #[test]
    fn what_is_asked_is_all_of_the_request() {
        let others = [
            HttpRequest { method: Method::Put, ..request() },
            HttpRequest { url: "https://api.a.com/v1/chat?n=1".to_owned(), ..request() },
            HttpRequest { headers: Vec::new(), ..request() },
            HttpRequest { body: Base64Bytes(b"[]".to_vec()), ..request() },
        ];
        for other in &others {
            assert_ne!(asked(other), asked(&request()), "{other:?}");
        }
    }
}
