//! A key folder of its own for each test, its keys, and forges holding its private keys.

use goticket_domain::{AccountId, EventId};
use goticket_tokens::keys::{KeyFolder, Keys};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use crate::forge::Forge;

pub(crate) const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0xa));
pub(crate) const EVENT: EventId = EventId(Uuid::from_u128(0xe));
pub(crate) const NOW_S: i64 = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    at(NOW_S)
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) keys: Keys,
    pub(crate) access: Forge,
    pub(crate) entry: Forge,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        KeyFolder::generate(dir.path()).unwrap();
        let keys = KeyFolder::load(dir.path()).unwrap();
        let forge = |name: &str, kid: &str| Forge::from_pem(&std::fs::read_to_string(dir.path().join(name)).unwrap(), kid);
        let (access, entry) = (forge("access.pem", keys.access_signer.kid()), forge("entry.pem", keys.entry_signer.kid()));
        Self { dir, keys, access, entry }
    }
}
