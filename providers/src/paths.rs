//! What paths and ids of the contract are, before any file system has seen them.

use crate::contract::{ProviderError, Result, SandboxId};

/// The longest path Linux takes, and the longest name of one of its parts, in bytes.
const MAX_PATH: usize = 4_095;
const MAX_NAME: usize = 255;

/// The parts of `path` below `/workspace`, with `.` and `..` resolved by their text; empty for
/// `/workspace` itself. A path that is not absolute is taken to start there.
pub fn below_workspace(path: &str) -> Result<Vec<&str>> {
    if path.contains('\0') {
        return Err(ProviderError::BadPath("a path cannot hold a NUL byte".into()));
    }
    if path.len() > MAX_PATH {
        return Err(ProviderError::BadPath(format!("a path has at most {MAX_PATH} bytes")));
    }
    let inside = match path.strip_prefix('/') {
        Some(absolute) => absolute
            .strip_prefix("workspace")
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
            .ok_or_else(|| ProviderError::OutsideWorkspace(path.to_owned()))?,
        None => path,
    };
    let mut parts = Vec::new();
    for part in inside.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(ProviderError::OutsideWorkspace(path.to_owned()));
                }
            }
            name if name.len() > MAX_NAME => {
                return Err(ProviderError::BadPath(format!(
                    "a name in a path has at most {MAX_NAME} bytes"
                )));
            }
            name => parts.push(name),
        }
    }
    Ok(parts)
}

/// An id that is safe as one part of a path, and as a cgroup's name.
pub fn check_id(id: &SandboxId) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (1..=128).contains(&id.0.len()) && id.0.bytes().all(plain) {
        true => Ok(()),
        false => Err(ProviderError::failed("a sandbox's id has letters, digits, `-` and `_` only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_resolved_by_its_text() {
        assert_eq!(below_workspace("/workspace/a/./b//c/../d"), Ok(vec!["a", "b", "d"]));
        assert_eq!(below_workspace("/workspace"), Ok(vec![]));
        assert_eq!(below_workspace("a.txt"), Ok(vec!["a.txt"]));
    }

    #[test]
    fn what_is_outside_is_refused() {
        for path in ["/etc/passwd", "/workspace/../etc", "/workspaces/x", "../x", "/"] {
            let refused = below_workspace(path);
            assert_eq!(refused, Err(ProviderError::OutsideWorkspace(path.to_owned())), "{path}");
        }
        assert!(matches!(below_workspace("a\0b"), Err(ProviderError::BadPath(_))));
        assert!(matches!(below_workspace(&"x".repeat(300)), Err(ProviderError::BadPath(_))));
    }
}
