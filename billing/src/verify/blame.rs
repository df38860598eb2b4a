//! Which events a difference comes from.

use std::collections::HashMap;

use theazo_domain::Scope;
use theazo_domain::pricing::UsageRecord;
use theazo_log::{EventLog, Filter, LogError, Position};

use super::compared::{Amounts, Compared, FIELDS, Key, Seen};
use super::report::{Difference, TOLD};
use crate::Place;
use crate::users::Users;

/// Commits read at a time.
const PAGE: usize = 512;
/// Events that are kept of each row.
const KEPT: usize = 2_000;
/// Events that are named when none stands out.
const NAMED: usize = 10;

/// A row that is not what the log says.
pub(super) struct Blame {
    pub model: usize,
    pub key: Key,
    /// What the log says.
    pub log: Amounts,
    /// None when it is missing.
    pub row: Option<Amounts>,
    /// The fold that `log` is of.
    pub upto: Position,
}

/// The differences of `wrong`, amount by amount. Reads the log again for the first of them.
pub(super) async fn told(
    log: &dyn EventLog,
    scope: Scope,
    models: &[Box<dyn Compared>],
    mut wrong: Vec<Blame>,
) -> Result<Vec<Difference>, LogError> {
    wrong.sort_by(|a, b| (a.model, &a.key).cmp(&(b.model, &b.key)));
    let events = events(log, scope, models, &wrong[..wrong.len().min(TOLD)]).await?;
    let mut all = Vec::new();
    for blame in &wrong {
        let own = events.get(&(blame.model, blame.key.clone()));
        let model = &models[blame.model];
        for (number, field) in model.fields().iter().enumerate() {
            let (must, row) = (blame.log[number], blame.row.map(|row| row[number]));
            if row != Some(must) {
                let (reason, events) = reason(must, row, number, own.map_or(&[], Vec::as_slice));
                let (log, found) = (must.to_string(), row.map(|row| row.to_string()));
                let (name, key) = (model.name(), blame.key.to_string());
                all.push(Difference { name, key, field, log, found, reason, events });
            }
        }
    }
    Ok(all)
}

type Events = HashMap<(usize, Key), Vec<(Place, Amounts)>>;

/// What added to the rows that are wrong.
async fn events(
    log: &dyn EventLog,
    scope: Scope,
    models: &[Box<dyn Compared>],
    wrong: &[Blame],
) -> Result<Events, LogError> {
    let of = |blame: &Blame| ((blame.model, blame.key.clone()), Vec::new());
    let mut events: Events = wrong.iter().map(of).collect();
    let Some(upto) = wrong.iter().map(|blame| blame.upto).max() else { return Ok(events) };
    let mut users = Users::new(scope, Position(u64::MAX));
    let (filter, mut after) = (Filter::scope(scope), Position::START);
    while after < upto {
        let page = log.read(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for commit in page.iter().filter(|commit| commit.position <= upto) {
            for (index, event) in commit.events.iter().enumerate() {
                let record = UsageRecord::of(&commit.stream, event);
                let billed = match &record {
                    Some(record) => users.find(log, record.session).await?,
                    None => None,
                };
                let seen = Seen { commit, event, usage: record.zip(billed.as_deref()) };
                for (number, model) in models.iter().enumerate() {
                    let Some((key, amounts)) = model.of(&seen) else { continue };
                    let own = events.get_mut(&(number, key));
                    if let Some(own) = own.filter(|own| own.len() < KEPT) {
                        own.push((Place { position: commit.position, index }, amounts));
                    }
                }
            }
        }
    }
    Ok(events)
}

/// In words, and the events that are meant.
fn reason(
    must: i128,
    row: Option<i128>,
    field: usize,
    events: &[(Place, [i128; FIELDS])],
) -> (String, Vec<Place>) {
    let newest = || events.iter().rev().take(NAMED).map(|(place, _)| *place).collect();
    let Some(row) = row else {
        return ("The row is missing; these events count to it.".to_owned(), newest());
    };
    let of = |amount: i128| {
        let mut same = events.iter().filter(|(_, amounts)| amounts[field] == amount);
        same.next().filter(|_| same.next().is_none()).map(|(place, _)| vec![*place])
    };
    if let Some(one) = of(must - row) {
        ("The row lacks this event.".to_owned(), one)
    } else if let Some(one) = of(row - must) {
        ("The row counts this event twice.".to_owned(), one)
    } else {
        ("No single event explains it; these are the newest of the row.".to_owned(), newest())
    }
}
