//! Documents in a folder, each there as a whole or not at all.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;
use uuid::Uuid;

/// The folder.
#[derive(Clone, Debug)]
pub struct ObjectFolder {
    dir: PathBuf,
}

impl ObjectFolder {
    /// Touches nothing yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Writes documents under their keys (see `goticket_contracts::objects`), replacing what is there. On return all of them
    /// are on disk.
    pub async fn put(&self, documents: Vec<(String, Vec<u8>)>) -> io::Result<()> {
        let dir = self.dir.clone();
        spawn_blocking(move || documents.iter().try_for_each(|(key, bytes)| write(&dir.join(key), bytes)))
            .await
            .map_err(io::Error::other)?
    }

    /// Reads a document; None where there is none.
    pub async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        match tokio::fs::read(self.dir.join(key)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Through a temporary file beside it, so that a reader, or a crash, never sees half of it.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a key without a folder"))?;
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(".{}.tmp", Uuid::new_v4()));
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_is_read_back_and_replaced_as_a_whole() {
        let dir = std::env::temp_dir().join(format!("goticket-objects-{}", Uuid::new_v4()));
        let folder = ObjectFolder::new(&dir);
        assert_eq!(folder.get("tickets/a.pdf").await.unwrap(), None);
        for text in ["first", "second, longer"] {
            folder.put(vec![("tickets/a.pdf".to_owned(), text.into())]).await.unwrap();
            assert_eq!(folder.get("tickets/a.pdf").await.unwrap().as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(fs::read_dir(dir.join("tickets")).unwrap().count(), 1, "no temporary file is left");
        fs::remove_dir_all(dir).unwrap();
    }
}
