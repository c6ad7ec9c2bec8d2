//! What a client has already (RFC 9110, section 13.1.2), and how it takes what it does not have (section 12.5.3).

use axum::http::{HeaderMap, header};

use super::parts::header_text;

/// Whether the client has the representation with this entity tag. `If-None-Match` compares weakly, and may come in several lines.
pub(crate) fn has(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|known| known == "*" || opaque(known) == opaque(etag))
}

/// Whether the client takes gzip; without a word about it, what it gets is plain.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = header_text(headers, header::ACCEPT_ENCODING.as_str()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut words = coding.split(';').map(str::trim);
        let refused = |weight: &str| {
            weight.strip_prefix("q=").is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        };
        words.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !words.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_sent_to_whom_it_is_welcome() {
        let rows = [
            ("", false),
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate, gzip;q=1.0, *;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000, br", false),
            ("identity", false),
            ("xgzip", false),
        ];
        for (accepted, expected) in rows {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_gzip(&headers), expected, "{accepted:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_client_has_what_it_names() {
        let rows: [(&[&str], bool); 8] = [
            (&[], false),
            (&["\"b\""], true),
            (&["W/\"b\""], true),
            (&["\"a\", \"b\""], true),
            (&["\"a\"", "\"b\""], true),
            (&["*"], true),
            (&["\"bb\""], false),
            (&["b"], false),
        ];
        for (lines, expected) in rows {
            let lines = lines.iter().map(|line| (header::IF_NONE_MATCH, HeaderValue::from_static(line)));
            let mut headers = HeaderMap::new();
            for (name, line) in lines {
                headers.append(name, line);
            }
            for etag in ["\"b\"", "W/\"b\""] {
                assert_eq!(has(&headers, etag), expected, "{headers:?} {etag}");
            }
        }
    }
}
