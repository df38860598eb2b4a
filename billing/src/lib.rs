//! The bill as a replay of the log.
//!
//! The read models answer what a month came to; here is where that comes from. [`records`] goes
//! through the log and gives each usage record with its user. Exports, pushes, the proof of the
//! read models and the tree of `theazo billing explain` are all made of it.
//!
//! A usage record has two times. `at` is when it was used, which says what period it belongs to.
//! `recorded` is when it was committed, a little later, or much later when a server was down. A
//! period is exported by `at`. What was recorded more than [`GRACE_MILLIS`] after the period's end
//! is an *adjustment*: the period was closed by then, so it is billed in the one that is open.

mod customers;
mod explain;
mod export;
mod period;
pub mod push;
mod records;
mod start;
mod users;
mod verify;

pub use customers::{CUSTOMER_KEY, Customers, NoCustomers};
pub use explain::{Depth, ExplainError, Node, explain};
pub use export::{
    COLUMNS, Download, EVENT_NAME, Format, Line, MAX_VALUE, MeterEvent, export, meter_events,
};
pub use period::{GRACE_MILLIS, Period};
pub use records::{Owned, Place, Records, records};
pub use users::Billed;
pub use verify::{
    Amounts, Checked, Compared, Difference, FIELDS, Key, Ledger, LedgerSum, NoSums, Report, Rows,
    Seen, Sums, VerifyError, compared, verify,
};

use export::waived;
