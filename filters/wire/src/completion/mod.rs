//! Completions and completion chunks: what the router reads of them, and their canonical form.
//!
//! Providers differ in how they name the end of an answer, where they put its reasoning and what
//! they leave out. A canonical completion has the router's `id`, `model` and `provider`; `object` and
//! `created`; one of five values of `finish_reason`, with the provider's own beside it; reasoning under
//! each of its names; and OpenAI's names in `usage`. Everything else stays byte for byte.

mod choices;
mod contents;
mod deltas;
mod pattern;
mod reported;
mod said;
mod signature;
#[cfg(test)]
mod tests;
mod usage;

use std::borrow::Cow;
use std::ops::Range;

use meshrouter_core::usage::Usage;

use crate::json::{JsonError, Kind, Patch, Scanner, Value};
pub use contents::{Call, Content, contents};
pub use deltas::{Delta, deltas};
pub use pattern::Pattern;
pub use reported::Reported;
pub use said::{Said, said};
use signature::Part;
pub use signature::Signature;
pub use usage::Tokens;

/// What the router cares about in a completion or a chunk.
///
/// The same shape serves `chat.completion` objects and the chunks of a stream.
#[derive(Debug, Clone, Default)]
pub struct Completion<'a> {
    text: &'a [u8],
    /// Where the object opens.
    open: usize,
    id: Option<Value<'a>>,
    model: Option<Value<'a>>,
    provider: Option<Value<'a>>,
    object: Option<Value<'a>>,
    created: Option<Value<'a>>,
    usage: Option<Value<'a>>,
    /// What the usage says, where it is an object.
    counts: Option<usage::Known<'a>>,
    error: Option<Value<'a>>,
    choices: choices::Choices,
    /// Where strings stand that may say anything: neither what the router changes nor what it goes by.
    free: Vec<Range<usize>>,
    /// `data`: the list of embeddings.
    data: Option<Value<'a>>,
}

