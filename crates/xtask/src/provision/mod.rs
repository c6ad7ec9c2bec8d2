//! Installs what is missing, and nothing else: on a machine that has everything it looks at a few
//! files and is done in milliseconds.

mod apt;
mod docker;
mod kafka;
mod mail;
mod maven;
mod pgbench;
mod postgres;
mod unfinished;
mod versions;

pub(crate) use self::pgbench::install as pgbench;
use crate::{cache::Cache, source::Source, step::Failure};

/// Everything that building, testing and the demo need here.
pub(crate) fn everything() -> Result<(), Failure> {
    let cache = Cache::locate();
    match Source::choose() {
        Source::Environment => apt::install(&apt::build_tools()),
        Source::Docker => {
            apt::install(&apt::build_tools())?;
            docker::images()
        }
        Source::Local => {
            apt::install(&[apt::build_tools(), apt::servers(&cache)].concat())?;
            versions::check()?;
            if cache.is_complete() {
                return Ok(());
            }
            postgres::install(&cache)?;
            kafka::install(&cache)?;
            mail::install(&cache)
        }
    }
}
