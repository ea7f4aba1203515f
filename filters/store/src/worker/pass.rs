//! One reading of what changed in the store, page by page.

use crate::etcd::{self, Page};

/// A reading that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    /// Only what changed after this revision is read.
    after: u64,
    /// The revision at which all pages are read, once the first has come.
    at: Option<u64>,
    /// The key to go on from; `None` for the first page.
    from: Option<String>,
}

impl Pass {
    pub(super) fn new(after: u64) -> Self {
        Self {
            after,
            at: None,
            from: None,
        }
    }

    /// The request for the next page.
    pub(super) fn request(&self, prefix: &str) -> Vec<u8> {
        let from = self.from.as_deref().unwrap_or(prefix);
        etcd::range(from, prefix, self.after, self.at)
    }

    /// Takes a page: the revision that has been read, where it was the last.
    pub(super) fn take(&mut self, page: &Page) -> Option<u64> {
        let revision = *self.at.get_or_insert(page.revision);
        match page.entries.last() {
            Some(last) if page.more => {
                // The key right behind the last.
                self.from = Some(format!("{}\0", last.key));
                None
            }
            _ => Some(revision),
        }
    }
}
