//! Bytes that thousands of readers are sent: compressed once, and put together without being copied or compressed again.
//!
//! A gzip body (RFC 1952) is a head, one stream of deflate blocks (RFC 1951) and a check sum of all it holds. The blocks of a part here
//! end where a byte does and refer to nothing before them, so that those of several parts make one stream; check sums can be combined.

use std::convert::Infallible;
use std::io::{self, Write as _};

use axum::body::Body;
use bytes::Bytes;
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use futures::stream;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::fault::Fault;

/// Deflate, without a time or a name, by no one in particular.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The last block, which is empty: stored, zero bytes, and their complement.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// A part of a body.
#[derive(Debug)]
pub(crate) struct Packed {
    plain: Bytes,
    deflated: OnceCell<Deflated>,
}

/// Blocks of a stream, none of them its last, and the check sum of what they hold.
#[derive(Debug)]
struct Deflated {
    blocks: Bytes,
    sum: Crc,
}

impl Packed {
    pub(crate) fn new(plain: impl Into<Bytes>) -> Self {
        Self { plain: plain.into(), deflated: OnceCell::new() }
    }

    /// For what one reader is sent, and is not worth compressing.
    pub(crate) fn brief(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let deflated = store(&plain).map(OnceCell::from).unwrap_or_default();
        Self { plain, deflated }
    }

    pub(crate) fn plain(&self) -> &Bytes {
        &self.plain
    }

    async fn deflated(&self) -> Result<&Deflated, Fault> {
        let deflating = async {
            let plain = self.plain.clone();
            let done = spawn_blocking(move || deflate(&plain)).await.map_err(io::Error::other).flatten();
            done.map_err(|error| Fault::Bug(error.to_string()))
        };
        self.deflated.get_or_try_init(|| deflating).await
    }
}

/// The parts behind each other, as they are.
pub(crate) fn plain(parts: &[&Packed]) -> Body {
    streamed(parts.iter().map(|part| part.plain.clone()).collect())
}

/// The parts behind each other, as one gzip body.
pub(crate) async fn gzip(parts: &[&Packed]) -> Result<Body, Fault> {
    let mut chunks = vec![Bytes::from_static(&HEAD)];
    let mut sum = Crc::new();
    for part in parts {
        let deflated = part.deflated().await?;
        chunks.push(deflated.blocks.clone());
        sum.combine(&deflated.sum);
    }
    let mut end = LAST_BLOCK.to_vec();
    end.extend(sum.sum().to_le_bytes());
    end.extend(sum.amount().to_le_bytes());
    chunks.push(end.into());
    Ok(streamed(chunks))
}

/// A whole gzip body of something small, which is read often.
pub(crate) fn gzip_small(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

fn deflate(plain: &[u8]) -> io::Result<Deflated> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    // A sync flush: an empty block that ends where a byte does.
    encoder.flush()?;
    Ok(Deflated { blocks: std::mem::take(encoder.get_mut()).into(), sum: sum(plain) })
}

/// One block that is not compressed; None for more than it can hold.
fn store(plain: &[u8]) -> Option<Deflated> {
    let len = u16::try_from(plain.len()).ok()?;
    let head = [&[0_u8][..], &len.to_le_bytes(), &(!len).to_le_bytes()].concat();
    Some(Deflated { blocks: [&head, plain].concat().into(), sum: sum(plain) })
}

fn sum(plain: &[u8]) -> Crc {
    let mut sum = Crc::new();
    sum.update(plain);
    sum
}

fn streamed(chunks: Vec<Bytes>) -> Body {
    Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, Infallible>)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::io::Read as _;

    use axum::body::to_bytes;
    use flate2::read::GzDecoder;

    use super::*;

    async fn read(body: Body) -> Vec<u8> {
        to_bytes(body, usize::MAX).await.unwrap().into()
    }

    #[tokio::test]
    async fn a_body_is_its_parts_however_it_is_sent() {
        let (long, longest_stored) = ("0120".repeat(50_000), "x".repeat(0xffff));
        let rows: &[&[Packed]] = &[
            &[],
            &[Packed::new("")],
            &[Packed::brief("{"), Packed::new(long.clone()), Packed::brief("}")],
            &[Packed::new(long.clone()), Packed::new(long.clone())],
            &[Packed::brief(longest_stored.clone()), Packed::brief(""), Packed::brief(format!("{longest_stored}x"))],
        ];
        for parts in rows {
            let parts: Vec<&Packed> = parts.iter().collect();
            let expected: Vec<u8> = parts.iter().flat_map(|part| part.plain().to_vec()).collect();
            assert_eq!(read(plain(&parts)).await, expected);
            let packed = read(gzip(&parts).await.unwrap()).await;
            let mut unpacked = Vec::new();
            GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == expected, "{} bytes became {}", expected.len(), unpacked.len());
        }
    }

    #[tokio::test]
    async fn a_part_is_compressed_once() {
        let part = Packed::new("0120".repeat(50_000));
        let first = part.deflated().await.unwrap().blocks.as_ptr();
        assert_eq!(part.deflated().await.unwrap().blocks.as_ptr(), first);
        assert!(read(gzip(&[&part]).await.unwrap()).await.len() < part.plain().len() / 100);
    }
}
