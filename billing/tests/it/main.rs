#![allow(clippy::unwrap_used)]

mod export;
mod property;
mod records;
mod support;
