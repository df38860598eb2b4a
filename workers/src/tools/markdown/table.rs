//! Tables: those of data become Markdown's, those that only lay out a page become blocks.

use super::writer::{Cell, Outside, Writer};

/// A cell of several lines and more bytes than this is a part of a page, not of a table.
const MAX_CELL: usize = 400;

pub struct Table {
    rows: Vec<Vec<String>>,
    cell: Option<Cell>,
    outside: Outside,
}

impl Table {
    pub fn start(writer: &mut Writer) -> Self {
        let outside = writer.enter_table();
        Self { rows: Vec::new(), cell: None, outside }
    }

    pub fn row(&mut self, writer: &mut Writer) {
        self.end_cell(writer);
        self.rows.push(Vec::new());
    }

    pub fn start_cell(&mut self, writer: &mut Writer) {
        self.end_cell(writer);
        self.cell = Some(writer.start_cell());
    }

    pub fn end_cell(&mut self, writer: &mut Writer) {
        let Some(cell) = self.cell.take() else { return };
        let text = writer.end_cell(&cell);
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(text);
        }
    }

    pub fn end(mut self, writer: &mut Writer) {
        self.end_cell(writer);
        let Self { mut rows, outside, .. } = self;
        writer.leave_table(outside);
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        let lays_out = |cell: &String| cell.contains('\n') && cell.len() > MAX_CELL;
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        writer.end(2);
        if columns < 2 || rows.iter().flatten().any(lays_out) {
            for cell in rows.iter().flatten().filter(|cell| !cell.is_empty()) {
                for line in cell.lines() {
                    writer.raw_line(line);
                }
                writer.end(2);
            }
            return;
        }
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| one_line(cell)).collect();
            writer.raw_line(&format!("| {} |", cells.join(" | ")));
            if number == 0 {
                writer.raw_line(&format!("|{}", " --- |".repeat(columns)));
            }
        }
        writer.end(2);
    }
}

fn one_line(cell: &str) -> String {
    let words: Vec<&str> = cell.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}
