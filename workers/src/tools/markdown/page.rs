//! A page, element by element.

use url::Url;

use super::inline::Marks;
use super::table::Table;
use super::tokens::{Piece, Tag, pieces};
use super::writer::Writer;

/// What a page came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub title: Option<String>,
    /// Markdown.
    pub text: String,
}

/// A `main` with less text than this, in bytes, is not the page's content.
const MIN_MAIN: usize = 200;
/// The longest title that is kept, in bytes.
const MAX_TITLE: usize = 300;

/// Elements that have nothing to read.
const NOTHING: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "math", "iframe", "canvas", "object",
    "audio", "video", "select", "datalist", "textarea", "dialog", "nav",
];
/// Elements that have no end.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];
/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "body",
    "details",
    "div",
    "dl",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "html",
    "legend",
    "main",
    "p",
    "section",
    "caption",
];

/// Converts a page. Links and images that are relative are made absolute with `base`.
pub fn convert(html: &str, base: Option<&Url>) -> Page {
    let (page, lost) = Converter::new(base, true).run(html);
    if lost && page.text.len() < MIN_MAIN {
        // An element that is left out was never closed, and the page went with it.
        return Converter::new(base, false).run(html).0;
    }
    page
}

struct Converter<'a> {
    base: Option<&'a Url>,
    /// Whether to leave out what [`NOTHING`] names and what is hidden.
    skips: bool,
    writer: Writer,
    table: Option<Table>,
    /// The element that is being left out, and how many of its name are open.
    skipping: Option<(String, usize)>,
    title: Option<String>,
    in_title: bool,
    pre: Option<Pre>,
    /// Where in the text the `main` element began and ended.
    main: (Option<usize>, Option<usize>),
}

/// Text that is kept as it is.
#[derive(Default)]
struct Pre {
    lang: String,
    code: String,
}

impl<'a> Converter<'a> {
    fn new(base: Option<&'a Url>, skips: bool) -> Self {
        Self {
            base,
            skips,
            writer: Writer::new(),
            table: None,
            skipping: None,
            title: None,
            in_title: false,
            pre: None,
            main: (None, None),
        }
    }

    /// The page, and whether it ended inside of an element that is left out.
    fn run(mut self, html: &str) -> (Page, bool) {
        for piece in pieces(html) {
            if self.writer.is_full() {
                break;
            }
            match piece {
                Piece::Start(tag) => self.start(&tag),
                Piece::End(name) => self.end(&name),
                Piece::Text(text) => self.text(&text),
            }
        }
        let lost = self.skipping.is_some();
        self.end_pre();
        if let Some(table) = self.table.take() {
            table.end(&mut self.writer);
        }
        self.writer.end_link();
        self.writer.end(1);
        let title = self.title.as_deref().map(squeeze).filter(|title| !title.is_empty());
        let mut text = self.content();
        if self.writer.is_full() {
            text.push_str("\n\n(the page is longer: the rest is left out)");
        }
        (Page { title, text }, lost)
    }

    fn content(&self) -> String {
        let out = &self.writer.out;
        if let (Some(from), to) = self.main {
            // A table takes its text out and puts it back, so that places may be off.
            let main = out.get(from..to.unwrap_or(out.len())).unwrap_or_default().trim();
            if main.len() >= MIN_MAIN {
                return main.to_owned();
            }
        }
        out.trim().to_owned()
    }

