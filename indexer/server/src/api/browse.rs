//! A page for people over `/openapi.json`. It is in the program, and loads nothing from anywhere else.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;

use super::Api;

/// Nothing but the page's own script and style runs, and nobody but this server is asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const FILES: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("browse/index.html")),
    ("/browse.js", "text/javascript; charset=utf-8", include_str!("browse/browse.js")),
    ("/browse.css", "text/css; charset=utf-8", include_str!("browse/browse.css")),
];

pub fn routes() -> Router<Api> {
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        let headers = [
            ("content-type", kind),
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ];
        router = router.route(path, get(move || std::future::ready((headers, text).into_response())));
    }
    router
}
