//! Between the domain's types and the columns'.

use std::str::FromStr;

use iso_currency::Currency;
use jiff::Timestamp;
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use crate::StorageError;

pub(super) fn uuids<T>(items: &[T], id: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    items.iter().map(id).collect()
}

pub(super) fn to_small(number: u16) -> Result<i16, StorageError> {
    i16::try_from(number).map_err(unexpected)
}

pub(super) fn to_int(number: u32) -> Result<i32, StorageError> {
    i32::try_from(number).map_err(unexpected)
}

pub(super) fn small(number: i16) -> Result<u16, StorageError> {
    u16::try_from(number).map_err(unexpected)
}

pub(super) fn number(number: i32) -> Result<u32, StorageError> {
    u32::try_from(number).map_err(unexpected)
}

pub(super) fn parsed<T: FromStr<Err = String>>(text: &str) -> Result<T, StorageError> {
    text.parse().map_err(unexpected)
}

pub(super) fn currency(code: &str) -> Result<Currency, StorageError> {
    Currency::from_code(code).ok_or_else(|| unexpected(format!("unknown currency {code:?}")))
}

pub(super) fn timestamp(row: &PgRow, column: &str) -> Result<Timestamp, StorageError> {
    Ok(row.try_get::<jiff_sqlx::Timestamp, _>(column)?.to_jiff())
}

pub(super) fn unexpected(error: impl std::fmt::Display) -> StorageError {
    StorageError::Unexpected(format!("{error}"))
}
