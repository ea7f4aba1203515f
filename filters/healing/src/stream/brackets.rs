//! Objects and arrays: where they begin, and where they end in the text or because the text does.

use super::{Emitter, Mode, Seen, Step};
use crate::repair::lookahead::skip_space;
use crate::repair::{Frame, Kind, MAX_DEPTH};

impl Emitter {
    pub(super) fn open(&mut self, frame: Frame) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            return Step::Broken;
        }
        self.lead_out();
        self.stack.push(frame);
        self.out.push(match frame {
            Frame::Object => '{',
            Frame::Array => '[',
        });
        self.seen = Seen::Open;
        self.at += 1;
        Step::Done
    }

    /// Reads a closing bracket, which may not be the one that is due.
    pub(super) fn close(&mut self, frame: Frame) -> Step {
        if self.seen == Seen::Key {
            return Step::Broken;
        }
        let innermost = self.stack.len().saturating_sub(1);
        let due = self.stack.iter().rposition(|open| *open == frame);
        let behind = skip_space(self.rest().get(1..).unwrap_or_default());
        if matches!(due, None | Some(0)) && behind.is_empty() && !self.is_whole() {
            return Step::More;
        }
        let member = behind.strip_prefix(',').map(skip_space);
        if due == Some(0) && innermost == 0 && member == Some("") && !self.is_whole() {
            return Step::More;
        }
        let until = match due {
            // The root cannot end here, since it goes on.
            Some(0)
                if innermost == 0
                    && frame == Frame::Object
                    && member.is_some_and(|text| text.starts_with('"')) =>
            {
                self.kinds.insert(Kind::ExtraBracket);
                return self.skip('}');
            }
            Some(0) if innermost > 0 && member.is_some() => {
                self.kinds.insert(Kind::WrongBracket);
                innermost
            }
            Some(due) => {
                if due < innermost {
                    self.kinds.insert(Kind::MissingBracket);
                }
                due
            }
            None if innermost == 0 && !behind.is_empty() => {
                self.kinds.insert(Kind::ExtraBracket);
                return self.skip('}');
            }
            None => {
                self.kinds.insert(Kind::WrongBracket);
                innermost
            }
        };
        while self.stack.len() > until {
            self.pop();
        }
        self.skip('}')
    }

    /// Closes the innermost container.
    fn pop(&mut self) {
        if self.seen == Seen::Colon || self.key.is_some() {
            self.kinds.insert(Kind::IncompleteMember);
            self.drop_member();
        }
        self.drop_comma();
        self.lead_out();
        if let Some(frame) = self.stack.pop() {
            self.out.push(frame.close());
        }
        self.seen = Seen::Value;
        if self.stack.is_empty() {
            self.mode = Mode::Tail;
        }
    }

    /// Leaves out a comma behind which nothing came.
    fn drop_comma(&mut self) {
        if let Some(comma) = self.comma.take() {
            self.lead.remove(comma);
            self.kinds.insert(Kind::TrailingComma);
        }
    }

    /// Leaves out a member whose value is missing, since any value would be invented.
    pub(super) fn drop_member(&mut self) {
        match (self.comma.take(), self.key.take()) {
            (Some(comma), _) => {
                self.lead.truncate(comma);
                self.seen = Seen::Value;
            }
            (None, Some(key)) => {
                self.lead.truncate(key);
                self.seen = Seen::Open;
            }
            (None, None) => {}
        }
        self.doubt = None;
    }

    /// Closes everything that is open.
    pub(super) fn finish_document(&mut self) {
        if self.seen == Seen::Key || self.seen == Seen::Colon || self.key.is_some() {
            if self.seen != Seen::Comma && self.doubt.is_none() {
                self.kinds.insert(Kind::IncompleteMember);
            }
            self.drop_member();
        }
        if !self.stack.is_empty() {
            self.kinds.insert(Kind::MissingBracket);
        }
        self.drop_comma();
        // Only space is left, and nothing follows.
        self.lead.clear();
        while !self.stack.is_empty() {
            self.pop();
        }
        self.mode = Mode::Tail;
    }
}
