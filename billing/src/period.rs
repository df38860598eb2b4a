//! The time that a bill is of.

use theazo_domain::{Day, FieldError, Month, Timestamp};

/// How long after a period's end its usage may be recorded and still be part of its bill.
pub const GRACE_MILLIS: i64 = 3_600_000;

/// Days of the longest period that can be asked for: a leap year.
const MAX_DAYS: i64 = 366;
const DAY_MILLIS: i64 = 86_400_000;

/// From a time up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Period {
    /// All time.
    pub const EVER: Period =
        Period { from: Timestamp::from_millis(i64::MIN), until: Timestamp::from_millis(i64::MAX) };

    /// The period that a caller asks for, by dates or RFC 3339 times. A date is the whole day in
    /// UTC, so that `until` includes it. Without `until` it is up to `now`; without `from`, from
    /// the beginning of the billing period that its end is in.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn parse(
        from: Option<&str>,
        until: Option<&str>,
        billing_day: u8,
        now: Timestamp,
    ) -> Result<Period, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut read = |field: &str, text: Option<&str>, of_day: fn(Day) -> Timestamp| {
            let read = text.map(|text| moment(text, of_day));
            read.and_then(|read| read.map_err(|why| wrong.push(FieldError::new(field, why))).ok())
        };
        let given = (read("from", from, Day::start), read("until", until, Day::end));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let until_or_now = given.1.unwrap_or(now);
        // What ends with a period's first moment is of the period before.
        let last = Timestamp::from_millis(until_or_now.as_millis().saturating_sub(1));
        let last = if given.1.is_some() { last } else { now };
        let from = given.0.unwrap_or_else(|| billing_start(last, billing_day).start());
        let period = Period { from, until: until_or_now };
        period.check(given.1.is_some()).map(|()| period).map_err(|error| vec![error])
    }

    fn check(&self, until_is_given: bool) -> Result<(), FieldError> {
        if self.from > self.until {
            let end = if until_is_given { "`until`" } else { "now, which `until` is when absent" };
            return Err(FieldError::new("from", format!("must not be after {end}")));
        }
        let millis = self.until.as_millis().saturating_sub(self.from.as_millis());
        if millis > MAX_DAYS * DAY_MILLIS {
            let (field, other) =
                if until_is_given { ("until", "after `from`") } else { ("from", "before now") };
            let why = format!("must be at most {MAX_DAYS} days {other}: ask for several periods");
            return Err(FieldError::new(field, why));
        }
        Ok(())
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether what was recorded then came after the period was closed.
    pub fn is_closed_at(&self, recorded: Timestamp) -> bool {
        recorded.as_millis() > self.until.as_millis().saturating_add(GRACE_MILLIS)
    }
}

fn moment(text: &str, of_day: fn(Day) -> Timestamp) -> Result<Timestamp, String> {
    if let Ok(day) = text.parse() {
        return Ok(of_day(day));
    }
    text.parse().map_err(|_: String| {
        let (date, time) = text.split_at_checked("2026-05-01".len()).unwrap_or((text, ""));
        let mut why =
            "must be a date (a whole day in UTC) or an RFC 3339 time with its zone, such \
                       as 2026-05-01T00:00:00Z"
                .to_owned();
        if date.parse::<Day>().is_ok() && time.contains(' ') {
            why.push_str("; write the + of a zone as %2B");
        }
        why
    })
}

