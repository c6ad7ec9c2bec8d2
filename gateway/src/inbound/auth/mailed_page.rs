//! Pages that links of mails lead to. Opening one changes nothing, since mail servers open links, too: a person presses the button, and the
//! page's script sends what stands behind `#`.

use axum::http::header;
use axum::response::IntoResponse;

/// Nothing from anywhere else; the page has one script of its own, and nothing that anybody wrote.
const MAY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                   frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn mailed_page(html: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, MAY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, html)
}
