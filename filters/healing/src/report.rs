//! What became of an answer's JSON, for the caller and for the record.

use std::fmt;

use crate::repair::{Kinds, Repair};

/// What became of one text, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was valid, and passed as it was.
    Valid,
    /// It was repaired.
    Repaired,
    /// The token limit cut it off; it passed as it was.
    Truncated,
    /// It could not be repaired, and passed as it was.
    Failed,
}

impl Verdict {
    /// The stable name, for records and headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Repaired => "repaired",
            Self::Truncated => "truncated",
            Self::Failed => "failed",
        }
    }
}

/// What became of all texts of an answer: the worst of them, and every repair of any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    verdict: Option<Verdict>,
    kinds: Kinds,
}

impl Report {
    /// Adds one text.
    pub fn add(&mut self, verdict: Verdict, kinds: Kinds) {
        self.verdict = self.verdict.max(Some(verdict));
        self.kinds.extend(kinds);
    }

    /// Adds one repair, and hands out what is to stand in the text's place.
    pub(crate) fn take(&mut self, repair: Repair) -> Option<String> {
        match repair {
            Repair::Valid => self.add(Verdict::Valid, Kinds::default()),
            Repair::Hopeless => self.add(Verdict::Failed, Kinds::default()),
            Repair::Repaired { json, kinds } => {
                self.add(Verdict::Repaired, kinds);
                return Some(json);
            }
        }
        None
    }

    /// Whether there was no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.verdict.is_none()
    }
}

/// `repaired;trailing_comma,unquoted_key`, as header and property have it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict.map_or("", Verdict::name);
        f.write_str(verdict)?;
        for (i, name) in self.kinds.names().enumerate() {
            f.write_str(if i == 0 { ";" } else { "," })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::repair;

    #[test]
    fn the_worst_counts_and_all_repairs_do() {
        let mut report = Report::default();
        assert!(report.is_empty());
        report.take(repair("{}"));
        assert_eq!(report.to_string(), "valid");
        report.take(repair("{a: 1}"));
        report.take(repair("{\"a\": 1,}"));
        assert_eq!(report.to_string(), "repaired;trailing_comma,unquoted_key");
        report.add(Verdict::Truncated, Kinds::default());
        report.take(repair("no"));
        report.take(repair("[]"));
        assert_eq!(report.to_string(), "failed;trailing_comma,unquoted_key");
    }
}
