//! Folders point one way: `inbound → app → outbound`.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder, and what nothing in it names.
const RULES: [(&str, &[&str]); 3] = [
    ("inbound", &["goticket_storage", "crate::outbound"]),
    ("app", &["crate::inbound"]),
    ("outbound", &["crate::app", "crate::inbound"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn folders_point_one_way() {
    for (folder, forbidden) in RULES {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut files);
        assert!(files.len() > 5, "{folder}: {files:?}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for name in forbidden {
                assert!(!text.contains(name), "{} names {name}", file.display());
            }
        }
    }
}
