//! HTML → Markdown, for models.
//!
//! A page comes from strangers and is converted inside the server, so this never builds a tree:
//! one pass over the tokens, no recursion, time and memory in proportion to the page, and at most
//! [`MAX_TEXT`] bytes out. Converters that build a tree overflow their stack on deeply nested
//! elements (htmd), or need minutes for some megabyte-sized pages (those on html5ever's tree).

mod inline;
mod page;
mod table;
mod tokens;
mod writer;

pub use page::{Page, convert};

/// The most that is made of a page, in bytes.
const MAX_TEXT: usize = 2 << 20;
/// As deep as lists and quotes are shown: every line is indented by it.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests;
