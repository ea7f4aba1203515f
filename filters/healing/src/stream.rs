//! JSON repaired while it streams.
//!
//! What has left cannot be taken back, so an [`Emitter`] says only what it is sure of: the beginning of
//! a valid document at every moment. Keys and commas leave with the value that follows, words when they
//! are whole, and a quote or a bracket once what follows tells its meaning. What depends on the whole
//! text, its schema and the choice between several candidates, is not for streams.

mod brackets;
mod seek;
mod string;
#[cfg(test)]
mod tests;
mod tokens;

use crate::repair::lookahead::{Role, capped};
use crate::repair::{Frame, Kind, Kinds, Style};
use crate::report::Verdict;

/// How far to look ahead, in bytes; also the longest key and word.
const REACH: usize = 1024;

/// Repairs one text that arrives in pieces. Wherever they are cut, the same leaves in the end.
#[derive(Debug)]
pub struct Emitter {
    /// What a document may begin with.
    roots: Roots,
    mode: Mode,
    stack: Vec<Frame>,
    seen: Seen,
    /// What arrived and is not read yet.
    text: String,
    /// How much of `text` is read.
    at: usize,
    /// Whether nothing more arrives.
    last: bool,
    /// What leaves with the next value, and where in it comma and key stand.
    lead: String,
    comma: Option<usize>,
    key: Option<usize>,
    /// Set where the key is a bare word on a new line without a comma, which may be prose: the repairs
    /// up to there.
    doubt: Option<Kinds>,
    out: String,
    kinds: Kinds,
    failed: bool,
}

/// What a document may begin with.
#[derive(Debug, Clone, Copy)]
pub struct Roots {
    /// `{`
    pub object: bool,
    /// `[`
    pub array: bool,
}

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// What stands before the document.
    Seek,
    Token,
    String(Style, Role),
    /// A comment, up to its line's end or `*/`.
    Comment {
        block: bool,
    },
    /// What stands behind the document.
    Tail,
}

/// What was read last in the innermost frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Open,
    Comma,
    Key,
    Colon,
    Value,
}

/// How reading went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    /// It depends on what has not arrived.
    More,
    /// The text makes no sense as JSON.
    Broken,
}

impl Emitter {
    /// The emitter of a text that has not begun.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        Self {
            roots,
            mode: Mode::Seek,
            stack: Vec::new(),
            seen: Seen::Colon,
            text: String::new(),
            at: 0,
            last: false,
            lead: String::new(),
            comma: None,
            key: None,
            doubt: None,
            out: String::new(),
            kinds: Kinds::default(),
            failed: false,
        }
    }

    /// Takes the next piece; what may leave because of it.
    pub fn push(&mut self, piece: &str) -> String {
        self.text.push_str(piece);
        self.run();
        std::mem::take(&mut self.out)
    }

    /// Ends the text: what is still to leave.
    pub fn finish(&mut self) -> String {
        self.last = true;
        self.run();
        if self.mode == Mode::Seek {
            self.failed = true;
        }
        std::mem::take(&mut self.out)
    }

    /// The repairs so far.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// What became of the text, once it is finished.
    #[must_use]
    pub fn verdict(&self) -> (Verdict, Kinds) {
        let verdict = match (self.failed, self.kinds.is_empty()) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Valid,
            (false, false) => Verdict::Repaired,
        };
        (verdict, self.kinds)
    }

    fn run(&mut self) {
        loop {
            let step = match self.mode {
                Mode::Seek => self.seek(),
                Mode::Token => self.token(),
                Mode::String(style, role) => self.string(style, role),
                Mode::Comment { block } => self.comment(block),
                Mode::Tail => self.tail(),
            };
            match step {
                Step::Done => {}
                Step::More => break,
                Step::Broken => self.give_up(),
            }
        }
        self.text.drain(..self.at);
        self.at = 0;
    }

    /// What is not read yet, as far as one looks.
    fn rest(&self) -> &str {
        capped(self.text.get(self.at..).unwrap_or_default(), REACH)
    }

    /// Whether `rest` is all that there ever is to see from here.
    fn is_whole(&self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.last || capped(rest, REACH).len() < rest.len()
    }

    /// Whether the text ends with `rest`.
    fn is_end(&self) -> bool {
        let rest = self.text.len().saturating_sub(self.at);
        self.last && rest == self.rest().len()
    }

    /// Ends the document where the text makes no sense any more.
    fn give_up(&mut self) {
        if let Some(kinds) = self.doubt {
            self.kinds = kinds;
            self.kinds.insert(Kind::SurroundingProse);
        } else {
            self.failed = true;
        }
        self.finish_document();
    }
}
