//! The few things a ticket is drawn with. Coordinates are points from the upper left corner.

use krilla::color::rgb::Color;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, FillRule, LinearGradient, SpreadMethod, Stop, Stroke, StrokeDash};
use krilla::surface::Surface;

use super::palette::Palette;
use super::qr::Symbol;
use super::typeface::{Typefaces, Weight};
use super::wrap::{Fitted, Room};

/// How far a Bézier handle reaches to draw a quarter of a circle of radius 1.
const QUARTER: f32 = 0.552_284_8;

/// How a line of text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) color: Color,
    /// Extra space between letters, in ems.
    pub(super) tracking: f32,
}

/// Where the x coordinate of a line of text is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

pub(super) struct Canvas<'a, 'page> {
    surface: &'a mut Surface<'page>,
    typefaces: &'a Typefaces,
}

impl<'a, 'page> Canvas<'a, 'page> {
    pub(super) fn new(surface: &'a mut Surface<'page>, typefaces: &'a Typefaces) -> Self {
        Self { surface, typefaces }
    }

    pub(super) fn fit(&self, text: &str, room: &Room) -> Fitted {
        room.fit(text, self.typefaces)
    }

    /// One line; `y` is its baseline.
    pub(super) fn text(&mut self, text: &str, (x, y): (f32, f32), anchor: Anchor, ink: Ink) {
        let line = self.typefaces.shape(text, ink.weight, ink.tracking);
        let width = line.width_em * ink.size;
        let left = match anchor {
            Anchor::Left => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::Right => x - width,
        };
        self.fill(ink.color);
        let font = self.typefaces.font(ink.weight);
        self.surface.draw_glyphs(Point::from_xy(left, y), &line.glyphs, font, text, ink.size, false);
    }

    /// Lines below each other, the first one's baseline at `y`. Returns the baseline of the last.
    pub(super) fn lines(&mut self, fitted: &Fitted, (x, y): (f32, f32), anchor: Anchor, ink: Ink) -> f32 {
        let mut baseline = y;
        for (index, line) in fitted.lines.iter().enumerate() {
            if index > 0 {
                baseline += fitted.size * 1.18;
            }
            self.text(line, (x, baseline), anchor, Ink { size: fitted.size, ..ink });
        }
        baseline
    }

    /// A band whose upper corners are round, shaded from one end of the palette to the other.
    pub(super) fn header(&mut self, rect: Rect, radius: f32, palette: Palette) {
        let stop = |offset, color: Color| Stop { offset, color: color.into(), opacity: NormalizedF32::ONE };
        let gradient = LinearGradient {
            x1: rect.left(),
            y1: rect.bottom(),
            x2: rect.right(),
            y2: rect.top(),
            transform: krilla::geom::Transform::default(),
            spread_method: SpreadMethod::Pad,
            stops: vec![stop(NormalizedF32::ZERO, palette.deep), stop(NormalizedF32::ONE, palette.lively)],
            anti_alias: false,
        };
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill { paint: gradient.into(), opacity: NormalizedF32::ONE, rule: FillRule::default() }));
        self.draw(rounded(rect, radius, 0.0));
    }

    /// The outline of a card with round corners.
    pub(super) fn outline(&mut self, rect: Rect, radius: f32, color: Color) {
        self.stroke(color, 0.8, None);
        self.draw(rounded(rect, radius, radius));
    }

    /// A filled disc.
    pub(super) fn disc(&mut self, (x, y): (f32, f32), radius: f32, fill: Color) {
        self.fill(fill);
        let square = Rect::from_xywh(x - radius, y - radius, 2.0 * radius, 2.0 * radius);
        self.draw(square.and_then(|square| rounded(square, radius, radius)));
    }

    /// The upper half of a circle, as a line.
    pub(super) fn arch(&mut self, (x, y): (f32, f32), radius: f32, color: Color) {
        self.stroke(color, 0.8, None);
        let handle = radius * QUARTER;
        let mut path = PathBuilder::new();
        path.move_to(x - radius, y);
        path.cubic_to(x - radius, y - handle, x - handle, y - radius, x, y - radius);
        path.cubic_to(x + handle, y - radius, x + radius, y - handle, x + radius, y);
        self.draw(path.finish());
    }

    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32), color: Color, dash: Option<f32>) {
        self.stroke(color, 0.8, dash);
        let mut path = PathBuilder::new();
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
        self.draw(path.finish());
    }

    /// The code, black on the paper's white, in a square of `side`.
    pub(super) fn code(&mut self, symbol: &Symbol, (left, top): (f32, f32), side: f32) {
        self.fill(Color::black());
        self.draw(symbol.path(left, top, side));
    }

    fn fill(&mut self, color: Color) {
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill { paint: color.into(), opacity: NormalizedF32::ONE, rule: FillRule::default() }));
    }

    fn stroke(&mut self, color: Color, width: f32, dash: Option<f32>) {
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(Stroke {
            paint: color.into(),
            width,
            dash: dash.map(|length| StrokeDash { array: vec![length, length], offset: 0.0 }),
            ..Stroke::default()
        }));
    }

    fn draw(&mut self, path: Option<Path>) {
        if let Some(path) = path {
            self.surface.draw_path(&path);
        }
    }
}

/// A rectangle whose upper corners have radius `upper` and whose lower ones `lower`.
fn rounded(rect: Rect, upper: f32, lower: f32) -> Option<Path> {
    let (left, top, right, bottom) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let (up, low) = (upper * (1.0 - QUARTER), lower * (1.0 - QUARTER));
    let mut path = PathBuilder::new();
    path.move_to(left + upper, top);
    path.line_to(right - upper, top);
    path.cubic_to(right - up, top, right, top + up, right, top + upper);
    path.line_to(right, bottom - lower);
    path.cubic_to(right, bottom - low, right - low, bottom, right - lower, bottom);
    path.line_to(left + lower, bottom);
    path.cubic_to(left + low, bottom, left, bottom - low, left, bottom - lower);
    path.line_to(left, top + upper);
    path.cubic_to(left, top + up, left + up, top, left + upper, top);
    path.close();
    path.finish()
}
