//! Changes to a document, in the order of its text, that can be taken back.

use std::borrow::Cow;
use std::ops::Range;

use crate::repair::{Kind, Kinds};

/// One change: what stands at a range of bytes, replaced.
#[derive(Debug, Clone)]
struct Edit {
    range: Range<usize>,
    with: Cow<'static, str>,
    kind: Kind,
}

/// All changes so far.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

/// A state to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl Edits {
    pub(super) fn mark(&self) -> Mark {
        Mark(self.0.len())
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        self.0.truncate(mark.0);
    }

    pub(super) fn replace(&mut self, range: Range<usize>, with: String, kind: Kind) {
        let with = Cow::Owned(with);
        self.0.push(Edit { range, with, kind });
    }

    pub(super) fn insert(&mut self, at: usize, with: &'static str, kind: Kind) {
        let (range, with) = (at..at, Cow::Borrowed(with));
        self.0.push(Edit { range, with, kind });
    }

    pub(super) fn remove(&mut self, range: Range<usize>, kind: Kind) {
        let with = Cow::Borrowed("");
        self.0.push(Edit { range, with, kind });
    }

    /// Takes the changes since a mark away.
    pub(super) fn split(&mut self, mark: Mark) -> Self {
        Self(self.0.split_off(mark.0.min(self.0.len())))
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much they change: leaving something out is worse than writing it in another way.
    pub(super) fn cost(&self) -> usize {
        let costs = self.0.iter().map(|edit| match edit.kind {
            Kind::SchemaExtra | Kind::SchemaNull => 8,
            _ => 1,
        });
        costs.sum()
    }

    pub(super) fn kinds(&self) -> Kinds {
        self.0.iter().map(|edit| edit.kind).collect()
    }

    /// The text with all changes made.
    pub(super) fn apply(&self, text: &str) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for edit in &self.0 {
            out.push_str(text.get(at..edit.range.start)?);
            out.push_str(&edit.with);
            at = edit.range.end;
        }
        out.push_str(text.get(at..)?);
        Some(out)
    }
}
