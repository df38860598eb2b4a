use crate::support::Folder;

theazo_log::conformance!(Folder::new());

/// The same with buffers and caches so small that none of them ever helps.
mod with_tiny_caches {
    use crate::support::Folder;

    theazo_log::conformance!(Folder::tiny());
}
