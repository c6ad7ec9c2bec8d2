//! Who sits beside whom: the order of seats along a row, and where an aisle parts them.

/// A step this many times the usual one is an aisle or a gap. Curved rows vary by a few percent; half a seat's width of
/// clearance is still no way through; one seat left out doubles the step.
const AISLE: f64 = 1.5;
/// A row with at least this many steps has a usual step of its own, a shorter one takes its section's.
const OWN_STEPS: usize = 3;
/// Blocks are numbered within this, beyond it again from 0: neighbouring blocks still differ.
const BLOCKS: u16 = i16::MAX.unsigned_abs();

/// The seats of one row, put in order.
#[derive(Debug)]
pub(super) struct Runs {
    /// Indices into the row's seats, along the row.
    pub(super) order: Vec<usize>,
    /// Distances between consecutive seats in that order.
    pub(super) steps: Vec<f64>,
}

impl Runs {
    /// Keeps the file's order, or sorts along the row's main direction if that makes the way through all seats shorter.
    /// So rows in a deep curve or around a table stay as drawn, and rows listed by number or appended to are put right.
    pub(super) fn new(points: &[(f64, f64)]) -> Self {
        let listed: Vec<usize> = (0..points.len()).collect();
        let steps = distances(points, &listed);
        let direction = main_direction(points);
        let mut sorted = listed.clone();
        sorted.sort_by(|&a, &b| along(points[a], direction).total_cmp(&along(points[b], direction)));
        let sorted_steps = distances(points, &sorted);
        // The margin keeps the file's order where both ways are equally long but for rounding.
        if sorted_steps.iter().sum::<f64>() < steps.iter().sum::<f64>() * 0.999 {
            Self { order: sorted, steps: sorted_steps }
        } else {
            Self { order: listed, steps }
        }
    }

    /// The block of each seat in order. `section_step` is the usual step of the section.
    pub(super) fn blocks(&self, section_step: f64) -> impl Iterator<Item = u16> {
        let own = if self.steps.len() >= OWN_STEPS { usual_step(self.steps.iter().copied()) } else { 0.0 };
        let usual = if own > 0.0 { own } else { section_step };
        let first = (!self.order.is_empty()).then_some(0);
        let rest = self.steps.iter().scan(0_u16, move |block, &step| {
            if usual > 0.0 && step > usual * AISLE {
                *block = (*block + 1) % BLOCKS;
            }
            Some(*block)
        });
        first.into_iter().chain(rest)
    }
}

/// The step between neighbours: the lower third of all steps, as in a row of pairs up to half of them are gaps.
/// Zero if all seats stand at the same point, or there is but one.
pub(super) fn usual_step(steps: impl Iterator<Item = f64>) -> f64 {
    let mut steps: Vec<f64> = steps.filter(|step| *step > f64::EPSILON).collect();
    if steps.is_empty() {
        return 0.0;
    }
    let third = (steps.len() - 1) / 3;
    *steps.select_nth_unstable_by(third, f64::total_cmp).1
}

fn distances(points: &[(f64, f64)], order: &[usize]) -> Vec<f64> {
    order.windows(2).map(|pair| (points[pair[1]].0 - points[pair[0]].0).hypot(points[pair[1]].1 - points[pair[0]].1)).collect()
}

/// Unit vector of the line that fits the points best, to the right (downwards if it is vertical).
#[expect(clippy::cast_precision_loss, reason = "a row has few seats")]
fn main_direction(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    (angle.cos(), angle.sin())
}

fn along(point: (f64, f64), direction: (f64, f64)) -> f64 {
    point.0 * direction.0 + point.1 * direction.1
}
