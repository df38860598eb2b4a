//! The days that a bill is asked for. Bills are sums by UTC day, so a period is whole days, up to
//! now.

use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use theazo_domain::{Day, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// Days of a period, at most: a leap year.
const DAYS_MOST: i32 = 366;

/// An end of a period as callers write it: a UTC day, or an RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Day(Day),
    Time(Timestamp),
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeriodQuery {
    /// The first day (`2025-05-01`, in UTC), or its midnight as an RFC 3339 time. At most 366 days
    /// before the end.
    #[param(value_type = Option<String>, example = "2025-05-01")]
    pub from: Option<Bound>,
    /// The last day, which counts as a whole, or a midnight as an RFC 3339 time, whose day does not
    /// count. Now when absent, and for any time of today or later.
    #[param(value_type = Option<String>, example = "2025-05-06")]
    pub until: Option<Bound>,
}

/// What an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillingPeriod {
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Not in the period any more.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    #[serde(skip)]
    pub days: Range<Day>,
}

impl PeriodQuery {
    /// The period that is asked for at `now`. Without `from` it begins with the day that `first`
    /// gives for its last one.
    ///
    /// # Errors
    /// 422 when an end is a time within a day that is over, when it begins after its end, or when
    /// it is too long.
    pub fn period(
        &self,
        now: Timestamp,
        first: impl FnOnce(Day) -> Day,
    ) -> Result<BillingPeriod, ApiError> {
        let (until, end) = end(self.until, now)?;
        let start = match self.from {
            None => first(end.plus(-1)),
            Some(Bound::Day(day)) => day,
            Some(Bound::Time(time)) => midnight(time).ok_or_else(|| within_a_day("from"))?,
        };
        let from = start.start();
        // A day that is the last one is before its end.
        let last = match self.until {
            Some(Bound::Day(day)) if day < now.day() => day.start(),
            _ => until,
        };
        if from > last {
            let message = format!("must not be after `until`, which is {last}");
            return Err(ApiError::invalid("from", message));
        }
        if end.number().saturating_sub(start.number()) > DAYS_MOST {
            let message = format!(
                "must be at most {DAYS_MOST} days before the end of the period, which is {until}; \
                 ask for it in parts"
            );
            return Err(ApiError::invalid("from", message));
        }
        Ok(BillingPeriod { from, until, days: start..end })
    }
}

impl BillingPeriod {
    pub fn millis(&self) -> u64 {
        self.until.millis_since(self.from)
    }
}

/// Where a period ends, and the first day that is not in it.
fn end(until: Option<Bound>, now: Timestamp) -> Result<(Timestamp, Day), ApiError> {
    let today = now.day();
    match until {
        Some(Bound::Day(day)) if day < today => Ok((day.end(), day.next())),
        Some(Bound::Time(time)) if time <= today.start() => {
            let day = midnight(time).ok_or_else(|| within_a_day("until"))?;
            Ok((time, day))
        }
        // What is still to come cannot be billed: it ends now.
        None | Some(_) => Ok((now, today.next())),
    }
}

/// The day that begins at `time`, if one does.
fn midnight(time: Timestamp) -> Option<Day> {
    Some(time.day()).filter(|day| day.start() == time)
}

