//! Rules about the code itself, so that nobody has to remember them. Each says what to do instead.
//! Lists of exceptions may lose lines, never gain them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/routes.rs"]
mod routes;
#[path = "tidy/sdk.rs"]
mod sdk;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;
