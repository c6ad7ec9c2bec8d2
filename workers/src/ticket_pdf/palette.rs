//! An event's two colours, always the same for the same event. White text reads well on all of them.

use krilla::color::rgb::Color;
use uuid::Uuid;

/// From the dark to the lively end of the header, and the same lively tone for labels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) deep: Color,
    pub(super) lively: Color,
}

const PALETTES: [[(u8, u8, u8); 2]; 6] = [
    [(0x1e, 0x1b, 0x4b), (0x5b, 0x3f, 0xd6)], // indigo
    [(0x0b, 0x2b, 0x40), (0x0f, 0x76, 0x9c)], // lake
    [(0x3b, 0x07, 0x2a), (0xb0, 0x1e, 0x63)], // raspberry
    [(0x06, 0x2e, 0x2b), (0x0f, 0x7a, 0x64)], // pine
    [(0x3f, 0x13, 0x0c), (0xb9, 0x3a, 0x1f)], // brick
    [(0x17, 0x1c, 0x2c), (0x3e, 0x57, 0x8f)], // slate
];

impl Palette {
    pub(super) fn of(event: Uuid) -> Self {
        // The last byte of a UUIDv7 is random, the first ones are a clock.
        let index = usize::from(event.as_bytes()[15]) % PALETTES.len();
        let [deep, lively] = PALETTES[index].map(|(red, green, blue)| Color::new(red, green, blue));
        Self { deep, lively }
    }
}
