#![allow(clippy::unwrap_used)]

mod explain;
mod export;
mod ledger;
mod ledger_property;
mod property;
mod records;
mod support;
mod verify;
