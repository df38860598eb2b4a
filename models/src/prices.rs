//! What the vendors' models cost: a table with effective dates, never a guess.
//!
//! A model is found by its exact id, then by its id without a date at its end (`-YYYYMMDD`,
//! `-YYYY-MM-DD`). One that is not found is unpriced.
//!
//! Where a vendor publishes no rate for writing to a cache, the plain input rate holds (it is never
//! free), and for the longer-lived cache that of the short-lived one if there is any. Where it
//! publishes none for reading from a cache, the input rate holds as well.

use std::sync::Arc;

use serde::Deserialize;
use theazo_domain::pricing::{LongPrompt, ModelPrice, Rates};
use theazo_domain::{Pico, Timestamp};

use crate::capability::{Capabilities, ModelLimits};
use crate::decimal;

/// `models/prices.json`: its head says how to read it.
const TABLE: &str = include_str!("../prices.json");

/// Prices by vendor, model and time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PriceTable(Arc<[Row]>);

#[derive(Debug)]
struct Row {
    vendor: String,
    model: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    price: ModelPrice,
}

/// A model of the table and its price at some time.
#[derive(Debug, Clone, PartialEq)]
pub struct PricedModel<'a> {
    pub vendor: &'a str,
    pub model: &'a str,
    pub price: &'a ModelPrice,
    pub limits: ModelLimits,
}

impl PriceTable {
    /// The table of this build.
    pub fn built_in() -> Self {
        // The tests read the same bytes, so this cannot fail in a build that has passed them.
        Self::from_json(TABLE).unwrap_or_else(|error| {
            tracing::error!(%error, "the price table cannot be read: no model has a price");
            Self(Arc::new([]))
        })
    }

    fn from_json(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let rows: Result<Vec<Row>, String> = file.models.into_iter().map(Row::read).collect();
        rows.map(|rows| Self(rows.into()))
    }

    /// The price of one token of each kind at a time.
    pub fn price(&self, vendor: &str, model: &str, at: Timestamp) -> Option<ModelPrice> {
        let exact = |id: &str| {
            let mut rows = self.0.iter().filter(|row| row.vendor == vendor && row.model == id);
            rows.find(|row| row.holds(at)).map(|row| row.price.clone())
        };
        exact(model).or_else(|| exact(without_date(model)?))
    }

    /// All models that have a price at a time, in the order of the table.
    pub fn all(&self, at: Timestamp) -> impl Iterator<Item = PricedModel<'_>> {
        self.0.iter().filter(move |row| row.holds(at)).map(|row| PricedModel {
            vendor: &row.vendor,
            model: &row.model,
            price: &row.price,
            limits: Capabilities::of_model(&row.vendor, &row.model).limits,
        })
    }

    /// The ids of a vendor's models, with repetitions.
    pub(crate) fn models(&self, vendor: &str) -> impl Iterator<Item = &str> {
        let rows = self.0.iter().filter(move |row| row.vendor == vendor);
        rows.map(|row| row.model.as_str())
    }
}

/// `claude-haiku-4-5-20251001` and `gpt-4o-2024-08-06` without their dates.
fn without_date(model: &str) -> Option<&str> {
    let is_date = |date: &str, dashes: &[usize]| {
        date.bytes()
            .enumerate()
            .all(|(i, b)| if dashes.contains(&i) { b == b'-' } else { b.is_ascii_digit() })
    };
    let cut = |length: usize, dashes: &[usize]| {
        let (id, date) = model.split_at_checked(model.len().checked_sub(length)?)?;
        (!id.is_empty() && is_date(date, dashes)).then_some(id)
    };
    cut(11, &[0, 5, 8]).or_else(|| cut(9, &[0]))
}

#[derive(Deserialize)]
struct File {
    models: Vec<FileRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileRow {
    vendor: String,
    model: String,
    from: Option<String>,
    to: Option<String>,
    long_prompt: Option<FileLongPrompt>,
    #[serde(flatten)]
    rates: FileRates,
}

#[derive(Deserialize)]
struct FileLongPrompt {
    over: u64,
    #[serde(flatten)]
    rates: FileRates,
}

/// Dollars for a million tokens.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileRates {
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write_short: Option<String>,
    cache_write_long: Option<String>,
}

