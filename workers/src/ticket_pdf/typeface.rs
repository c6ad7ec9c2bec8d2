//! The typeface: shaping by HarfBuzz's rules, so that what is measured is what is drawn.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{BufferClusterLevel, Direction, Face, GlyphBuffer, Script, ShapePlan, UnicodeBuffer};

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-Bold.otf");

/// Which cut of the typeface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

pub(super) struct Typefaces {
    regular: Typeface,
    bold: Typeface,
}

struct Typeface {
    font: Font,
    face: Face<'static>,
    /// Making a plan costs more than following it for a whole page: one per script.
    plans: RefCell<Vec<(Script, Rc<ShapePlan>)>>,
}

impl Typeface {
    fn shape(&self, buffer: UnicodeBuffer) -> GlyphBuffer {
        let script = buffer.script();
        let known = self.plans.borrow().iter().find(|(of, _)| *of == script).map(|(_, plan)| Rc::clone(plan));
        let plan = known.unwrap_or_else(|| {
            let plan = Rc::new(ShapePlan::new(&self.face, Direction::LeftToRight, Some(script), None, &[]));
            self.plans.borrow_mut().push((script, Rc::clone(&plan)));
            plan
        });
        rustybuzz::shape_with_plan(&self.face, &plan, buffer)
    }
}

/// A line of glyphs, measured in ems until it is given a size.
pub(super) struct Line {
    pub(super) glyphs: Vec<KrillaGlyph>,
    pub(super) width_em: f32,
    /// Where the line may be cut: the byte at which each character group begins, and the ems before it.
    pub(super) stops: Vec<(usize, f32)>,
}

impl Typefaces {
    pub(super) fn load() -> Option<Self> {
        let typeface = |data: &'static [u8]| {
            let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(data);
            Some(Typeface { font: Font::new(shared.into(), 0)?, face: Face::from_slice(data, 0)?, plans: RefCell::default() })
        };
        Some(Self { regular: typeface(REGULAR)?, bold: typeface(BOLD)? })
    }

    pub(super) fn font(&self, weight: Weight) -> Font {
        self.typeface(weight).font.clone()
    }

    /// Shapes one line, left to right: the typeface has no script that runs the other way.
    /// `tracking_em` is added after every glyph.
    pub(super) fn shape(&self, text: &str, weight: Weight, tracking_em: f32) -> Line {
        let typeface = self.typeface(weight);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        // A pile of combining marks must not become one unbreakable cluster wider than the page.
        buffer.set_cluster_level(BufferClusterLevel::MonotoneCharacters);
        buffer.set_direction(Direction::LeftToRight);
        let shaped = typeface.shape(buffer);

        let em = typeface.font.units_per_em();
        let infos = shaped.glyph_infos();
        let mut width_em = 0.0;
        let mut glyphs = Vec::with_capacity(infos.len());
        let mut stops: Vec<(usize, f32)> = Vec::with_capacity(infos.len());
        for (index, (info, position)) in infos.iter().zip(shaped.glyph_positions()).enumerate() {
            let start = info.cluster as usize;
            let end =
                infos[index..].iter().map(|next| next.cluster as usize).find(|&cluster| cluster > start).unwrap_or(text.len());
            if stops.last().is_none_or(|&(last, _)| last < start) {
                stops.push((start, width_em));
            }
            let advance = units(position.x_advance) / em + tracking_em;
            width_em += advance;
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                advance,
                units(position.x_offset) / em,
                units(position.y_offset) / em,
                units(position.y_advance) / em,
                start..end,
                None,
            ));
        }
        Line { glyphs, width_em, stops }
    }

    /// Width of `text` in points at `size`.
    pub(super) fn width(&self, text: &str, weight: Weight, size: f32) -> f32 {
        self.shape(text, weight, 0.0).width_em * size
    }

    fn typeface(&self, weight: Weight) -> &Typeface {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

/// Font units are small integers: a glyph is some thousand units wide.
#[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
fn units(value: i32) -> f32 {
    value as f32
}
