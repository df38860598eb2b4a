//! Usage records as a download: CSV, JSON lines, or the meter events of Stripe.
//!
//! Whatever the format, a row says its position, which a later request goes on after. What is cut
//! off by an error is an error to whoever reads it: the stream ends with one, never as if it were
//! whole.

mod csv;
mod row;
mod stripe;

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use theazo_log::LogError;

use crate::{Customers, Owned, Records};

pub(crate) use row::waived;
pub use row::{COLUMNS, Line};
pub(crate) use stripe::parts;
pub use stripe::{EVENT_NAME, MAX_VALUE, MeterEvent, meter_events};

/// Rows that are written at once, at most.
const ROWS: usize = 256;

/// Parts of a download; the last one is an error when it is not whole.
pub type Download = BoxStream<'static, Result<Bytes, LogError>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    /// A JSON object a line.
    Json,
    /// Meter events, a JSON object a line.
    Stripe,
}

impl Format {
    pub const ALL: [Format; 3] = [Format::Csv, Format::Json, Format::Stripe];

    pub const fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Stripe => "stripe",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json | Format::Stripe => "application/x-ndjson",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json | Format::Stripe => "ndjson",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| "must be `csv`, `json` or `stripe`".to_owned())
    }
}

/// What makes rows of records. It never sees more than one at a time.
trait Writer: Send + 'static {
    /// What comes before the first row.
    fn begin(&mut self, _: &mut Vec<u8>) {}
    fn row(&mut self, record: &Owned, out: &mut Vec<u8>);
    /// What comes after the last row.
    fn end(&mut self, _: &mut Vec<u8>) {}
}

/// `records` in `format`.
pub fn export(records: Records, format: Format, customers: Arc<dyn Customers>) -> Download {
    match format {
        Format::Csv => written(records, csv::Csv).boxed(),
        Format::Json => written(records, row::Json).boxed(),
        Format::Stripe => written(records, stripe::Stripe::new(customers)).boxed(),
    }
}

enum State<W> {
    Before(Records, W),
    Within(stream::ReadyChunks<Records>, W),
    Broken(LogError),
    After,
}

fn written<W: Writer>(records: Records, writer: W) -> impl Stream<Item = Result<Bytes, LogError>> {
    let parts = stream::unfold(State::Before(records, writer), State::part);
    parts.filter(|part| std::future::ready(!part.as_ref().is_ok_and(Bytes::is_empty)))
}

impl<W: Writer> State<W> {
    async fn part(self) -> Option<(Result<Bytes, LogError>, Self)> {
        let mut out = Vec::new();
        let next = match self {
            State::Before(records, mut writer) => {
                writer.begin(&mut out);
                State::Within(records.ready_chunks(ROWS), writer)
            }
            State::Within(mut records, mut writer) => match records.next().await {
                Some(chunk) => match rows(chunk, &mut writer, &mut out) {
                    Ok(()) => State::Within(records, writer),
                    Err(error) => State::Broken(error),
                },
                None => {
                    writer.end(&mut out);
                    State::After
                }
            },
            State::Broken(error) => return Some((Err(error), State::After)),
            State::After => return None,
        };
        Some((Ok(out.into()), next))
    }
}

fn rows(
    chunk: Vec<Result<Owned, LogError>>,
    writer: &mut impl Writer,
    out: &mut Vec<u8>,
) -> Result<(), LogError> {
    for record in chunk {
        writer.row(&record?, out);
    }
    Ok(())
}
