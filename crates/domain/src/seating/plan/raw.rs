//! The file as it is written: the properties we know, each of any type. Properties we don't know are skipped.
//!
//! The published schema (version 0.0.1) has changed over the years without changing its version: areas once had `width`,
//! `height` and a plain text, zones had no id, positions were integers. All of it is still around.

use serde::{Deserialize, de::IgnoredAny};

use super::field::{Field, List, Scalar};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPlan {
    pub(super) name: Scalar,
    pub(super) size: Field<RawSize>,
    pub(super) categories: List<Field<RawCategory>>,
    pub(super) zones: List<Field<RawZone>>,
    /// The API of pretix wraps a plan into an object of this property.
    pub(super) layout: Field<Box<RawPlan>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSize {
    pub(super) width: Scalar,
    pub(super) height: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawCategory {
    pub(super) name: Scalar,
    pub(super) color: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawZone {
    pub(super) name: Scalar,
    pub(super) zone_id: Scalar,
    pub(super) position: Field<RawPosition>,
    pub(super) rows: List<Field<RawRow>>,
    pub(super) areas: List<Field<RawArea>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRow {
    pub(super) row_number: Scalar,
    pub(super) row_label: Scalar,
    pub(super) row_number_position: Scalar,
    pub(super) position: Field<RawPosition>,
    pub(super) seats: List<Field<RawSeat>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSeat {
    pub(super) seat_guid: Scalar,
    pub(super) seat_number: Scalar,
    pub(super) position: Field<RawPosition>,
    pub(super) category: Scalar,
    pub(super) radius: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPosition {
    pub(super) x: Scalar,
    pub(super) y: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawArea {
    pub(super) uuid: Scalar,
    pub(super) shape: Scalar,
    pub(super) color: Scalar,
    pub(super) border_color: Scalar,
    pub(super) rotation: Scalar,
    pub(super) position: Field<RawPosition>,
    pub(super) rectangle: Field<RawSize>,
    pub(super) circle: Field<RawCircle>,
    pub(super) ellipse: Field<RawEllipse>,
    pub(super) polygon: Field<RawPolygon>,
    pub(super) text: Field<RawText>,
    /// Of an area from before there were shapes.
    pub(super) width: Scalar,
    /// Of an area from before there were shapes.
    pub(super) height: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawCircle {
    pub(super) radius: Scalar,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawEllipse {
    pub(super) radius: Field<RawPosition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPolygon {
    pub(super) points: Field<IgnoredAny, Field<RawPosition>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawText {
    pub(super) text: Scalar,
    pub(super) position: Field<RawPosition>,
    pub(super) size: Scalar,
    pub(super) color: Scalar,
}
