//! One value where an array is wanted, an array of one where none is, and JSON written out as a string.

use meshrouter_wire::json::{Scanner, Value};

use super::fit::{Fitter, Miss, Mode, Taken};
use super::{Plain, Types, Words};
use crate::repair::Kind;

impl<'f> Fitter<'f> {
    /// The object or array that a string holds as JSON, where one is wanted.
    pub(super) fn written_out(
        &mut self,
        plain: &Plain,
        value: Value<'f>,
        depth: usize,
    ) -> Result<Option<String>, Miss> {
        let text = value.text().unwrap_or_default();
        let text = text.trim();
        let wanted = match text.chars().next() {
            Some('{') => Types::OBJECT,
            Some('[') => Types::ARRAY,
            _ => return Ok(None),
        };
        if !plain.types.has(wanted) || !crate::repair::is_json(text) {
            return Ok(None);
        }
        let words = Words::default();
        let mut inner = Fitter::new(self.schema, text, &words, self.fuel);
        let mut scanner = Scanner::new(text.as_bytes());
        let taken = inner.plain(&mut scanner, plain, Mode::Mend, depth.saturating_add(1));
        self.fuel = inner.fuel;
        match taken {
            Ok(()) => Ok(inner.edits.apply(text)),
            Err(Miss::Unfit) => Ok(None),
            Err(Miss::Unknown) => Err(Miss::Unknown),
        }
    }

    /// One value where an array is wanted.
    pub(super) fn wrap(&mut self, scanner: &mut Scanner<'f>, plain: &Plain, depth: usize) -> Taken {
        if plain.values.is_some() {
            return Err(Miss::Unfit);
        }
        scanner.peek()?;
        self.edits.insert(scanner.offset(), "[", Kind::SchemaArray);
        match plain.item(0) {
            Some(id) => self.value(scanner, id, Mode::MendInside, depth)?,
            None => self.skip(scanner).map(drop)?,
        }
        self.edits.insert(scanner.offset(), "]", Kind::SchemaArray);
        Ok(())
    }

    /// An array of one where no array is wanted.
    pub(super) fn unwrap(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        depth: usize,
    ) -> Taken {
        let open = scanner.offset();
        let mut cursor = scanner.enter()?;
        if !scanner.element(&mut cursor)? {
            return Err(Miss::Unfit);
        }
        scanner.peek()?;
        self.edits.remove(open..scanner.offset(), Kind::SchemaArray);
        self.plain(scanner, plain, Mode::MendInside, depth)?;
        let end = scanner.offset();
        if scanner.element(&mut cursor)? {
            return Err(Miss::Unfit);
        }
        self.edits.remove(end..scanner.offset(), Kind::SchemaArray);
        Ok(())
    }
}
