#![allow(clippy::unwrap_used)]

mod explain;
mod export;
mod ledger;
mod property;
mod records;
mod support;
mod verify;
