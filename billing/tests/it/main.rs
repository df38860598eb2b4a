#![allow(clippy::unwrap_used)]

mod explain;
mod export;
mod property;
mod records;
mod support;
mod verify;
