//! `usage` as it is reported: what it counts, and found without reading what stands before it.

use std::borrow::Cow;

use memchr::memmem;
use meshrouter_core::usage::Usage;

use crate::json::{Kind, Scanner, Value};

/// The members of an object.
type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// What the members of a `usage` count.
pub(super) fn read(members: &[(Cow<'_, str>, Value<'_>)]) -> Usage {
    let mut usage = Usage::default();
    let mut take = |object: Option<&str>, name: &str, value: Value<'_>| {
        if let Ok(json) = std::str::from_utf8(value.raw) {
            usage.take(object, name, json);
        }
    };
    for (name, value) in members {
        if value.kind != Kind::Object {
            take(None, name, *value);
            continue;
        }
        for (inner, value) in value.members() {
            take(Some(name), &inner, value);
        }
    }
    usage
}

/// The `usage` of a completion whose JSON was checked before, found from its end: nothing before it is read.
#[derive(Debug)]
pub struct Reported<'a> {
    text: &'a [u8],
    /// Offset of the first byte within its braces.
    inside: usize,
    members: Members<'a>,
}

impl<'a> Reported<'a> {
    /// Finds it; `None` where there is none with members, and where it takes more than a glance to know.
    #[must_use]
    pub fn find(text: &'a [u8]) -> Option<Self> {
        const NAME: &[u8] = b"\"usage\"";
        // Inside of a string, the quotes would be escaped.
        let behind = memmem::rfind(text, NAME)?.checked_add(NAME.len())?;
        let colon = text.get(behind..)?;
        let rest = colon.trim_ascii_start().strip_prefix(b":")?;
        let mut scanner = Scanner::new(rest);
        let usage = scanner.value().ok()?;
        let after = rest.get(usage.end()..)?;
        let start = text
            .len()
            .checked_sub(rest.len())?
            .checked_add(usage.start)?;
        let found = Self {
            text,
            inside: start.checked_add(1)?,
            members: usage.members(),
        };
        (ends_object(after) && !found.members.is_empty()).then_some(found)
    }

    /// What it counts.
    #[must_use]
    pub fn usage(&self) -> Usage {
        read(&self.members)
    }

    /// The text with these members of `usage`, JSON with commas between, in front; `None` where it has one of these
    /// names already.
    #[must_use]
    pub fn with(&self, names: &[&str], members: &[u8]) -> Option<Vec<u8>> {
        let is_one = |name: &str| names.contains(&name);
        if self.members.iter().any(|(name, _)| is_one(name)) {
            return None;
        }
        let (head, tail) = self.text.split_at_checked(self.inside)?;
        Some([head, members, b",", tail].concat())
    }
}

/// Whether this ends the outermost object behind the value of a member: every bracket in it is closed but that one.
fn ends_object(rest: &[u8]) -> bool {
    let (mut depth, mut bytes) = (1_u32, rest.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
        if depth == 0 {
            return bytes.as_slice().trim_ascii().is_empty();
        }
    }
    false
}
