//! RFC 4180: a header, and a row for each usage record.
//!
//! Texts that others chose (users, models) can begin with what a spreadsheet takes for a formula.
//! Such a text gets a `'` before it, and so does one that begins with `'` itself: whoever takes one
//! leading `'` away from every text has what was there.

use std::fmt::{self, Display, Write as _};

use super::Writer;
use super::row::{COLUMNS, Line};
use crate::Owned;

pub(super) struct Csv;

impl Writer for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend(COLUMNS.join(",").into_bytes());
        out.extend(b"\r\n");
    }

    fn row(&mut self, record: &Owned, out: &mut Vec<u8>) {
        write(&Line::of(record), out);
    }
}

/// In the order of [`COLUMNS`].
fn write(line: &Line<'_>, out: &mut Vec<u8>) {
    let quantities = &line.quantities;
    let mut row = Row { out, first: true };
    row.text(&line.position);
    row.text(line.id);
    row.value(Some(line.at));
    row.value(line.until);
    row.value(Some(line.recorded_at));
    row.value(Some(line.adjustment));
    row.text(line.user_id);
    row.value(Some(line.session_id));
    row.value(line.agent_id);
    row.value(line.task_id);
    row.text(line.meter);
    row.text(line.model.unwrap_or_default());
    row.value(quantities.compute_ms);
    row.value(quantities.input_tokens);
    row.value(quantities.cache_read_tokens);
    row.value(quantities.cache_write_tokens);
    row.value(quantities.output_tokens);
    row.value(quantities.byte_seconds);
    row.text(line.price_id.unwrap_or_default());
    row.text(line.basis.unwrap_or_default());
    row.value(Some(line.cost_pico.0));
    row.value(Some(line.waived_pico.0));
    row.value(line.unbilled_ms);
    out.extend(b"\r\n");
}

struct Row<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Row<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    /// A number, time or id of ours: it never needs quotes.
    fn value(&mut self, value: Option<impl Display>) {
        self.separate();
        if let Some(value) = value {
            // Writing to a `Vec` always succeeds.
            let _ = write!(Utf8(self.out), "{value}");
        }
    }

    fn text(&mut self, text: &str) {
        self.separate();
        let formula =
            text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'', '＝', '＋', '－', '＠']);
        let quoted = text.contains([',', '"', '\r', '\n']);
        if quoted {
            self.out.push(b'"');
        }
        if formula {
            self.out.push(b'\'');
        }
        match quoted {
            true => self.out.extend(text.replace('"', "\"\"").into_bytes()),
            false => self.out.extend(text.as_bytes()),
        }
        if quoted {
            self.out.push(b'"');
        }
    }
}

struct Utf8<'a>(&'a mut Vec<u8>);

impl fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(text: &str) -> String {
        let mut out = Vec::new();
        Row { out: &mut out, first: true }.text(text);
        String::from_utf8(out).unwrap()
    }

    /// What a reader of RFC 4180 makes of one cell.
    fn read(cell: &str) -> String {
        let inner = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.map_or_else(|| cell.to_owned(), |inner| inner.replace("\"\"", "\""))
    }

    #[test]
    fn a_text_is_never_a_formula() {
        assert_eq!(cell("=1+2"), "'=1+2");
        assert_eq!(cell("+49 30 1"), "'+49 30 1");
        assert_eq!(cell("=\"a\",b"), "\"'=\"\"a\"\",b\"");
        assert_eq!(cell("'quoted'"), "''quoted'");
        assert_eq!(cell("user_1"), "user_1");
        assert_eq!(cell("a-b@c"), "a-b@c");
    }

    proptest! {
        #[test]
        fn a_reader_gets_the_text_back(text in "\\PC{0,12}|[=+@'\",\r\n\t-]{0,6}") {
            let shown = read(&cell(&text));
            prop_assert!(!shown.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(shown.strip_prefix('\'').unwrap_or(&shown), text);
        }
    }
}
