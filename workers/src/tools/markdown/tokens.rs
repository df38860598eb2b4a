//! The tokens of a page, with what the converter needs of them.

use html5gum::{DefaultEmitter, HtmlString, Token, Tokenizer};

pub enum Piece {
    Start(Tag),
    End(String),
    Text(String),
}

pub struct Tag {
    /// In lower case.
    pub name: String,
    pub self_closing: bool,
    attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the page says that it is not to be seen.
    pub fn is_hidden(&self) -> bool {
        let style = self.attribute("style").unwrap_or_default();
        let style: String = style.chars().filter(|c| !c.is_whitespace()).take(4_096).collect();
        self.attribute("hidden").is_some_and(|how| how != "until-found")
            || style.to_ascii_lowercase().contains("display:none")
    }
}

/// The attributes that are looked at.
const ATTRIBUTES: &[&[u8]] =
    &[b"href", b"src", b"alt", b"class", b"hidden", b"style", b"start", b"role", b"title"];

/// The tokens of `html`, without comments, doctypes and complaints.
pub fn pieces(html: &str) -> impl Iterator<Item = Piece> {
    let mut emitter = DefaultEmitter::default();
    // What is inside of `script`, `style`, `title` and the like is text, whatever it looks like.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, emitter).filter_map(|token| match token {
        Ok(Token::StartTag(tag)) => Some(Piece::Start(Tag {
            name: text(tag.name),
            self_closing: tag.self_closing,
            attributes: tag
                .attributes
                .into_iter()
                .filter(|(name, _)| ATTRIBUTES.contains(&name.as_slice()))
                .map(|(name, value)| (text(name), text(value.value)))
                .collect(),
        })),
        Ok(Token::EndTag(tag)) => Some(Piece::End(text(tag.name))),
        Ok(Token::String(string)) => Some(Piece::Text(text(string.value))),
        Ok(Token::Comment(_) | Token::Doctype(_) | Token::Error(_)) => None,
        // The input is in memory: reading it cannot fail.
        Err(never) => match never {},
    })
}

fn text(bytes: HtmlString) -> String {
    String::from_utf8(bytes.0)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