    fn text(&mut self, text: &str) {
        if self.skipping.is_some() {
            return;
        }
        if self.in_title {
            let title = self.title.get_or_insert_default();
            let room = MAX_TITLE.saturating_sub(title.len());
            title.push_str(&text[..text.floor_char_boundary(room)]);
        } else if let Some(pre) = &mut self.pre {
            pre.code.push_str(text);
        } else {
            self.writer.text(text);
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name = tag.name.as_str();
        if let Some((skipped, open)) = &mut self.skipping {
            *open += usize::from(skipped == name && !tag.self_closing);
            return;
        }
        // What is in a `script` or a `style` is never text.
        let never = matches!(name, "script" | "style");
        let nothing = NOTHING.contains(&name) || tag.is_hidden();
        let has_end = !VOID.contains(&name) && !tag.self_closing;
        if (never || self.skips && nothing) && has_end {
            self.skipping = Some((name.to_owned(), 1));
            return;
        }
        if let Some(pre) = &mut self.pre {
            match name {
                "br" => pre.code.push('\n'),
                "code" if pre.lang.is_empty() => pre.lang = language(tag),
                _ => {}
            }
            return;
        }
        if !self.start_table_part(name) {
            self.start_element(tag);
        }
    }

    fn start_element(&mut self, tag: &Tag) {
        let writer = &mut self.writer;
        match tag.name.as_str() {
            "title" if self.title.is_none() => self.in_title = true,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let digit = tag.name.as_bytes().get(1).copied().unwrap_or(b'1');
                writer.heading(usize::from(digit - b'0'));
            }
            "br" => writer.end(1),
            "hr" => {
                writer.end(2);
                writer.raw_line("---");
                writer.end(2);
            }
            "ul" | "menu" => writer.start_list(None),
            "ol" => {
                let first = tag.attribute("start").and_then(|start| start.trim().parse().ok());
                writer.start_list(Some(first.unwrap_or(1)));
            }
            "li" => writer.item(),
            "dt" | "dd" | "summary" | "option" => writer.end(1),
            "blockquote" => writer.start_quote(),
            "pre" | "listing" => {
                writer.end(2);
                self.pre = Some(Pre { lang: language(tag), code: String::new() });
            }
            "a" => {
                if let Some(target) = self.target(tag.attribute("href")) {
                    self.writer.start_link(target);
                }
            }
            "img" => self.image(tag),
            "main" => {
                writer.end(2);
                self.main.0.get_or_insert(writer.out.len());
            }
            name if BLOCKS.contains(&name) => writer.end(2),
            name => {
                if let Some(sign) = Marks::sign(name) {
                    writer.marks.open(sign);
                }
            }
        }
    }

    /// Whether it was one.
    fn start_table_part(&mut self, name: &str) -> bool {
        let writer = &mut self.writer;
        match (name, &mut self.table) {
            ("table", table) => {
                // A table in a table lays out a page: the outer one ends here.
                if let Some(outer) = table.take() {
                    outer.end(writer);
                }
                *table = Some(Table::start(writer));
            }
            ("tr", Some(table)) => table.row(writer),
            ("td" | "th", Some(table)) => table.start_cell(writer),
            ("tr", None) => writer.end(1),
            ("td" | "th", None) => writer.text(" "),
            _ => return false,
        }
        true
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, open)) = &mut self.skipping {
            if skipped == name {
                *open -= 1;
                if *open == 0 {
                    self.skipping = None;
                }
            }
            return;
        }
        if self.pre.is_some() {
            if matches!(name, "pre" | "listing") {
                self.end_pre();
            }
            return;
        }
        let writer = &mut self.writer;
        match name {
            "title" => self.in_title = false,
            "a" => writer.end_link(),
            "ul" | "ol" | "menu" => writer.end_list(),
            "li" | "dt" | "dd" | "summary" | "option" => writer.end(1),
            "blockquote" => writer.end_quote(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => writer.end(2),
            "table" => {
                if let Some(table) = self.table.take() {
                    table.end(writer);
                }
            }
            "td" | "th" | "tr" => {
                if let Some(table) = &mut self.table {
                    table.end_cell(writer);
                }
            }
            "main" => {
                writer.end(2);
                self.main.1.get_or_insert(writer.out.len());
            }
            name if BLOCKS.contains(&name) => writer.end(2),
            name => {
                if let Some(sign) = Marks::sign(name) {
                    writer.marks.close(sign, &mut writer.out);
                }
            }
        }
    }

    fn end_pre(&mut self) {
        let Some(Pre { lang, code }) = self.pre.take() else { return };
        let code = code.strip_prefix('\n').unwrap_or(&code).trim_end();
        if !code.is_empty() {
            self.writer.pre(&lang, code);
        }
    }

    fn image(&mut self, tag: &Tag) {
        let alt = squeeze(tag.attribute("alt").unwrap_or_default());
        let source = self.target(tag.attribute("src"));
        if let (false, Some(source)) = (alt.is_empty(), source) {
            self.writer.word(&format!("![{alt}]({source})"));
        }
    }

    /// Where a link leads, if that is anywhere else than this page.
    fn target(&self, link: Option<&str>) -> Option<String> {
        let link = link?.trim();
        let scheme = link.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if link.is_empty() || link.starts_with('#') || matches!(&*scheme, "javascript" | "data") {
            return None;
        }
        let target = match self.base.map(|base| base.join(link)) {
            Some(Ok(target)) => target.into(),
            _ => link.replace(char::is_whitespace, "%20"),
        };
        Some(target.replace(')', "%29"))
    }
}

/// The language that a code block names by its class.
fn language(tag: &Tag) -> String {
    let classes = tag.attribute("class").unwrap_or_default().split_whitespace();
    let named = classes
        .filter_map(|class| class.strip_prefix("language-").or(class.strip_prefix("lang-")))
        .next();
    let named = named.unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "+-#_.".contains(c);
    if named.len() <= 20 && named.chars().all(is_name) { named.to_owned() } else { String::new() }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
