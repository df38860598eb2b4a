use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

const MILLIS: i64 = 86_400_000;

/// A day in UTC, by its number since the Unix epoch: what bills and daily caps are counted by. Its
/// text is `2026-05-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(i32);

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i32,
    /// 1 to 12.
    pub number: u32,
}

impl Day {
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day of `date`; `None` for what is no date.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let epoch = NaiveDate::default();
        let days = NaiveDate::from_ymd_opt(year, month, day)?.signed_duration_since(epoch);
        i32::try_from(days.num_days()).ok().map(Self)
    }

    /// Its first millisecond.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0 as i64 * MILLIS)
    }

    /// The first millisecond after it.
    pub const fn end(self) -> Timestamp {
        self.next().start()
    }

    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    pub fn month(self) -> Month {
        let date = self.date();
        Month { year: date.year(), number: date.month() }
    }

    /// The day of the month, from 1.
    pub fn of_month(self) -> u32 {
        self.date().day()
    }

    /// The first day of the billing period that it is in: periods begin on `billing_day` (1 to 28)
    /// of each month.
    pub fn period_start(self, billing_day: u8) -> Self {
        let billing_day = u32::from(billing_day.clamp(1, 28));
        let back = match self.of_month().checked_sub(billing_day) {
            Some(since) => since,
            // As many days after the same day of the month before.
            None => {
                let last = self.plus(-(self.of_month().cast_signed()));
                last.of_month() - billing_day + self.of_month()
            }
        };
        self.plus(-(back.cast_signed()))
    }

    fn date(self) -> NaiveDate {
        let time = DateTime::<Utc>::from_timestamp_millis(self.start().as_millis());
        time.map(|time| time.date_naive()).unwrap_or_default()
    }
}

impl Timestamp {
    /// The day that it is in.
    pub fn day(self) -> Day {
        let number = self.as_millis().div_euclid(MILLIS);
        Day(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().format("%Y-%m-%d").fmt(f)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        date.and_then(|date| Self::from_ymd(date.year(), date.month(), date.day()))
            // What is read leniently is not taken leniently.
            .filter(|day| day.to_string() == text)
            .ok_or_else(|| format!("`{text}` is not a date such as 2026-05-01"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let time: Timestamp = "2028-02-29T23:59:59.999Z".parse().unwrap();
        let day = time.day();
        assert_eq!(day.to_string(), "2028-02-29");
        assert_eq!(day.end().to_string(), "2028-03-01T00:00:00.000Z");
        assert_eq!(day.end().day(), day.next());
        assert_eq!((day.month(), day.of_month()), (Month { year: 2028, number: 2 }, 29));
        assert_eq!(Timestamp::from_millis(-1).day().to_string(), "1969-12-31");
    }

    #[test]
    fn a_billing_period_begins_on_its_day_of_this_month_or_the_last() {
        let start = |day: &str, of| day.parse::<Day>().unwrap().period_start(of).to_string();
        assert_eq!(start("2028-03-10", 1), "2028-03-01");
        assert_eq!(start("2028-03-10", 10), "2028-03-10");
        assert_eq!(start("2028-03-10", 11), "2028-02-11");
        assert_eq!(start("2028-01-01", 28), "2027-12-28");
        assert_eq!(start("2028-03-01", 28), "2028-02-28");
        assert_eq!(start("2028-02-29", 28), "2028-02-28");
    }

    #[test]
    fn only_dates_are_read() {
        assert_eq!("2026-05-01".parse::<Day>().unwrap(), Day::from_ymd(2026, 5, 1).unwrap());
        for text in ["2026-5-1", "2026-02-30", "20260501", "+2026-05-1", ""] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
