//! The repository's files.

use std::fs;
use std::path::{Path, PathBuf};

/// What is not ours, or not source.
const SKIPPED: &[&str] =
    &["target", ".git", "node_modules", "dist", "__pycache__", "theazo-data", "theazo-cluster"];

/// A Rust file, by its path from the repository's root.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// Without the tests at its end; nothing of a file that is only tests.
    pub fn code(&self) -> &str {
        if self.is_test() {
            return "";
        }
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let folders = ["tests", "testing"];
        matches!(name, "tests.rs" | "properties.rs" | "conformance.rs")
            || self.path.split('/').any(|part| folders.contains(&part))
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file.
pub fn sources() -> Vec<Source> {
    files("rs").into_iter().map(|path| Source { text: read(&path), path }).collect()
}

/// The paths, from the root, of the files that end in `.<extension>`.
pub fn files(extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), &mut |path| {
        if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
        }
    });
    found.sort();
    found
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), visit);
        } else {
            visit(&entry.path());
        }
    }
}
