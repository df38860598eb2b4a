//! The read model of bills: by day and what was used, and by user.

use std::borrow::Cow;
use std::ops::Range;

use async_trait::async_trait;
use theazo_domain::pricing::Usage;
use theazo_domain::{Day, Scope, Timestamp};
use theazo_projections::{Billed, BilledWhat, ReadError, ReadModels};

use super::compared::{Amounts, Compared, Key, Rows, Seen};
use super::models::{amounts, with_tokens};
use crate::Period;

/// Days read at a time.
const DAYS: usize = 31;
/// Longer names of models are cut by the read model.
const NAME_MOST: usize = 256;

/// The days of a period, by what was used on each.
pub(super) struct Bills(pub Range<Day>);

/// The users of a period, over all of its days, as they are asked for.
pub(super) struct Users(pub Range<Day>);

/// The days that a period touches.
pub(super) fn days_of(period: &Period) -> Range<Day> {
    let last = Timestamp::from_millis(period.until.as_millis().saturating_sub(1));
    period.from.day()..last.day().next()
}

#[async_trait]
impl Compared for Bills {
    fn name(&self) -> &'static str {
        "billing"
    }

    fn fields(&self) -> &'static [&'static str] {
        &[
            "cost",
            "records",
            "computeMs",
            "byteSeconds",
            "input",
            "cacheRead",
            "cacheWrite",
            "output",
        ]
    }

    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        let (record, _) = seen.usage.as_ref()?;
        let (day, cost) = (record.day(), record.cost().0);
        let (what, amounts) = match record.usage {
            Usage::Compute(usage) => {
                ("compute".into(), amounts(&[cost, 1, usage.compute_millis.into()]))
            }
            Usage::Storage(usage) => {
                ("storage".into(), amounts(&[cost, 1, 0, usage.byte_seconds.into()]))
            }
            Usage::Model(usage) => {
                (of_model(&usage.model), with_tokens(&[cost, 1, 0, 0], &usage.tokens))
            }
        };
        self.0.contains(&day).then(|| (key(day, &what), amounts))
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let days = match after.and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Day::from_number(number).next()..self.0.end,
            None => self.0.clone(),
        };
        let there = reads.billed_days(scope, days).await?;
        let mut rows = Vec::new();
        for (day, _) in there.iter().take(DAYS) {
            let billed = reads.billed(scope, *day..day.next()).await?;
            rows.extend(billed.iter().filter_map(|billed| row(*day, billed)));
        }
        let last = there.get(DAYS - 1).filter(|_| there.len() > DAYS);
        let next = last.and_then(|(day, _)| u64::try_from(day.number()).ok());
        Ok(Rows { rows, next })
    }
}

/// Sessions and agents that began cost nothing.
fn row(day: Day, Billed { what, sums }: &Billed) -> Option<(Key, Amounts)> {
    let what: Cow<'_, str> = match what {
        BilledWhat::Compute => "compute".into(),
        BilledWhat::Storage => "storage".into(),
        BilledWhat::Model(model) => of_model(model),
        BilledWhat::Sessions | BilledWhat::Agents => return None,
    };
    let bytes = i128::try_from(sums.byte_seconds).unwrap_or(i128::MAX);
    let first = [sums.cost.0, sums.number.into(), sums.millis.into(), bytes];
    Some((key(day, &what), with_tokens(&first, &sums.tokens)))
}

fn key(day: Day, what: &str) -> Key {
    Key::Other(format!("{day}/{what}").into())
}

fn of_model(name: &str) -> Cow<'_, str> {
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let cut = if name.len() > NAME_MOST { NAME_MOST } else { usize::MAX };
    format!("model {}", name.chars().take(cut).map(plain).collect::<String>()).into()
}

#[async_trait]
impl Compared for Users {
    fn name(&self) -> &'static str {
        "billing_users"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["cost", "records"]
    }

    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        let (record, billed) = seen.usage.as_ref()?;
        let user = Key::Other(billed.user_id.as_str().into());
        let amounts = amounts(&[record.cost().0, 1]);
        self.0.contains(&record.day()).then_some((user, amounts))
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        _: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let users = reads.billed_users(scope, self.0.clone()).await?;
        let rows = users.into_iter().map(|user| {
            let key = Key::Other(user.user_id.into());
            (key, amounts(&[user.cost.0, user.records.into()]))
        });
        Ok(Rows { rows: rows.collect(), next: None })
    }
}
