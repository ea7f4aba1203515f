//! Holding a document against a schema, and changing it where it does not fit.

use meshrouter_wire::json::{JsonError, Kind as Type, Scanner, Value};

use super::convert::{convert, fits};
use super::edits::Edits;
use super::{Id, Node, Plain, Schema, Types, Words};
use crate::repair::{Kind, Kinds};

/// How deep a value may stand, counting the steps through unions and wrapped arrays.
pub(super) const MAX_DEPTH: usize = 256;

/// How often a document may be read, as a multiple of its length. Unions read what they hold once for
/// each of their branches.
const EFFORT: usize = 16;

/// How a document fits a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As it stands.
    Exact,
    /// After these changes.
    Changed(String, Kinds),
    /// Not without inventing or losing something.
    Not,
    /// It takes too long to say.
    Unknown,
}

impl Schema {
    /// Holds a JSON text against the schema.
    pub(crate) fn fit(&self, text: &str, words: &Words<'_>) -> Fit {
        let fuel = text.len().saturating_add(256).saturating_mul(EFFORT);
        let mut fitter = Fitter::new(self, text, words, fuel);
        match fitter.document(self.root, 0) {
            Ok(()) if fitter.edits.is_empty() => Fit::Exact,
            Ok(()) => match fitter.edits.apply(text) {
                Some(json) => Fit::Changed(json, fitter.edits.kinds()),
                None => Fit::Unknown,
            },
            Err(Miss::Unfit) => Fit::Not,
            Err(Miss::Unknown) => Fit::Unknown,
        }
    }
}

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Miss {
    Unfit,
    Unknown,
}

impl From<JsonError> for Miss {
    /// The text is JSON: it can only be too deep.
    fn from(_: JsonError) -> Self {
        Self::Unknown
    }
}

/// What may be done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Exact,
    Mend,
    /// It stands in an array that was made or taken away for it: not another one.
    MendInside,
}

pub(super) struct Fitter<'f> {
    pub(super) schema: &'f Schema,
    pub(super) text: &'f str,
    pub(super) words: &'f Words<'f>,
    pub(super) edits: Edits,
    pub(super) fuel: usize,
}

pub(super) type Taken = Result<(), Miss>;

impl<'f> Fitter<'f> {
    pub(super) fn new(
        schema: &'f Schema,
        text: &'f str,
        words: &'f Words<'f>,
        fuel: usize,
    ) -> Self {
        Self {
            schema,
            text,
            words,
            edits: Edits::default(),
            fuel,
        }
    }

    fn document(&mut self, id: Id, depth: usize) -> Taken {
        let mut scanner = Scanner::new(self.text.as_bytes());
        self.value(&mut scanner, id, Mode::Mend, depth)?;
        Ok(scanner.end()?)
    }

    pub(super) fn burn(&mut self, steps: usize) -> Taken {
        self.fuel = self.fuel.checked_sub(steps).ok_or(Miss::Unknown)?;
        Ok(())
    }

    /// Takes the value that comes next; where it fails, the scanner stands anywhere.
    pub(super) fn value(
        &mut self,
        scanner: &mut Scanner<'f>,
        id: Id,
        mode: Mode,
        depth: usize,
    ) -> Taken {
        self.burn(1)?;
        let depth = depth.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(Miss::Unknown);
        }
        let schema = self.schema;
        match schema.node(id) {
            Node::Any | Node::Alias(_) => self.skip(scanner).map(drop),
            Node::Never => Err(Miss::Unfit),
            Node::Union(branches) => self.union(scanner, branches, mode, depth),
            Node::Plain(plain) => self.plain(scanner, plain, mode, depth),
        }
    }

    pub(super) fn skip(&mut self, scanner: &mut Scanner<'f>) -> Result<Value<'f>, Miss> {
        let value = scanner.value()?;
        self.burn(value.raw.len())?;
        Ok(value)
    }

    /// The first branch that fits, else the one that takes the least changes.
    fn union(
        &mut self,
        scanner: &mut Scanner<'f>,
        branches: &[Id],
        mode: Mode,
        depth: usize,
    ) -> Taken {
        let start = scanner.clone();
        for branch in branches {
            *scanner = start.clone();
            match self.value(scanner, *branch, Mode::Exact, depth) {
                Err(Miss::Unfit) => {}
                taken => return taken,
            }
        }
        if mode == Mode::Exact {
            return Err(Miss::Unfit);
        }
        let mut best: Option<(Edits, Scanner<'f>)> = None;
        for branch in branches {
            let mut scanner = start.clone();
            let mark = self.edits.mark();
            let taken = self.value(&mut scanner, *branch, mode, depth);
            let edits = self.edits.split(mark);
            match taken {
                Err(Miss::Unknown) => return Err(Miss::Unknown),
                Err(Miss::Unfit) => {}
                Ok(()) => {
                    if best
                        .as_ref()
                        .is_none_or(|(best, _)| edits.cost() < best.cost())
                    {
                        best = Some((edits, scanner));
                    }
                }
            }
        }
        let (edits, end) = best.ok_or(Miss::Unfit)?;
        self.edits.append(edits);
        *scanner = end;
        Ok(())
    }

    pub(super) fn plain(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        mode: Mode,
        depth: usize,
    ) -> Taken {
        let wants = |types| plain.types.has(types);
        match scanner.peek()? {
            Type::Object if wants(Types::OBJECT) => self.object(scanner, plain, mode, depth),
            Type::Array if wants(Types::ARRAY) => self.array(scanner, plain, mode, depth),
            Type::Array if mode == Mode::Mend => self.unwrap(scanner, plain, depth),
            Type::Object if mode == Mode::Mend && wants(Types::ARRAY) => {
                self.wrap(scanner, plain, depth)
            }
            Type::Object | Type::Array => Err(Miss::Unfit),
            _ => self.scalar(scanner, plain, mode, depth),
        }
    }

    fn scalar(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        mode: Mode,
        depth: usize,
    ) -> Taken {
        let start = scanner.clone();
        let value = self.skip(scanner)?;
        if fits(plain, value) {
            return Ok(());
        }
        if mode == Mode::Exact {
            return Err(Miss::Unfit);
        }
        let word = self.words.get(value.start);
        if let Some(json) = convert(plain, value, word) {
            let kind = match plain.values {
                Some(_) => Kind::SchemaValue,
                None => Kind::SchemaType,
            };
            self.edits.replace(value.start..value.end(), json, kind);
            return Ok(());
        }
        if let Some(json) = self.written_out(plain, value, depth)? {
            let range = value.start..value.end();
            self.edits.replace(range, json, Kind::SchemaType);
            return Ok(());
        }
        if mode == Mode::Mend && plain.types.has(Types::ARRAY) && value.kind != Type::Null {
            *scanner = start;
            return self.wrap(scanner, plain, depth);
        }
        Err(Miss::Unfit)
    }
}