impl Row {
    fn read(row: FileRow) -> Result<Self, String> {
        let FileRow { vendor, model, from, to, long_prompt, rates } = row;
        let wrong = |what: String| format!("{vendor}/{model}: {what}");
        let since = from.as_deref().unwrap_or("start");
        let price = ModelPrice {
            id: format!("{vendor}/{model}@{since}"),
            rates: rates.read().map_err(wrong)?,
            long_prompt: match long_prompt {
                Some(long) => {
                    Some(LongPrompt { over: long.over, rates: long.rates.read().map_err(wrong)? })
                }
                None => None,
            },
        };
        let from = from.as_deref().map(midnight).transpose().map_err(wrong)?;
        let to = to.as_deref().map(midnight).transpose().map_err(wrong)?;
        Ok(Self { vendor, model, from, to, price })
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl FileRates {
    fn read(&self) -> Result<Rates, String> {
        let input = rate(&self.input)?;
        let or = |text: &Option<String>, fallback: Pico| match text {
            Some(text) => rate(text),
            None => Ok(fallback),
        };
        let cache_write_short = or(&self.cache_write_short, input)?;
        Ok(Rates {
            input,
            output: rate(&self.output)?,
            cache_read: or(&self.cache_read, input)?,
            cache_write_short,
            cache_write_long: or(&self.cache_write_long, cache_write_short)?,
        })
    }
}

/// Dollars for a million tokens as picodollars for one: 10¹² / 10⁶.
fn rate(text: &str) -> Result<Pico, String> {
    match decimal::parse(text, 6) {
        Some(rate) if rate.exact && rate.value >= 0 => Ok(Pico(rate.value)),
        _ => Err(format!("`{text}` is not a whole number of picodollars for a token")),
    }
}

fn midnight(date: &str) -> Result<Timestamp, String> {
    format!("{date}T00:00:00Z").parse()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use theazo_domain::pricing::TokenUsage;

    use super::*;

    fn table() -> PriceTable {
        PriceTable::from_json(TABLE).unwrap()
    }

    fn at(date: &str) -> Timestamp {
        midnight(date).unwrap()
    }

    #[test]
    fn every_row_is_exact_and_named_once() {
        let table = table();
        assert_eq!(table.0.len(), 36);
        let ids: BTreeSet<&str> = table.0.iter().map(|row| row.price.id.as_str()).collect();
        assert_eq!(ids.len(), table.0.len());
        for row in table.0.iter() {
            assert!(row.price.rates.output > row.price.rates.input, "{}", row.price.id);
            assert!(row.price.rates.cache_write_short >= row.price.rates.input);
            assert!(row.price.rates.cache_read <= row.price.rates.input);
        }
        assert!(serde_json::from_str::<serde_json::Value>(TABLE).is_ok());
    }

    #[test]
    fn rows_of_a_model_do_not_overlap() {
        let table = table();
        for a in table.0.iter() {
            for b in table.0.iter().filter(|b| !std::ptr::eq(a, *b)) {
                let overlap = a.from < b.to.or(Some(Timestamp::from_millis(i64::MAX)))
                    && b.from < a.to.or(Some(Timestamp::from_millis(i64::MAX)));
                assert!((&a.vendor, &a.model) != (&b.vendor, &b.model) || !overlap, "{a:?}");
            }
        }
    }

    #[test]
    fn prices_change_at_midnight() {
        let price = |date: &str| table().price("anthropic", "claude-sonnet-5-5", at(date)).unwrap();
        let before = price("2026-10-06");
        assert_eq!(before.id, "anthropic/claude-sonnet-5-5@start");
        assert_eq!(before.rates.cache_read, Pico(200_000));
        let after = price("2026-10-07");
        assert_eq!(after.id, "anthropic/claude-sonnet-5-5@2026-10-07");
        assert_eq!(after.rates.cache_read, Pico(100_000));
    }

    #[test]
    fn unknown_models_have_no_price() {
        let (table, now) = (table(), at("2026-11-22"));
        assert!(table.price("anthropic", "claude-sonnet-9", now).is_none());
        assert!(table.price("openrouter.ai", "gpt-4o", now).is_none());
        assert!(table.price("anthropic", "claude-3-5-sonnet-20241022", now).is_none());
        assert!(table.price("anthropic", "claude-fable-5-2", at("2026-11-08")).is_none());
    }

    #[test]
    fn dated_ids_are_found() {
        let (table, now) = (table(), at("2026-11-22"));
        let id = |vendor, model| table.price(vendor, model, now).map(|p| p.id);
        let haiku = id("anthropic", "claude-haiku-4-5-20251001");
        assert_eq!(haiku.as_deref(), Some("anthropic/claude-haiku-4-5@start"));
        assert_eq!(id("openai", "gpt-4o-2024-08-06").as_deref(), Some("openai/gpt-4o@start"));
        assert_eq!(id("openai", "gpt-4o-"), None);
        assert_eq!(id("openai", "é-20240806"), None);
    }

    #[test]
    fn all_that_holds_at_a_time() {
        let table = table();
        let ids = |date: &str| table.all(at(date)).map(|m| m.price.id.clone()).collect::<Vec<_>>();
        let (now, summer) = (ids("2026-11-22"), ids("2026-07-01"));
        assert!(now.contains(&"anthropic/claude-fable-5-2@2026-11-09".to_owned()));
        assert!(!summer.contains(&"anthropic/claude-fable-5-2@2026-11-09".to_owned()));
        let models: BTreeSet<_> =
            table.all(at("2026-11-22")).map(|m| (m.vendor, m.model)).collect();
        assert_eq!(models.len(), now.len(), "each model once");
    }

    #[test]
    fn caches_are_never_free() {
        let (table, now) = (table(), at("2026-11-22"));
        let sol = table.price("openai", "gpt-6.1-sol", now).unwrap();
        assert_eq!(sol.rates.cache_write_short, sol.rates.input);
        let astra = table.price("openai", "gpt-6-astra", now).unwrap();
        assert_eq!(astra.rates.cache_write_long, Pico(12_500_000));
        let usage = TokenUsage { input: 272_000, cache_read: 1, output: 1, ..<_>::default() };
        assert_eq!(sol.cost(&usage), Pico(272_000 * 4_000_000 + 200_000 + 15_000_000));
    }
}
