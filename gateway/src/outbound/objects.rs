//! The object folder, in which workers put ticket PDFs.

use std::io::ErrorKind;
use std::path::PathBuf;

use goticket_contracts::objects::ticket_pdf;
use goticket_domain::TicketId;

use crate::fault::Fault;

/// Largest PDF that is served: one page with a QR code is far smaller.
const PDF_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(crate) struct Objects {
    dir: PathBuf,
}

impl Objects {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The PDF of a ticket; None until it is rendered. It is put there whole, by renaming.
    pub(crate) async fn ticket_pdf(&self, ticket: TicketId) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.dir.join(ticket_pdf(ticket));
        let unreadable = |error: std::io::Error| Fault::Bug(format!("{}: {error}", path.display()));
        match tokio::fs::metadata(&path).await {
            Ok(about) if about.len() > PDF_BYTES_MAX => Err(Fault::Bug(format!("{} is too large", path.display()))),
            Ok(_) => tokio::fs::read(&path).await.map(Some).map_err(unreadable),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }
}
