//! Text with Markdown's line structure: blocks, lists, quotes, links.

use super::inline::Marks;
use super::{MAX_DEPTH, MAX_TEXT};

/// A link whose text is longer than this at the end of a block was never closed.
const MAX_LINK_TEXT: usize = 500;

#[derive(Default)]
pub struct Writer {
    pub out: String,
    pub marks: Marks,
    lists: Vec<List>,
    quotes: usize,
    /// How many quotes the last line is in.
    line_quotes: usize,
    /// Line breaks that are due before the next word; two are an empty line.
    breaks: usize,
    /// A blank is due before the next word.
    blank: bool,
    /// Nothing is on the line yet.
    fresh: bool,
    /// What comes before the first word of a list's item.
    marker: Option<String>,
    link: Option<Link>,
}

struct List {
    /// The next item's number; `None` for bullets.
    number: Option<u64>,
    /// The width of its last marker.
    width: usize,
    /// Whether it has an item yet.
    begun: bool,
}

struct Link {
    target: String,
    /// Where its bracket is, once its first word is there.
    start: Option<usize>,
}

/// What of a [`Writer`] does not go into a table's cells.
pub struct Outside {
    lists: Vec<List>,
    quotes: usize,
    marker: Option<String>,
}

impl Writer {
    pub fn new() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    pub fn is_full(&self) -> bool {
        self.out.len() > MAX_TEXT
    }

    /// Running text: blanks are one blank.
    pub fn text(&mut self, text: &str) {
        let is_blank = |c: char| c.is_ascii_whitespace() || c == '\u{a0}';
        self.blank |= text.starts_with(is_blank);
        for word in text.split(is_blank).filter(|word| !word.is_empty()) {
            self.word(word);
            self.blank = true;
        }
        if !text.is_empty() {
            self.blank = text.ends_with(is_blank) || (self.blank && text.trim().is_empty());
        }
    }

    /// A word, with all that is due before it.
    pub fn word(&mut self, word: &str) {
        self.start_line();
        if self.blank && !self.fresh {
            self.out.push(' ');
        }
        (self.blank, self.fresh) = (false, false);
        if let Some(link) = &mut self.link
            && link.start.is_none()
        {
            link.start = Some(self.out.len());
            self.out.push('[');
        }
        self.marks.write(&mut self.out);
        self.out.push_str(word);
    }

    fn start_line(&mut self) {
        if self.breaks > 0 && !self.fresh {
            // An empty line between is in the quotes that both are in.
            let between = quote(self.quotes.min(self.line_quotes));
            for _ in 1..self.breaks {
                self.out.push('\n');
                self.out.push_str(between.trim_end());
            }
            self.out.push('\n');
            self.fresh = true;
        }
        self.breaks = 0;
        if self.fresh {
            let start = self.line_start();
            self.out.push_str(&start);
        }
    }

    /// What a line begins with, and the marker that waits for one.
    fn line_start(&mut self) -> String {
        self.line_quotes = self.quotes;
        let mut start = quote(self.quotes);
        let depth = self.lists.len().min(MAX_DEPTH);
        let inner = self.lists.iter().take(depth).map(|list| list.width);
        let indent: usize = match &self.marker {
            Some(_) => inner.take(depth.saturating_sub(1)).sum(),
            None => inner.sum(),
        };
        start.push_str(&" ".repeat(indent));
        start.push_str(&self.marker.take().unwrap_or_default());
        start
    }

    /// The end of a line (1) or of a block (2).
    pub fn end(&mut self, breaks: usize) {
        if let Some(link) = &self.link {
            // A card is one link with blocks in it: its text stays on one line.
            if link.start.is_none_or(|start| self.out.len() - start < MAX_LINK_TEXT) {
                self.blank = true;
                return;
            }
            self.end_link();
        }
        self.marks.suspend(&mut self.out);
        let most = if self.marker.is_some() { 1 } else { breaks };
        self.breaks = self.breaks.max(most);
        self.blank = false;
    }

    pub fn is_in_link(&self) -> bool {
        self.link.is_some()
    }

