//! What the choices of a stream's chunk say: what healing rewrites.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Patch, Scanner, Value, literal};

/// What one choice of a chunk says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta<'a> {
    /// `choices[].index`; 0 where it is missing.
    pub index: u64,
    /// `choices[].delta.content`: a string or null.
    pub content: Option<Value<'a>>,
    /// `choices[].finish_reason`, unless it is null.
    pub finish_reason: Option<Cow<'a, str>>,
    /// Offset behind the `{` of the choice, and of its `delta` where it has one; whether that is empty.
    choice: usize,
    delta: Option<(usize, bool)>,
}

impl Delta<'_> {
    /// Puts a text in the place of the choice's content, or adds it.
    pub fn say(&self, text: &str, patch: &mut Patch<'_>) {
        let text = literal(text);
        match (self.content, self.delta) {
            (Some(content), _) => patch.replace(content.start..content.end(), text.as_bytes()),
            (None, Some((at, is_empty))) => {
                let comma = if is_empty { "" } else { "," };
                patch.replace(at..at, format!("\"content\":{text}{comma}").as_bytes());
            }
            // The choice is not empty: it says at least that it is finished.
            (None, None) => {
                let delta = format!("\"delta\":{{\"content\":{text}}},");
                patch.replace(self.choice..self.choice, delta.as_bytes());
            }
        }
    }
}

/// What each choice of a chunk says, and where the list of choices stands.
///
/// # Errors
/// Where and why the text is no JSON object.
pub fn deltas(text: &[u8]) -> Result<(Vec<Delta<'_>>, Option<Value<'_>>), JsonError> {
    let mut scanner = Scanner::new(text);
    let (mut found, mut list) = (Vec::new(), None);
    let mut object = scanner.enter()?;
    while let Some(member) = scanner.member(&mut object)? {
        if *member.name != *b"choices" || scanner.peek()? != Kind::Array {
            scanner.value()?;
            continue;
        }
        let start = scanner.offset();
        let mut choices = scanner.enter()?;
        while scanner.element(&mut choices)? {
            if scanner.peek()? == Kind::Object {
                found.push(choice(&mut scanner)?);
            } else {
                scanner.value()?;
            }
        }
        let raw = text.get(start..scanner.offset()).unwrap_or_default();
        let kind = Kind::Array;
        list = Some(Value { kind, start, raw });
    }
    scanner.end()?;
    Ok((found, list))
}

fn choice<'a>(scanner: &mut Scanner<'a>) -> Result<Delta<'a>, JsonError> {
    let mut delta = Delta {
        choice: scanner.offset().saturating_add(1),
        ..Delta::default()
    };
    let mut choice = scanner.enter()?;
    while let Some(member) = scanner.member(&mut choice)? {
        match &*member.name {
            b"delta" if scanner.peek()? == Kind::Object => {
                let open = scanner.offset().saturating_add(1);
                let mut is_empty = true;
                let mut members = scanner.enter()?;
                while let Some(member) = scanner.member(&mut members)? {
                    is_empty = false;
                    let value = scanner.value()?;
                    // A null is replaced, too.
                    if *member.name == *b"content" {
                        delta.content = Some(value);
                    }
                }
                delta.delta = Some((open, is_empty));
            }
            b"index" => delta.index = scanner.value()?.whole_number().unwrap_or(0),
            b"finish_reason" => delta.finish_reason = scanner.value()?.text(),
            _ => {
                scanner.value()?;
            }
        }
    }
    Ok(delta)
}
