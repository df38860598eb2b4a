//! One push of usage to a biller: which records were sent, and what came of each.
//!
//! A batch is in the log before it is sent, and its outcome after. A push that was cut off is taken
//! up again with the batch that has no outcome: the same records under the same identifiers, by
//! which the biller can tell that it has them.

mod biller;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use biller::{Biller, BillerPatch, Exporter};
pub use event::{ExportEvent, ExportOutcome, ExportRecord, Outcome};
pub use state::{Export, ExportCounts, ExportStatus};

use crate::agent::Failure;
use crate::{ExportId, Timestamp};

/// Records in one batch, at most.
pub const BATCH: usize = 100;
/// The code of a record whose user is no customer of the biller's (yet).
pub const NO_CUSTOMER: &str = "no_customer";

/// What a push is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartExport {
    pub export_id: ExportId,
    pub exporter: Exporter,
    /// Of the tenant's pushes to this biller, from 1.
    pub number: u32,
    /// Only usage at this time or later.
    pub from: Option<Timestamp>,
    /// Only usage before this time.
    pub until: Option<Timestamp>,
    /// Also what the biller has rejected.
    pub retry_rejected: bool,
    /// Every record of the log up to here has been looked at by an earlier push.
    pub after: u64,
    /// The last position of the log that is looked at.
    pub upto: u64,
}

#[derive(Debug, Clone)]
pub enum ExportCommand {
    Start(StartExport),
    /// The next records are about to be sent. `batch` is its number, from 1, so that of two who
    /// carry out the same push one is heard.
    Send {
        batch: u32,
        records: Vec<ExportRecord>,
        replayed: u64,
        skipped: u64,
    },
    /// What came of the records of this batch.
    Report {
        batch: u32,
        outcomes: Vec<ExportOutcome>,
    },
    /// What became of records of earlier pushes.
    Reconcile {
        outcomes: Vec<ExportOutcome>,
    },
    /// All is sent.
    Finish {
        skipped: u64,
    },
    /// It cannot go on. What is not sent goes out with the next push.
    Fail(Failure),
}
