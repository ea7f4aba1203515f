//! Numbers, and the three words of JSON.

use super::{JsonError, Scanner};

impl Scanner<'_> {
    /// Passes a number.
    pub(super) fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at = self.at.saturating_add(1);
        }
        let leading_zero = self.byte() == Some(b'0');
        let whole = self.digits();
        let mut valid = whole == 1 || (whole > 1 && !leading_zero);
        if self.byte() == Some(b'.') {
            self.at = self.at.saturating_add(1);
            valid &= self.digits() > 0;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at = self.at.saturating_add(1);
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at = self.at.saturating_add(1);
            }
            valid &= self.digits() > 0;
        }
        if valid {
            return Ok(());
        }
        self.at = start;
        Err(self.error("this is not a JSON number"))
    }

    /// Skips digits and counts them.
    fn digits(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at = self.at.saturating_add(count);
        count
    }

    /// Passes a literal that is a word.
    pub(super) fn word(&mut self) -> Result<(), JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for word in [&b"true"[..], b"false", b"null"] {
            if rest.starts_with(word) {
                self.at = self.at.saturating_add(word.len());
                return Ok(());
            }
        }
        Err(self.error("expected `true`, `false` or `null`"))
    }
}
