//! What the router must know of the messages, noted while they are read.

use std::ops::Range;

use meshrouter_core::tokens::{Sample, Tally};

use super::conversation::Opening;
use super::{Medium, Visit};
use crate::json::Value;

/// What the router must know of the messages.
pub(super) struct Look<'a> {
    body: &'a [u8],
    pub(super) prompt: Sample,
    pub(super) opening: Opening,
    pub(super) media: Vec<Medium>,
    pub(super) images: u64,
    pub(super) messages: u64,
    /// The role of the current message, and its texts.
    role: &'a [u8],
    texts: Vec<&'a [u8]>,
    pub(super) last_texts: Vec<&'a [u8]>,
}

impl<'a> Look<'a> {
    pub(super) fn of(body: &'a [u8], prompt: Sample) -> Self {
        Self {
            body,
            prompt,
            opening: Opening::default(),
            media: Vec::new(),
            images: 0,
            messages: 0,
            role: b"",
            texts: Vec::new(),
            last_texts: Vec::new(),
        }
    }
}

impl<'a> Visit<'a> for Look<'a> {
    type Tally = Sample;

    fn tally(&mut self) -> &mut Sample {
        &mut self.prompt
    }

    fn member(&mut self, name: &[u8], value: Value<'a>) {
        if name == b"role" {
            self.role = value.inner();
        }
    }

    fn text(&mut self, text: Value<'a>) {
        self.prompt.text(text.inner());
        self.texts.push(text.inner());
    }

    fn medium(&mut self, medium: Medium) {
        self.images = self
            .images
            .saturating_add(u64::from(medium == Medium::Image));
        if !self.media.contains(&medium) {
            self.media.push(medium);
        }
    }

    fn message(&mut self, span: Range<usize>) {
        self.messages = self.messages.saturating_add(1);
        let message = self.body.get(span).unwrap_or_default();
        self.opening.message(self.role, message);
        if self.role == b"user" {
            std::mem::swap(&mut self.last_texts, &mut self.texts);
        }
        self.texts.clear();
    }
}
