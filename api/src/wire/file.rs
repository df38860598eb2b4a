//! Files of an agent: their paths, and what the API answers about them.

use serde::{Deserialize, Serialize};
use theazo_providers as providers;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// The folder that all files of an agent are in.
const WORKSPACE: &str = "/workspace";
/// Bytes of the longest path that Linux takes (`PATH_MAX`, with its NUL).
const PATH_MAX: usize = 4_096;

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Absolute, below `/workspace`.
    #[param(example = "/workspace/input.json")]
    path: String,
}

/// Which directory.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DirectoryQuery {
    /// Absolute. Default: `/workspace`.
    #[param(example = "/workspace")]
    path: Option<String>,
}

impl FileQuery {
    /// # Errors
    /// 422 when it is not a path below `/workspace`.
    pub fn into_path(self) -> Result<String, ApiError> {
        if depth(&self.path)? == 0 {
            return Err(wrong("names /workspace itself; name a file in it"));
        }
        Ok(self.path)
    }
}

impl DirectoryQuery {
    /// # Errors
    /// 422 when it is not `/workspace` or a path below it.
    pub fn into_path(self) -> Result<String, ApiError> {
        let path = self.path.unwrap_or_else(|| WORKSPACE.to_owned());
        depth(&path)?;
        Ok(path)
    }
}

fn wrong(message: &str) -> ApiError {
    ApiError::invalid("path", message)
}

/// How far below `/workspace` the text of `path` leads. Symlinks are for the provider, which
/// resolves them in the sandbox.
fn depth(path: &str) -> Result<usize, ApiError> {
    if path.is_empty() || path.len() >= PATH_MAX {
        return Err(wrong("must be 1 to 4095 bytes"));
    }
    if path.contains('\0') {
        return Err(wrong("must not have NUL characters"));
    }
    if !path.starts_with('/') {
        return Err(wrong("must be absolute: /workspace/…"));
    }
    let below =
        path.strip_prefix(WORKSPACE).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let outside = || wrong("must be below /workspace");
    below.ok_or_else(outside)?.split('/').try_fold(0usize, |depth, part| match part {
        "" | "." => Ok(depth),
        ".." => depth.checked_sub(1).ok_or_else(outside),
        _ => Ok(depth + 1),
    })
}

/// A file's bytes, as they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct RawBytes(#[expect(dead_code, reason = "this only describes the body")] Vec<u8>);

/// A file that was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrittenFile {
    #[schema(example = "/workspace/input.json")]
    pub path: String,
    /// Bytes.
    #[schema(example = 24)]
    pub size: u64,
}

/// An entry of a directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    #[schema(example = "input.json")]
    name: String,
    /// Bytes; 0 for a directory.
    size: u64,
    is_directory: bool,
}

impl From<providers::FileEntry> for FileEntry {
    fn from(entry: providers::FileEntry) -> Self {
        Self { name: entry.name, size: entry.size, is_directory: entry.is_directory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_workspace_are_taken() {
        for (path, expected) in [
            ("/workspace", 0),
            ("/workspace/", 0),
            ("/workspace/a", 1),
            ("/workspace/./a//b/", 2),
            ("/workspace/a/../b", 1),
            ("/workspace/a/..", 0),
            ("/workspace/..a", 1),
        ] {
            assert_eq!(depth(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn all_others_are_refused_by_name() {
        let long = format!("/workspace/{}", "a".repeat(PATH_MAX));
        for path in [
            "",
            "a",
            "workspace/a",
            "/",
            "/etc/passwd",
            "/workspaces/a",
            "/workspace/..",
            "/workspace/a/../../etc",
            "/workspace/a\0",
            &long,
        ] {
            let error = depth(path).unwrap_err();
            assert_eq!(error.fields[0].path, "path", "{path:?}");
        }
        assert!(FileQuery { path: "/workspace/.".to_owned() }.into_path().is_err());
        assert!(DirectoryQuery { path: None }.into_path().is_ok());
    }
}
