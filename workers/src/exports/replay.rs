//! What the log has since the last push.

use std::ops::ControlFlow;

use futures::StreamExt;
use theazo_billing::{Owned, Period, records};
use theazo_commands::CommandError;
use theazo_domain::Timestamp;
use theazo_domain::export::{BATCH, ExportRecord};
use theazo_log::Position;

use super::push::{Flow, Push, unavailable};

impl Push<'_> {
    /// Sends what the log has after the place that is reached, up to the push's end.
    pub(super) async fn replay(&mut self) -> Result<Flow, CommandError> {
        let ever = Period::EVER;
        let period = Period {
            from: self.export.from.unwrap_or(ever.from),
            until: self.export.until.unwrap_or(ever.until),
        };
        let (log, upto) = (self.means.host.commander.log().clone(), self.export.upto);
        let mut found = records(log, self.scope, Position(self.export.replayed), period);
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(owned) = found.next().await {
            let owned = owned?;
            if owned.place.position.0 > upto {
                break;
            }
            if owned.record().cost().0 <= 0 {
                self.skipped += 1;
                continue;
            }
            batch.push(owned);
            if batch.len() == BATCH && self.send_new(&mut batch).await?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        self.send_new(&mut batch).await
    }

    /// Sends those of which the ledger has not heard: earlier pushes may have been of a part of
    /// the time, and this one may have been cut off.
    async fn send_new(&mut self, batch: &mut Vec<Owned>) -> Result<Flow, CommandError> {
        let Some(last) = batch.last() else { return Ok(ControlFlow::Continue(())) };
        // The last commit may have more of them.
        let replayed = last.place.position.0.saturating_sub(1).max(self.export.replayed);
        let ids: Vec<String> = batch.iter().map(|owned| owned.record().id().to_owned()).collect();
        let (reads, exporter) = (&self.means.reads, self.export.exporter);
        let known = reads.ledger_of(self.scope, exporter, &ids).await.map_err(unavailable)?;
        let known: std::collections::HashSet<String> =
            known.into_iter().map(|entry| entry.id).collect();
        let new = batch.drain(..).filter(|owned| !known.contains(owned.record().id()));
        let records = new.map(|owned| self.examined(self.record(&owned))).collect();
        self.batch(records, replayed).await
    }

    fn record(&self, owned: &Owned) -> ExportRecord {
        let usage = owned.record();
        let at: Timestamp = usage.at();
        ExportRecord {
            id: usage.id().to_owned(),
            position: owned.place.position.0,
            ordinal: u32::try_from(owned.place.index).unwrap_or(u32::MAX),
            session_id: usage.session,
            user_id: owned.user_id().to_owned(),
            at,
            cost: usage.cost(),
            customer: self.customer(owned.user_id(), &owned.billed.metadata),
            rejections: 0,
            refused: None,
        }
    }
}
