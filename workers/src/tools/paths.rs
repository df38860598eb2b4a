//! Paths as models write them.

use super::sandbox::{Refusal, tell};

/// The absolute path that `path` means, with `.` and `..` resolved by their text: a relative one is
/// below `/workspace`. Links are the provider's to resolve and to refuse.
///
/// # Errors
/// [`Refusal::Tell`] for what is outside `/workspace`.
pub fn absolute(path: &str) -> Result<String, Refusal> {
    if path.contains('\0') {
        return tell("A path cannot hold a NUL byte.");
    }
    let mut parts: Vec<&str> = Vec::new();
    if !path.starts_with('/') {
        parts.push("workspace");
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            name => parts.push(name),
        }
    }
    if parts.first() != Some(&"workspace") {
        return tell(format!("{path} is outside /workspace, where all files of the agent are."));
    }
    // A slash at the end says that a directory is meant, and the provider holds the caller to it.
    let slash = if path.ends_with('/') && parts.len() > 1 { "/" } else { "" };
    Ok(format!("/{}{slash}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(path: &str) -> String {
        absolute(path).ok().unwrap_or_else(|| panic!("{path} was refused"))
    }

    #[test]
    fn relative_paths_are_below_the_workspace() {
        assert_eq!(ok("a.txt"), "/workspace/a.txt");
        assert_eq!(ok("./src//x/../main.rs"), "/workspace/src/main.rs");
        assert_eq!(ok("/workspace/a.txt"), "/workspace/a.txt");
        assert_eq!(ok(""), "/workspace");
        assert_eq!(ok("."), "/workspace");
        assert_eq!(ok("/workspace/"), "/workspace");
        assert_eq!(ok("made/"), "/workspace/made/");
    }

    #[test]
    fn what_is_outside_is_told() {
        for path in ["/etc/passwd", "../x", "/workspace/../etc", "/", "/workspaces/x", "a\0b"] {
            assert!(matches!(absolute(path), Err(Refusal::Tell(_))), "{path}");
        }
    }
}
