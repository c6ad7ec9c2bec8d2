//! Reading bodies: whole, within a size, and at a pace.

use std::time::Duration;

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures::StreamExt as _;
use goticket_platform::http::Pace;
use tokio::time::{Instant, timeout_at};

use super::limits::BodyMax;
use super::problem::{FieldError, Problem, ProblemCode};

/// How fast bodies have to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyPace {
    /// Without a byte, or with less than the rate.
    pub(crate) patience: Duration,
    pub(crate) bytes_per_s: u32,
}

impl BodyPace {
    /// Where nothing else is set.
    pub(crate) const USUAL: Self = Self { patience: Duration::from_secs(5), bytes_per_s: 240 };
}

/// All of a body.
pub(crate) async fn read(body: Body, max: BodyMax, pace: BodyPace) -> Result<Bytes, Problem> {
    let mut pace = Pace::begin(Instant::now(), pace.patience, pace.bytes_per_s);
    let mut chunks = body.into_data_stream();
    // Most come in one piece, which is not copied.
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(chunk) = timeout_at(pace.deadline(), chunks.next()).await.map_err(|_| too_slow())? {
        let chunk = chunk.map_err(|_| incomplete())?;
        pace.moved(Instant::now(), chunk.len());
        let come = first.len().max(all.len()) + chunk.len();
        if u64::try_from(come).unwrap_or(u64::MAX) > max.bytes() {
            return Err(too_large(max));
        }
        if first.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn too_large(max: BodyMax) -> Problem {
    let detail = format!("The body is larger than the {max} that this endpoint takes: send less.");
    Problem::new(ProblemCode::BodyTooLarge, detail).with_error(FieldError::body(format!("must have at most {max}: send less")))
}

fn incomplete() -> Problem {
    Problem::new(ProblemCode::IncompleteBody, "The body ended before it was complete. Repeat the request.")
        .with_error(FieldError::body("ended before it was complete: repeat the request"))
}

fn too_slow() -> Problem {
    let detail = "The body did not come in time. Repeat the request, and send its body at once.";
    Problem::new(ProblemCode::BodyTooSlow, detail)
        .with_error(FieldError::body("did not come in time: repeat the request, and send its body at once"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use futures::stream;
    use tokio::time::sleep;

    use super::*;

    /// Chunks of so many bytes, each after so many milliseconds.
    fn body(chunks: &[(u64, usize)]) -> Body {
        let chunks = stream::iter(chunks.to_vec()).then(async |(ms, len)| {
            sleep(Duration::from_millis(ms)).await;
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; len]))
        });
        Body::from_stream(chunks)
    }

    /// How patient one is; after how many milliseconds how many bytes come; how many are read, or the status.
    type Row<'a> = (Duration, &'a [(u64, usize)], Result<usize, u16>);

    #[tokio::test]
    async fn a_body_comes_at_a_pace_and_within_its_size() {
        const NEVER: u64 = 1_000_000;
        let most = usize::try_from(BodyMax::USUAL.bytes()).unwrap();
        let drip: Vec<_> = (0..10_000).map(|_| (10, 1)).collect();
        let (patient, hasty) = (Duration::from_mins(1), Duration::from_millis(200));
        let rows: [Row<'_>; 8] = [
            (patient, &[], Ok(0)),
            (patient, &[(0, 7)], Ok(7)),
            (patient, &[(20, 7), (0, 0), (0, 3), (20, 1)], Ok(11)),
            (hasty, &[(NEVER, 7)], Err(408)),
            (hasty, &drip, Err(408)),
            (patient, &[(0, most)], Ok(most)),
            (patient, &[(0, most), (0, 1)], Err(413)),
            (patient, &[(0, most + 1)], Err(413)),
        ];
        for (patience, chunks, expected) in rows {
            let pace = BodyPace { patience, bytes_per_s: 10_000 };
            let read = read(body(chunks), BodyMax::USUAL, pace).await;
            let read = read.map(|bytes| bytes.len()).map_err(|problem| problem.status().as_u16());
            assert_eq!(read, expected, "{:?}", &chunks[..chunks.len().min(4)]);
        }
    }
}
