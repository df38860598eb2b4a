//! The proof of the bill, and what it is made of.

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};
use theazo_billing::{
    Checked, Depth, Difference, Ledger, LedgerSum, Period, Place, Sums, compared, explain, records,
    verify,
};
use theazo_domain::export::Exporter;
use theazo_domain::{Mode, Pico, Scope};
use theazo_log::Position;

use super::keys::find_org;
use super::{Replies, Reply};
use crate::runtime::Runtime;

/// Whose bill, and of when.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bill {
    /// By id or name; the first one when absent.
    pub org: Option<String>,
    pub mode: Mode,
    pub from: Option<String>,
    pub until: Option<String>,
}

impl Bill {
    async fn of(&self, runtime: &Runtime) -> anyhow::Result<(Scope, Period)> {
        let org = find_org(runtime, self.org.clone()).await?.id;
        let scope = Scope { org, mode: self.mode };
        let settings = runtime.commander.settings(scope).await?;
        let (from, until) = (self.from.as_deref(), self.until.as_deref());
        let period = Period::parse(from, until, settings.billing_day, theazo_commands::now());
        let period = period.map_err(|fields| {
            let wrong = fields.iter().map(|field| format!("--{} {}", field.path, field.message));
            anyhow!("{}", wrong.collect::<Vec<_>>().join("; "))
        })?;
        Ok((scope, period))
    }
}

/// Stripe's sums of the org's customers.
async fn sums(runtime: &Runtime, scope: Scope) -> anyhow::Result<Sums> {
    let commander = &runtime.commander;
    let biller = commander.settings(scope).await?.biller(Exporter::Stripe);
    let key = commander.reveal_org_secret(scope, Exporter::Stripe.secret()).await?;
    Ok(Sums::of_stripe(&runtime.billers, scope.mode, key, &biller)?)
}

pub async fn verify_bill(
    runtime: &Runtime,
    to: &Replies,
    bill: &Bill,
    stripe: bool,
) -> anyhow::Result<()> {
    let (scope, period) = bill.of(runtime).await?;
    let sums = if stripe { Some(sums(runtime, scope).await?) } else { None };
    let (progress_to, mut progress_from) = tokio::sync::mpsc::unbounded_channel();
    let models = compared(&period);
    let log = runtime.log.clone();
    let progress = move |done, total| {
        // Whoever asked may have gone away: then nobody watches.
        progress_to.send((done, total)).ok();
    };
    let verify = verify(log, &runtime.reads, scope, period, &models, sums.as_ref(), progress);
    let show = async {
        while let Some((done, total)) = progress_from.recv().await {
            let what = "verifying".to_owned();
            to.send(Reply::Progress { what, done, total }).await?;
        }
        anyhow::Ok(())
    };
    let (report, shown) = tokio::join!(verify, show);
    shown?;
    let report = report?;
    let line = |text| to.send(Reply::Line(text));
    line(format!(
        "{} to {}: {} usage records, {}",
        period.from,
        period.until,
        report.records_of_period,
        dollars(report.cost_of_period.to_cents()),
    ))
    .await?;
    for Checked { name, rows, differences } in &report.checked {
        line(format!("{name:<16} {rows:>9} compared, {differences} differ")).await?;
    }
    for ledger in &report.ledgers {
        for text in of_ledger(ledger) {
            line(text).await?;
        }
    }
    for difference in &report.differences {
        line(told(difference)).await?;
    }
    if !report.ok() {
        bail!("the bill is not what the log says, in {} amounts", report.found);
    }
    let (commits, position) = (report.commits, report.position);
    line(format!("{commits} commits up to position {position}: the bill is what the log says"))
        .await?;
    Ok(())
}

/// What has become of the period's usage at a biller.
fn of_ledger(Ledger { exporter, totals, unheard }: &Ledger) -> Vec<String> {
    let shown = |what: &str, records: u64, cost: Pico| {
        format!("{exporter}: {what}: {records} usage records, {}", dollars(cost.to_cents()))
    };
    let mut lines: Vec<String> = totals
        .iter()
        .map(|LedgerSum { status, code, records, cost }| match code {
            Some(code) => shown(&format!("{} ({code})", status.as_str()), *records, *cost),
            None => shown(status.as_str(), *records, *cost),
        })
        .collect();
    if unheard.0 > 0 {
        lines.push(shown("not pushed yet", unheard.0, unheard.1));
    }
    lines
}

fn told(difference: &Difference) -> String {
    let Difference { name, key, field, log, found, reason, events } = difference;
    let found = found.as_deref().unwrap_or("nothing");
    let events: Vec<String> = events.iter().map(Place::to_string).collect();
    let events = events.join(", ");
    format!("{name} {key}: {field} is {found}, the log says {log}. {reason} Events: {events}")
}

pub async fn explain_bill(
    runtime: &Runtime,
    to: &Replies,
    bill: &Bill,
    user: Option<&str>,
    depth: u8,
) -> anyhow::Result<()> {
    let (scope, period) = bill.of(runtime).await?;
    let depth = match depth {
        1 => Depth::Users,
        2 => Depth::Sessions,
        3 => Depth::Agents,
        4 => Depth::Meters,
        _ => Depth::Records,
    };
    let records = records(runtime.log.clone(), scope, Position::START, period);
    let tree = explain(records, user, depth, |_| ()).await?;
    for line in tree.lines() {
        to.send(Reply::Line(line)).await?;
    }
    Ok(())
}

fn dollars(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}${}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}