impl<'a> Completion<'a> {
    /// Reads a completion. All of `text` is checked: what passes here is one JSON object.
    ///
    /// # Errors
    /// Where and why it is not.
    pub fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        let mut scanner = Scanner::new(text);
        if scanner.peek()? != Kind::Object {
            let message = "expected an object";
            return Err(JsonError { at: 0, message });
        }
        let open = scanner.offset();
        let mut object = scanner.enter()?;
        let mut found = Self {
            text,
            open,
            ..Self::default()
        };
        while let Some(member) = scanner.member(&mut object)? {
            if *member.name == *b"choices" && scanner.peek()? == Kind::Array {
                found.choices = choices::read(&mut scanner, &mut found.free)?;
                continue;
            }
            if *member.name == *b"usage" && scanner.peek()? == Kind::Object {
                let (kind, start) = (Kind::Object, scanner.offset());
                found.counts = Some(usage::Known::read(&mut scanner)?);
                let raw = text.get(start..scanner.offset()).unwrap_or_default();
                found.usage = Some(Value { kind, start, raw });
                continue;
            }
            let value = Some(scanner.value()?);
            match &*member.name {
                b"id" => found.id = value,
                b"model" => found.model = value,
                b"provider" => found.provider = value,
                b"object" => found.object = value,
                b"created" => found.created = value,
                b"usage" => (found.usage, found.counts) = (value, None),
                b"error" => found.error = value,
                b"data" => found.data = value,
                _ => found.free.extend(value.and_then(string)),
            }
        }
        scanner.end()?;
        Ok(found)
    }

    /// The error that a provider sent in place of a completion.
    #[must_use]
    pub fn error(&self) -> Option<Value<'a>> {
        self.error.filter(|error| error.kind != Kind::Null)
    }

    /// Whether there is an answer, empty or not: choices, or embeddings.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        let embeddings = self.data.is_some_and(|value| value.kind == Kind::Array);
        self.choices.are_present() || embeddings
    }

    /// The usage, where the provider reports one.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage_object()
            .map(|usage| reported::read(&usage.members()))
    }

    /// The tokens of prompt and completion, where the provider reports a usage.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        self.counts.map(|counts| counts.tokens())
    }

    /// Whether this is a stream's chunk that carries usage and nothing else: `choices: []`.
    #[must_use]
    pub fn is_usage_only(&self) -> bool {
        self.usage_object().is_some() && self.choices.are_empty()
    }

    /// Whether some choice says that it is finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.choices.finished
    }

    /// Whether a chunk brings the answer on: something is said in it, or it says that this was all. A role
    /// alone does not, nor do empty choices.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.choices.speaks || self.choices.finished
    }

    /// The text in canonical form, signed.
    #[must_use]
    pub fn signed(&self, signature: &Signature) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len().saturating_add(256));
        self.sign(signature, &mut out);
        out
    }

    /// Appends the text in canonical form, signed.
    pub fn sign(&self, signature: &Signature, out: &mut Vec<u8>) {
        let edits = self.edits(signature);
        self.write(&edits, 0..self.text.len(), out);
    }

    /// What chunks like this one look like, signed, should they differ in nothing but in what is said; `None` for one
    /// that says more than text.
    #[must_use]
    pub fn pattern(&self, signature: &Signature) -> Option<Pattern> {
        let says_more = self.error().is_some() || self.usage_object().is_some();
        if says_more || self.free.is_empty() || !self.choices.are_canonical() {
            return None;
        }
        let edits = self.edits(signature);
        let mut pattern = Pattern::default();
        let mut from = 0;
        let end = self.text.len()..self.text.len();
        for string in self.free.iter().chain([&end]) {
            let mut signed = Vec::new();
            self.write(&edits, from..string.start, &mut signed);
            pattern.push(self.text.get(from..string.start)?, signed);
            from = string.end;
        }
        Some(pattern)
    }

    /// What has to change for the text to be canonical and signed.
    fn edits<'e>(&'e self, signature: &'e Signature) -> Edits<'e> {
        let answers = self.choices.are_present();
        let lacks = |old: Option<Value<'_>>, part| old.is_none().then(|| signature.member(part));
        let missing = [
            lacks(self.id, Part::Id),
            lacks(self.provider, Part::Provider),
            lacks(self.model, Part::Model),
            lacks(self.object, Part::Object),
            lacks(self.created, Part::Created).filter(|_| answers),
        ];
        let mut list = Vec::with_capacity(8);
        let mut sign = |old: Option<Value<'_>>, part| {
            let range = old.map(|old| old.start..old.end());
            list.extend(range.map(|range| (range, Cow::Borrowed(signature.value(part)))));
        };
        sign(self.id, Part::Id);
        sign(self.provider, Part::Provider);
        sign(self.model, Part::Model);
        self.choices
            .canonicalise(&mut list, signature.exclude_reasoning);
        // Embeddings have no completion to count.
        let usage = self.usage_object().filter(|_| answers);
        if let Some((range, canonical)) =
            usage.and_then(|usage| usage::canonical(usage, self.counts))
        {
            list.push((range, Cow::Owned(canonical)));
        }
        list.sort_by_key(|(range, _)| range.start);
        Edits { missing, list }
    }

    /// Appends a part of the text as it is edited. No edit may cross the part's ends.
    fn write(&self, edits: &Edits<'_>, part: Range<usize>, out: &mut Vec<u8>) {
        let between = |from, to| self.text.get(from..to).unwrap_or_default();
        let mut at = part.start;
        if at <= self.open {
            // New members go to the front.
            at = self.open.saturating_add(1);
            out.extend_from_slice(between(part.start, at));
            let mut is_new = false;
            for member in edits.missing.iter().flatten() {
                is_new = true;
                out.extend_from_slice(member);
            }
            let rest = between(at, self.text.len());
            if is_new && rest.trim_ascii_start().starts_with(b"}") {
                // Nothing follows the last comma.
                out.pop();
            }
        }
        let list = edits.list.iter();
        for (range, value) in list.filter(|(range, _)| part.contains(&range.start)) {
            out.extend_from_slice(between(at, range.start));
            out.extend_from_slice(value);
            at = range.end;
        }
        out.extend_from_slice(between(at, part.end));
    }

    /// The text with these members of `usage`, each its name and its JSON, all else byte for byte. Where there
    /// is no usage, they are all that it has.
    #[must_use]
    pub fn with_usage(&self, members: &[(&str, &str)]) -> Vec<u8> {
        let old = self.usage_object();
        let raw = old.map_or(&b"{}"[..], |usage| usage.raw);
        let mut usage = Patch::of(raw);
        for (name, value) in members {
            let old = old.and_then(|usage| usage.member(name));
            set(&mut usage, name, old, value);
        }
        let usage = finish(usage, raw);
        let mut patch = Patch::of(self.text);
        match self.usage {
            Some(old) => patch.replace(old.start..old.end(), usage),
            None => patch.insert("usage", &usage),
        }
        finish(patch, self.text)
    }

    fn usage_object(&self) -> Option<Value<'a>> {
        self.usage.filter(|usage| usage.kind == Kind::Object)
    }
}

/// What has to change in a text.
struct Edits<'a> {
    /// Members that it lacks, each with a comma behind it.
    missing: [Option<&'a [u8]>; 5],
    /// In order.
    list: Vec<Edit<'a>>,
}

/// An edit: what stands at a range, replaced.
type Edit<'a> = (Range<usize>, Cow<'a, [u8]>);

/// Where a string stands, quotes included; `None` for other values.
fn string(value: Value<'_>) -> Option<Range<usize>> {
    (value.kind == Kind::String).then(|| value.start..value.end())
}

/// Replaces the value of a member that is there, or adds the member.
fn set(patch: &mut Patch<'_>, name: &str, old: Option<Value<'_>>, new: &str) {
    match old {
        Some(old) => patch.replace(old.start..old.end(), new.as_bytes()),
        None => patch.insert(name, new.as_bytes()),
    }
}

/// Applies a patch whose offsets the scanner gave for this very text: it cannot fail.
fn finish(patch: Patch<'_>, text: &[u8]) -> Vec<u8> {
    patch.finish().unwrap_or_else(|| text.to_vec())
}
