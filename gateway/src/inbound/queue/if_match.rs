//! Changes that are made only to what the operator has seen (RFC 9110, section 13.1.1).

use axum::http::{HeaderMap, HeaderValue, header};

use goticket_domain::queue::QueueError;

use crate::inbound::problem::{FieldError, Problem, ProblemCode};

/// What `If-Match` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IfMatch {
    /// Nothing, or that there is anything.
    Any,
    /// That it has this revision.
    Revision(i64),
}

impl IfMatch {
    /// A tag that none of ours can be equal to, a weak one too, fails like one of an older revision. Of several tags only one could be the
    /// current one: whoever sends them does not say what they decided with.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let lines = headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or_default());
        let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|tag| !tag.is_empty()).collect();
        match tags.as_slice() {
            [] | ["*"] => Ok(Self::Any),
            [tag] => revision(tag).map(Self::Revision).ok_or_else(|| QueueError::ControlChanged.into()),
            _ => {
                let message = "must be one entity tag: that of the answer which the change was decided with";
                Err(Problem::new(ProblemCode::InvalidHeader, format!("If-Match {message}."))
                    .with_error(FieldError::header("If-Match", message)))
            }
        }
    }

    /// None where any will do.
    pub(crate) fn revision(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Revision(revision) => Some(revision),
        }
    }
}

/// The entity tag of a revision: a strong one, as `If-Match` compares.
pub(crate) fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn revision(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_it_was_decided_with() {
        let rows: [(&[&str], Result<IfMatch, u16>); 10] = [
            (&[], Ok(IfMatch::Any)),
            (&["*"], Ok(IfMatch::Any)),
            (&[""], Ok(IfMatch::Any)),
            (&["\"17\""], Ok(IfMatch::Revision(17))),
            (&[" \"-1\" "], Ok(IfMatch::Revision(-1))),
            (&["W/\"17\""], Err(412)),
            (&["17"], Err(412)),
            (&["\"other\""], Err(412)),
            (&["\"17\", \"18\""], Err(400)),
            (&["\"17\"", "\"17\""], Err(400)),
        ];
        for (lines, expected) in rows {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_MATCH, HeaderValue::from_str(line).unwrap());
            }
            let read = IfMatch::read(&headers).map_err(|problem| problem.status().as_u16());
            assert_eq!(read, expected, "{lines:?}");
        }
        assert_eq!(etag(17), "\"17\"");
    }
}