    pub fn start_link(&mut self, target: String) {
        self.end_link();
        self.link = Some(Link { target, start: None });
    }

    pub fn end_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        if link.start.is_some() {
            self.marks.suspend(&mut self.out);
            self.out.push_str(&format!("]({})", link.target));
        }
    }

    pub fn start_quote(&mut self) {
        self.end(2);
        self.quotes += 1;
    }

    pub fn end_quote(&mut self) {
        self.end(2);
        self.quotes = self.quotes.saturating_sub(1);
    }

    pub fn start_list(&mut self, first: Option<u64>) {
        self.end(if self.lists.is_empty() { 2 } else { 1 });
        self.lists.push(List { number: first, width: 2, begun: false });
    }

    pub fn end_list(&mut self) {
        self.end(if self.lists.len() > 1 { 1 } else { 2 });
        self.lists.pop();
        self.marker = None;
    }

    pub fn item(&mut self) {
        self.end_link();
        self.end(1);
        let marker = match self.lists.last_mut() {
            None => "- ".to_owned(),
            Some(list) => {
                if list.begun {
                    // Items with paragraphs in them are as close as others.
                    self.breaks = 1;
                }
                list.begun = true;
                let marker = match &mut list.number {
                    None => "- ".to_owned(),
                    Some(number) => {
                        let marker = format!("{number}. ");
                        *number = number.saturating_add(1);
                        marker
                    }
                };
                list.width = marker.len();
                marker
            }
        };
        self.marker = Some(marker);
    }

    /// A line that stands for itself: a heading's sign, a rule, a line of code.
    pub fn raw_line(&mut self, line: &str) {
        self.start_line();
        self.out.push_str(line);
        (self.fresh, self.blank) = (false, false);
        self.breaks = self.breaks.max(1);
    }

    /// What a heading begins with.
    pub fn heading(&mut self, level: usize) {
        self.end(2);
        if !self.is_in_link() {
            self.word(&"#".repeat(level));
            self.blank = true;
        }
    }

    pub fn pre(&mut self, lang: &str, code: &str) {
        self.end_link();
        self.end(2);
        let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat((longest + 1).max(3));
        self.raw_line(&format!("{fence}{lang}"));
        for line in code.lines() {
            if self.is_full() {
                break;
            }
            self.raw_line(line);
        }
        self.raw_line(&fence);
        self.end(2);
    }

    /// Puts what is around a table aside, so that its cells are plain.
    pub fn enter_table(&mut self) -> Outside {
        self.end_link();
        self.end(2);
        Outside {
            lists: std::mem::take(&mut self.lists),
            quotes: std::mem::take(&mut self.quotes),
            marker: self.marker.take(),
        }
    }

    pub fn leave_table(&mut self, outside: Outside) {
        self.end_link();
        self.marks.clear();
        (self.lists, self.quotes) = (outside.lists, outside.quotes);
        self.marker = outside.marker;
    }

    /// Begins a cell; what it holds is taken out by [`Self::end_cell`].
    pub fn start_cell(&mut self) -> Cell {
        self.end_link();
        self.marks.suspend(&mut self.out);
        let cell = Cell { at: self.out.len(), breaks: self.breaks, fresh: self.fresh };
        (self.breaks, self.blank, self.fresh) = (0, false, true);
        cell
    }

    pub fn end_cell(&mut self, cell: &Cell) -> String {
        self.end_link();
        self.marks.suspend(&mut self.out);
        self.marks.clear();
        self.lists.clear();
        (self.quotes, self.marker) = (0, None);
        (self.breaks, self.blank, self.fresh) = (cell.breaks, false, cell.fresh);
        let text = self.out.split_off(cell.at.min(self.out.len()));
        text.trim().to_owned()
    }
}

fn quote(depth: usize) -> String {
    "> ".repeat(depth.min(MAX_DEPTH))
}

/// Where a cell began, and how the line was then.
pub struct Cell {
    at: usize,
    breaks: usize,
    fresh: bool,
}