fn within_a_day(field: &str) -> ApiError {
    let message = "must be a date such as 2026-05-01, or the midnight of one in UTC: \
                   costs are summed by UTC day";
    ApiError::invalid(field, message)
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(day) = text.parse() {
            return Ok(Bound::Day(day));
        }
        text.parse().map(Bound::Time).map_err(|_: String| {
            let what = "must be a date such as 2026-05-01, or an RFC 3339 time with a zone, \
                        such as 2026-05-01T00:00:00Z";
            let has_no_zone = format!("{text}Z").parse::<Timestamp>().is_ok();
            match text.contains(' ') {
                _ if has_no_zone => format!("{what}: this one has no zone, end it with `Z`"),
                true => format!("{what} (in a URL, a `+` is written as `%2B`)"),
                false => what.to_owned(),
            }
        })
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2028-03-06T14:00:00.000Z";

    fn query(from: &str, until: &str) -> PeriodQuery {
        let bound = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        PeriodQuery { from: bound(from), until: bound(until) }
    }

    fn asked(from: &str, until: &str) -> Result<(String, String, i32), (String, String)> {
        let period = query(from, until).period(NOW.parse().unwrap(), |last| last.period_start(5));
        let shown = |period: BillingPeriod| {
            let days = period.days.end.number() - period.days.start.number();
            (period.from.to_string(), period.until.to_string(), days)
        };
        let field = |error: ApiError| {
            let field = error.fields.into_iter().next().unwrap();
            (field.path, field.message)
        };
        period.map(shown).map_err(field)
    }

    fn period(from: &str, until: &str) -> (String, String, i32) {
        asked(from, until).unwrap()
    }

    fn days(from: &str, until: &str, days: i32) -> (String, String, i32) {
        let midnight = |day: &str| format!("{day}T00:00:00.000Z");
        (midnight(from), midnight(until), days)
    }

    #[test]
    fn a_period_is_the_billing_period_up_to_now_where_nothing_is_said() {
        let now = |from: &str, n| (format!("{from}T00:00:00.000Z"), NOW.to_owned(), n);
        assert_eq!(period("", ""), now("2028-03-05", 2));
        assert_eq!(period("2028-02-28", ""), now("2028-02-28", 8));
        // The future is not billed yet, whatever is asked for.
        for until in ["2028-03-06", "2028-03-07", "2028-03-06T00:00:00.001Z", "2999-01-01", NOW] {
            assert_eq!(period("2028-03-01", until), now("2028-03-01", 6), "{until}");
        }
        // The period that the end is in, when it is over.
        assert_eq!(period("", "2028-03-04"), days("2028-02-05", "2028-03-05", 29));
        assert_eq!(period("", "2028-03-05T00:00:00Z"), days("2028-02-05", "2028-03-05", 29));
        assert_eq!(period("", "2028-01-02"), days("2027-12-05", "2028-01-03", 29));
    }

    #[test]
    fn a_date_is_a_whole_day_and_a_midnight_is_a_border() {
        assert_eq!(period("2028-02-29", "2028-02-29"), days("2028-02-29", "2028-03-01", 1));
        let midnight = "2028-02-29T00:00:00Z";
        assert_eq!(period("2028-02-28", midnight), days("2028-02-28", "2028-02-29", 1));
        assert_eq!(period("2028-02-29", midnight), days("2028-02-29", "2028-02-29", 0));
        // The same moment in another zone.
        let zoned = "2028-02-29T02:00:00+02:00";
        assert_eq!(period(zoned, "2028-02-29"), period("2028-02-29", "2028-02-29"));
        let today = "2028-03-06T00:00:00Z";
        assert_eq!(period("2028-03-05", today), days("2028-03-05", "2028-03-06", 1));
        assert_eq!(period(today, "").2, 1);
        assert_eq!(period("2027-03-07", "").2, 366);
    }

    #[test]
    fn what_is_no_period_says_which_end_is_wrong() {
        for (from, until, field, said) in [
            ("2028-03-02", "2028-03-01", "from", "must not be after `until`, which is 2028-03-01"),
            ("2028-03-07", "", "from", "must not be after `until`"),
            ("2028-02-29", "2028-02-28T00:00:00Z", "from", "must not be after `until`"),
            ("2027-03-06", "", "from", "at most 366 days"),
            ("0001-01-01", "9999-12-31", "from", "at most 366 days"),
            ("2028-03-01T12:00:00Z", "", "from", "summed by UTC day"),
            ("2028-03-01T00:00:00+01:00", "", "from", "summed by UTC day"),
            ("2028-03-01", "2028-03-05T12:00:00Z", "until", "summed by UTC day"),
        ] {
            let (path, message) = asked(from, until).unwrap_err();
            assert_eq!(path, field, "{from} {until}: {message}");
            assert!(message.contains(said), "{from} {until}: {message}");
        }
    }

    #[test]
    fn what_is_no_time_says_what_is_missing() {
        for (text, said) in [
            ("2028-03-01T00:00:00", "has no zone"),
            ("2028-03-01T00:00:00 02:00", "%2B"),
            ("2028-02-30", "must be a date"),
            ("2028-3-1", "must be a date"),
            ("yesterday", "must be a date"),
            ("1788220800", "must be a date"),
            ("", "must be a date"),
        ] {
            let message = text.parse::<Bound>().unwrap_err();
            assert!(message.contains(said), "{text}: {message}");
        }
    }
}
