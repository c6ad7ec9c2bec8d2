//! GreenMail: a mail server whose mails can be read back over HTTP.

use super::{maven, unfinished};
use crate::{
    cache::{Cache, MAIL_VERSION},
    step::Failure,
};

pub(crate) fn install(cache: &Cache) -> Result<(), Failure> {
    unfinished::fill(cache, &cache.mail(), |folder| {
        maven::artifact("the mail server", &format!("com.icegreen:greenmail-standalone:{MAIL_VERSION}"), folder)
    })
}