/// The first day of the billing period that `at` is in. `billing_day` is 1 to 28.
pub fn billing_start(at: Timestamp, billing_day: u8) -> Day {
    let (day, first) = (at.day(), u32::from(billing_day.clamp(1, 28)));
    let Month { year, number } = day.month();
    let (year, number) = match (day.of_month() >= first, number) {
        (true, _) => (year, number),
        (false, 1) => (year - 1, 12),
        (false, _) => (year, number - 1),
    };
    // Every month has the days 1 to 28.
    Day::from_ymd(year, number, first).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn parse(from: &str, until: &str, now: &str) -> Result<Period, Vec<FieldError>> {
        let given = |text: &'static str| (!text.is_empty()).then_some(text);
        let (from, until) = (from.to_owned().leak(), until.to_owned().leak());
        Period::parse(given(from), given(until), 15, at(now))
    }

    #[test]
    fn a_date_is_the_whole_day() {
        let period = parse("2028-02-28", "2028-02-29", "2030-01-01T00:00:00Z").unwrap();
        assert_eq!(period.from, at("2028-02-28T00:00:00Z"));
        assert_eq!(period.until, at("2028-03-01T00:00:00Z"));
        assert!(period.contains(at("2028-02-29T23:59:59.999Z")));
        assert!(!period.contains(period.until));
        let one = parse("2028-02-29", "2028-02-29", "2030-01-01T00:00:00Z").unwrap();
        assert_eq!(one.until.millis_since(one.from), 86_400_000);
    }

    #[test]
    fn a_time_has_a_zone() {
        let now = "2026-06-01T00:00:00Z";
        let period = parse("2026-05-01T02:00:00+02:00", "2026-05-01T01:30:00Z", now).unwrap();
        assert_eq!(
            (period.from, period.until),
            (at("2026-05-01T00:00:00Z"), at("2026-05-01T01:30:00Z"))
        );
        for text in
            ["2026-05-01T02:00:00", "2026-5-1", "yesterday", "1746057600", " ", "2026-02-30"]
        {
            let wrong = parse(text, "2026-05-02", now).unwrap_err();
            assert_eq!(wrong[0].path, "from", "{text}");
            assert!(wrong[0].message.contains("zone"), "{text}");
        }
        let space = parse("2026-05-01T02:00:00 02:00", "", now).unwrap_err();
        assert!(space[0].message.contains("%2B"), "{space:?}");
        let both = parse("x", "y", now).unwrap_err();
        assert_eq!(both.iter().map(|error| &*error.path).collect::<Vec<_>>(), ["from", "until"]);
    }

    #[test]
    fn what_is_not_said_is_the_billing_period() {
        let period = parse("", "", "2026-05-20T10:00:00Z").unwrap();
        assert_eq!(
            (period.from, period.until),
            (at("2026-05-15T00:00:00Z"), at("2026-05-20T10:00:00Z"))
        );
        let period = parse("", "", "2026-01-14T23:59:59Z").unwrap();
        assert_eq!(period.from, at("2025-12-15T00:00:00Z"));
        let period = parse("", "2026-03-14", "2026-05-20T10:00:00Z").unwrap();
        assert_eq!(
            period.from,
            at("2026-02-15T00:00:00Z"),
            "the period that it is the last day of"
        );
        let period = parse("", "", "2026-05-15T00:00:00Z").unwrap();
        assert_eq!((period.from, period.until), (period.until, at("2026-05-15T00:00:00Z")));
    }

    #[test]
    fn a_period_has_an_order_and_an_end() {
        let now = "2026-05-20T10:00:00Z";
        for (from, until, field) in [
            ("2026-05-02", "2026-05-01T12:00:00Z", "from"),
            ("2027-01-01", "", "from"),
            ("2025-01-01", "2026-01-02", "until"),
            ("2025-05-01", "", "from"),
        ] {
            let wrong = parse(from, until, now).unwrap_err();
            assert_eq!(wrong[0].path, field, "{from} {until}");
        }
        assert!(parse("2024-01-01", "2024-12-31", now).is_ok(), "a leap year");
        assert!(parse("2025-01-01", "2026-01-01", now).is_ok(), "366 days");
    }

    #[test]
    fn an_hour_late_is_not_late() {
        let period = parse("2026-05-01", "2026-05-31", "2026-07-01T00:00:00Z").unwrap();
        assert!(!period.is_closed_at(at("2026-06-01T01:00:00Z")));
        assert!(period.is_closed_at(at("2026-06-01T01:00:00.001Z")));
        assert!(!Period::EVER.is_closed_at(at("9999-01-01T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn a_billing_period_holds_its_day(millis in 0i64..4_000_000_000_000, first in 1u8..=28) {
            let at = Timestamp::from_millis(millis);
            let start = billing_start(at, first);
            prop_assert_eq!(start.of_month(), u32::from(first));
            prop_assert!(start <= at.day() && at.day().number() - start.number() < 31);
        }

        #[test]
        fn any_text_is_a_period_or_names_its_field(from in "\\PC{0,30}", until in "\\PC{0,30}") {
            let now = Timestamp::from_millis(1_800_000_000_000);
            if let Err(wrong) = Period::parse(Some(&from), Some(&until), 1, now) {
                prop_assert!(wrong.iter().all(|error| ["from", "until"].contains(&&*error.path)));
            }
        }
    }
}
