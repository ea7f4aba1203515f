//! Objects and arrays against a schema: what they are made of, and what is to be left out.

use meshrouter_wire::json::{Kind as Type, Scanner};

use super::convert::equals;
use super::fit::{Fitter, Miss, Mode, Taken};
use super::{Others, Plain};
use crate::repair::Kind;

impl<'f> Fitter<'f> {
    pub(super) fn object(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        mode: Mode,
        depth: usize,
    ) -> Taken {
        scanner.peek()?;
        let open = scanner.offset();
        let mut cursor = scanner.enter()?;
        let mut seen = vec![false; plain.properties.len()];
        self.burn(seen.len())?;
        let mut missing = plain.required;
        let (mut first, mut kept) = (true, false);
        let mut left_out = Kind::SchemaExtra;
        while let Some(member) = scanner.member(&mut cursor)? {
            self.burn(member.name.len())?;
            let mark = self.edits.mark();
            if !first && !kept {
                // What stood before this comma is left out.
                let comma = member.start..member.start.saturating_add(1);
                self.edits.remove(comma, left_out);
            }
            let property = plain.property(&member.name);
            let dropped = self.member(scanner, plain, property, mode, depth)?;
            if let Some(kind) = dropped {
                left_out = kind;
                self.edits.back_to(mark);
                let from = member.start.saturating_add(usize::from(first));
                self.edits.remove(from..scanner.offset(), kind);
            } else {
                kept = true;
                if let Some(seen) = property.and_then(|place| seen.get_mut(place))
                    && !std::mem::replace(seen, true)
                    && plain.is_required(property)
                {
                    missing = missing.saturating_sub(1);
                }
            }
            first = false;
        }
        if missing > 0 {
            return Err(Miss::Unfit);
        }
        self.listed(plain, open, scanner.offset())
    }

    /// Takes a member's value; the kind where the member is to be left out.
    fn member(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        property: Option<usize>,
        mode: Mode,
        depth: usize,
    ) -> Result<Option<Kind>, Miss> {
        let described = property.and_then(|place| plain.properties.get(place)?.id);
        let id = match (described, plain.others) {
            (Some(id), _) | (None, Others::Of(id)) => id,
            (None, Others::Any) => return self.skip(scanner).map(|_| None),
            (None, Others::Forbidden) if mode == Mode::Exact => return Err(Miss::Unfit),
            (None, Others::Forbidden) => {
                self.skip(scanner)?;
                return Ok(Some(Kind::SchemaExtra));
            }
        };
        let start = scanner.clone();
        let mark = self.edits.mark();
        let inner = match mode {
            Mode::Exact => Mode::Exact,
            _ => Mode::Mend,
        };
        let taken = self.value(scanner, id, inner, depth);
        let optional = mode != Mode::Exact && !plain.is_required(property);
        if taken == Err(Miss::Unfit) && optional && start.clone().peek()? == Type::Null {
            self.edits.back_to(mark);
            *scanner = start;
            self.skip(scanner)?;
            return Ok(Some(Kind::SchemaNull));
        }
        taken.map(|()| None)
    }

    pub(super) fn array(
        &mut self,
        scanner: &mut Scanner<'f>,
        plain: &Plain,
        mode: Mode,
        depth: usize,
    ) -> Taken {
        scanner.peek()?;
        let open = scanner.offset();
        let mut cursor = scanner.enter()?;
        let inner = match mode {
            Mode::Exact => Mode::Exact,
            _ => Mode::Mend,
        };
        let mut index = 0;
        while scanner.element(&mut cursor)? {
            match plain.item(index) {
                Some(id) => self.value(scanner, id, inner, depth)?,
                None => self.skip(scanner).map(drop)?,
            }
            index = index.saturating_add(1);
        }
        self.listed(plain, open, scanner.offset())
    }

    /// Objects and arrays that are listed must be the listed ones.
    fn listed(&mut self, plain: &Plain, start: usize, end: usize) -> Taken {
        let Some(values) = &plain.values else {
            return Ok(());
        };
        self.burn(end.saturating_sub(start))?;
        let text = self.text.as_bytes().get(start..end).unwrap_or_default();
        let value = Scanner::document(text)?;
        let listed = values.iter().any(|listed| equals(listed, value));
        if listed { Ok(()) } else { Err(Miss::Unfit) }
    }
}
