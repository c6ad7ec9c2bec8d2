//! What everybody at the onsale shares.

use std::sync::Arc;

use crate::api::Api;
use crate::stage::Onsale;
use crate::tally::Tally;

/// The sale as all fans share it.
#[derive(Clone)]
pub(crate) struct Night {
    pub api: Api,
    pub onsale: Arc<Onsale>,
    pub tally: Arc<Tally>,
    /// Of the fans' decisions.
    pub seed: u64,
}
