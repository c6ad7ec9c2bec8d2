//! Why a mail didn't go out, and so whether to try again.

use lettre::address::Envelope;
use lettre::transport::smtp;

/// Two decisions for the caller: give up, or try later.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// This mail will never be taken: trying again changes nothing.
    #[error("refused for good: {reason}")]
    Permanent {
        /// What the server or the composer said; no address, no content.
        reason: String,
    },
    /// The server is away, busy or not set up right. The mail may or may not have gone out: its
    /// `Message-ID` tells.
    #[error("not now: {reason}")]
    Transient {
        /// What happened.
        reason: String,
    },
}

impl MailError {
    pub(super) fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent { reason: reason.into() }
    }

    pub(super) fn transient(reason: impl Into<String>) -> Self {
        Self::Transient { reason: reason.into() }
    }

    /// What goes wrong before the mail is spoken about is never the mail's fault, whatever the code.
    pub(super) fn of_connecting(error: &smtp::Error) -> Self {
        Self::Transient { reason: describe(error) }
    }

    /// RFC 5321, 4.2.1: 4yz may go away, 5yz won't. Except where the 5yz is about our login and not about the mail.
    pub(super) fn of_sending(error: &smtp::Error, envelope: &Envelope) -> Self {
        let reason = describe(error);
        let about_us = matches!(error.status().map(u16::from), Some(530 | 534 | 535 | 538));
        // The one thing our own side refuses because of the mail: an address beyond ASCII for a server without SMTPUTF8.
        let beyond_ascii = envelope.to().iter().any(|to| !AsRef::<str>::as_ref(to).is_ascii());
        let undeliverable_here = error.is_client() && beyond_ascii;
        if (error.is_permanent() && !about_us) || undeliverable_here {
            Self::Permanent { reason }
        } else {
            Self::Transient { reason }
        }
    }
}

fn describe(error: &smtp::Error) -> String {
    let mut text = error.to_string();
    text.retain(|c| !c.is_control());
    text.chars().take(300).collect()
}
