//! The proof of the bill: the log folded from zero, compared with every read model that shows
//! money, with the ledgers of what was pushed to billers and, when asked, with a biller's own sums;
//! and each usage record made out again from its price and its quantity.
//!
//! The fold here is written without those of the read models. While it goes on the platform works
//! on: a row may be newer than the fold that it is compared with. So a row that differs is not
//! wrong yet. The fold goes on, commit by commit, to what was the log's head after the row was
//! read, and only a row that was like the fold at no commit on the way is wrong.

mod bills;
mod blame;
mod compared;
mod ledger;
mod models;
mod own;
mod report;
mod run;

use std::sync::Arc;

use theazo_domain::Scope;
use theazo_domain::agent::Failure;
use theazo_log::{EventLog, LogError};
use theazo_projections::{ReadError, ReadModels};

use crate::Period;

pub use compared::{Amounts, Compared, FIELDS, Key, Rows, Seen};
pub use ledger::{Ledger, LedgerSum, NoSums, Sums};
pub use models::compared;
pub use report::{Checked, Difference, Report};

/// Why a verification did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the read models are behind the log, and do not catch up; try again")]
    Behind,
    #[error("{}", .0.message)]
    Biller(Failure),
}

/// Compares the read models `models` with what the log of `scope` says. The report's own figures
/// are of `period`; what is compared is the whole history. It takes some memory for each session,
/// agent, task and usage record. With `sums` a
/// biller is called, at least once for each customer, and says what it has of each in `period`.
/// `progress` hears how much of how much of the log is folded.
pub async fn verify(
    log: Arc<dyn EventLog>,
    reads: &ReadModels,
    scope: Scope,
    period: Period,
    models: &[Box<dyn Compared>],
    sums: Option<&Sums>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Report, VerifyError> {
    run::Run::new(log, reads, scope, period, models, progress).await?.finish(sums).await
}
