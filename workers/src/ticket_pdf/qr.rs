//! The code as rectangles: sharp at any printer's resolution, and a tenth of a bitmap's size.

use krilla::geom::{Path, PathBuilder, Rect};
use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};

pub(super) struct Symbol {
    modules: Vec<Color>,
    width: usize,
}

impl Symbol {
    /// Level M: 15 % of a crumpled ticket may be unreadable.
    pub(super) fn encode(content: &str) -> Result<Self, QrError> {
        let code = QrCode::with_error_correction_level(content, EcLevel::M)?;
        Ok(Self { width: code.width(), modules: code.into_colors() })
    }

    /// The dark modules in a square of `side` points at `left`, `top`. The quiet zone of four modules
    /// (ISO/IEC 18004, 9.1) is inside the square.
    pub(super) fn path(&self, left: f32, top: f32, side: f32) -> Option<Path> {
        const QUIET: usize = 4;
        let module = side / coordinate(self.width + 2 * QUIET);
        let mut path = PathBuilder::new();
        for (y, row) in self.modules.chunks(self.width).enumerate() {
            for (x, run) in dark_runs(row) {
                let rect = Rect::from_xywh(
                    left + coordinate(x + QUIET) * module,
                    top + coordinate(y + QUIET) * module,
                    coordinate(run) * module,
                    module,
                )?;
                path.push_rect(rect);
            }
        }
        path.finish()
    }
}

/// `(start, length)` of each run of dark modules, so that neighbours are one rectangle without a seam.
fn dark_runs(row: &[Color]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    row.chunk_by(|a, b| a == b).filter_map(move |run| {
        let start = at;
        at += run.len();
        (run[0] == Color::Dark).then_some((start, run.len()))
    })
}

/// A symbol is at most 177 modules wide.
#[expect(clippy::cast_precision_loss, reason = "below 200")]
fn coordinate(modules: usize) -> f32 {
    modules as f32
}
