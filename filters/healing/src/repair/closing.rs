//! Where objects and arrays end, in the text or because the text does.

use super::kinds::Kind;
use super::lookahead;
use super::parser::{Frame, Parser, Seen};

impl Parser<'_> {
    /// Reads a closing bracket, which may not be the one that is due.
    pub(super) fn close(&mut self, frame: Frame) {
        let behind = self.rest().get(1..).unwrap_or_default();
        let due = self.stack.iter().rposition(|open| *open == frame);
        let innermost = self.stack.len().saturating_sub(1);
        let goes_on = due == Some(0)
            && match frame {
                Frame::Object => lookahead::member_follows(behind),
                // Two whole arrays in a row are two arrays.
                Frame::Array => innermost > 0 && lookahead::element_follows(behind),
            };
        self.at += 1;
        match due {
            // The root cannot end here, since it goes on.
            Some(0) if goes_on && innermost == 0 => self.kinds.insert(Kind::ExtraBracket),
            Some(due) if !goes_on => {
                if due < innermost {
                    self.kinds.insert(Kind::MissingBracket);
                }
                while self.stack.len() > due {
                    self.pop();
                }
            }
            None if innermost == 0 && self.root_ends_later() => {
                self.kinds.insert(Kind::ExtraBracket);
            }
            _ => {
                self.kinds.insert(Kind::WrongBracket);
                self.pop();
            }
        }
    }

    /// Whether the text ends with the bracket that closes the root.
    fn root_ends_later(&self) -> bool {
        let Some(root) = self.stack.first() else {
            return false;
        };
        let end = self.text.strip_suffix("```").unwrap_or(self.text);
        end.strip_suffix('\n')
            .unwrap_or(end)
            .ends_with(root.close())
    }

    /// Whether the root has nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        let inside = self
            .out
            .get(1..self.out.len().saturating_sub(1))
            .unwrap_or_default();
        lookahead::skip_space(inside).is_empty()
    }

    /// Closes the innermost container in what is written.
    fn pop(&mut self) {
        if let Some(comma) = self.comma.take() {
            // Only whitespace was written behind it.
            self.out.remove(comma);
            self.kinds.insert(Kind::TrailingComma);
        }
        if let Some(frame) = self.stack.pop() {
            self.out.push(frame.close());
        }
        self.value_done();
    }

    /// Leaves out a member whose value is missing, since any value would be invented.
    pub(super) fn drop_member(&mut self) {
        self.kinds.insert(Kind::IncompleteMember);
        match self.comma.take() {
            Some(comma) => {
                self.out.truncate(comma);
                self.seen = Seen::Value;
            }
            None => {
                self.out.truncate(self.member);
                self.seen = Seen::Open;
            }
        }
        self.doubt = None;
    }

    /// Closes everything that is open where the text ends.
    pub(super) fn finish(&mut self) {
        if matches!(self.seen, Seen::Key | Seen::Colon) {
            self.drop_member();
        }
        if let Some(comma) = self.comma.take() {
            self.out.truncate(comma);
            self.kinds.insert(Kind::TrailingComma);
        }
        let end = self.written();
        self.out.truncate(end);
        self.kinds.insert(Kind::MissingBracket);
        self.closed = false;
        while !self.stack.is_empty() {
            self.pop();
        }
    }

    /// Ends an unclosed text before what turned out to be prose; false if it was not that.
    pub(super) fn give_up_doubt(&mut self) -> bool {
        let Some((at, kinds)) = self.doubt else {
            return false;
        };
        if !lookahead::is_prose(self.text.get(at..).unwrap_or_default()) {
            return false;
        }
        self.at = at;
        self.kinds = kinds;
        self.out.truncate(self.value_end);
        self.comma = None;
        self.seen = Seen::Value;
        self.finish();
        true
    }
}
