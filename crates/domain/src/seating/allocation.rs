//! Best available: contiguous seats, front and centre first, and no single empty seat left beside them.

use super::layout::{LayoutSection, SectionKind};

/// A section prepared for finding seats in it. What is taken comes with each call: there is no state to go stale.
#[derive(Debug, Clone)]
pub struct SectionSeats {
    kind: SectionKind,
    numbers: Vec<u32>,
    categories: Vec<u16>,
    /// Way from the row's first seat, in pixels.
    along: Vec<f64>,
    blocks: Vec<Block>,
}

/// Seats side by side without a gap, as indices into the section.
#[derive(Debug, Clone, Copy)]
struct Block {
    start: usize,
    end: usize,
    row: u16,
    /// Length of the whole row, aisles included, as [`SectionSeats::along`] counts.
    row_length: f64,
}

/// How good a run of seats is: the smallest is the best. `start` makes it one choice, always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    leaves_single: bool,
    row: u16,
    off_centre: u32,
    start: usize,
}

impl SectionSeats {
    /// Prepares a section. Its places are in order of their numbers.
    pub fn new(section: &LayoutSection) -> Self {
        let seats = &section.seats;
        let mut along = Vec::with_capacity(seats.len());
        let mut blocks: Vec<Block> = Vec::new();
        let mut row_start = 0;
        for (index, seat) in seats.iter().enumerate() {
            let previous = index.checked_sub(1).map(|previous| &seats[previous]);
            let same_row = previous.filter(|previous| previous.row == seat.row);
            if same_row.is_none() {
                end_row(&mut blocks, row_start, &along);
                row_start = blocks.len();
            }
            let way = same_row.map_or(0.0, |previous| {
                let step = previous.x.zip(previous.y).zip(seat.x.zip(seat.y));
                along[index - 1] + step.map_or(1.0, |(a, b)| f64::from(b.0 - a.0).hypot(f64::from(b.1 - a.1)))
            });
            along.push(way);
            match blocks.last_mut() {
                Some(block) if same_row.is_some_and(|previous| previous.block == seat.block) => block.end = index + 1,
                _ => blocks.push(Block { start: index, end: index + 1, row: seat.row, row_length: 0.0 }),
            }
        }
        end_row(&mut blocks, row_start, &along);
        Self {
            kind: section.kind,
            numbers: seats.iter().map(|seat| seat.no).collect(),
            categories: seats.iter().map(|seat| seat.category).collect(),
            along,
            blocks,
        }
    }

    /// The best `quantity` free places, as ascending [`LayoutSeat::no`](super::LayoutSeat::no); none if there are not that
    /// many side by side.
    ///
    /// Seats are neighbours in one row with no aisle between, all of the `category` if one is asked for. Of all such runs, in
    /// this order: the ones that leave no single empty seat, the front row, the centre of the row, the lower number.
    /// Standing places are the lowest free numbers.
    pub fn best_available(&self, taken: impl Fn(u32) -> bool, quantity: usize, category: Option<u16>) -> Option<Vec<u32>> {
        if quantity == 0 || quantity > self.numbers.len() {
            return None;
        }
        let wanted = |index: usize| category.is_none_or(|category| self.categories[index] == category);
        if self.kind == SectionKind::Standing {
            let free = (0..self.numbers.len()).filter(|&index| wanted(index) && !taken(self.numbers[index]));
            let chosen: Vec<u32> = free.take(quantity).map(|index| self.numbers[index]).collect();
            return (chosen.len() == quantity).then_some(chosen);
        }
        let mut best: Option<Rank> = None;
        for block in &self.blocks {
            if best.is_some_and(|best| !best.leaves_single && best.row < block.row) {
                break;
            }
            self.best_in_block(*block, &taken, quantity, &wanted, &mut best);
        }
        best.map(|best| self.numbers[best.start..best.start + quantity].to_vec())
    }

    /// Whether taking `chosen` leaves an empty seat alone that was not alone before. Standing places are never alone, and
    /// numbers of other sections count for nothing.
    pub fn leaves_single(&self, taken: impl Fn(u32) -> bool, chosen: &[u32]) -> bool {
        if self.kind == SectionKind::Standing {
            return false;
        }
        let mut gone: Vec<usize> = chosen.iter().filter_map(|no| self.numbers.binary_search(no).ok()).collect();
        gone.sort_unstable();
        let is_free = |block: &Block, index: usize| {
            (block.start..block.end).contains(&index) && gone.binary_search(&index).is_err() && !taken(self.numbers[index])
        };
        gone.iter().any(|&index| {
            let block = &self.blocks[self.blocks.partition_point(|block| block.end <= index)];
            let left_single = index > 0 && is_free(block, index - 1) && !(index > 1 && is_free(block, index - 2));
            left_single || (is_free(block, index + 1) && !is_free(block, index + 2))
        })
    }

    /// Looks through every run of `quantity` seats in a block's free stretches.
    fn best_in_block(
        &self,
        block: Block,
        taken: &impl Fn(u32) -> bool,
        quantity: usize,
        wanted: &impl Fn(usize) -> bool,
        best: &mut Option<Rank>,
    ) {
        let mut next = block.start;
        while next + quantity <= block.end {
            let free = (next..block.end).take_while(|&index| !taken(self.numbers[index])).count();
            let (start, end) = (next, next + free);
            // The seat that ended the stretch is taken.
            next = end + 1;
            if free < quantity {
                continue;
            }
            let mut wanted_from = start;
            for last in start..end {
                if !wanted(last) {
                    wanted_from = last + 1;
                }
                let Some(first) = (last + 1).checked_sub(quantity).filter(|&first| first >= wanted_from) else { continue };
                let rank = Rank {
                    leaves_single: first - start == 1 || end - last == 2,
                    row: block.row,
                    off_centre: block.off_centre(self.along[first] + self.along[last]),
                    start: first,
                };
                if best.is_none_or(|best| rank < best) {
                    *best = Some(rank);
                }
            }
        }
    }
}

impl Block {
    /// How far a run is from the middle of its row, in 1/16,384 of the row's length, so that runs on either side of the middle
    /// are equal in spite of rounding. `ends` is the sum of the ways to its two ends.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the resolution")]
    fn off_centre(&self, ends: f64) -> u32 {
        const RESOLUTION: f64 = 16_384.0;
        if self.row_length > 0.0 { ((ends / self.row_length - 1.0).abs() * RESOLUTION / 2.0).round() as u32 } else { 0 }
    }
}

/// Tells the blocks of the row that ends here how long it is.
fn end_row(blocks: &mut [Block], row_start: usize, along: &[f64]) {
    let row_length = along.last().copied().unwrap_or_default();
    for block in &mut blocks[row_start..] {
        block.row_length = row_length;
    }
}
