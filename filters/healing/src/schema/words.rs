//! Words of a text that JSON does not have.

/// Where a document has a scalar that stood in the text as a word that JSON does not have, and the
/// word: offsets of a `null` for `NaN`, of a `7` for `007`.
#[derive(Debug, Default)]
pub(crate) struct Words<'a>(Vec<(usize, &'a str)>);

impl<'a> Words<'a> {
    /// Adds the word for what is written at an offset. What was written there or behind is no more.
    pub(crate) fn insert(&mut self, at: usize, word: &'a str) {
        while self.0.last().is_some_and(|(last, _)| *last >= at) {
            self.0.pop();
        }
        self.0.push((at, word));
    }

    pub(crate) fn get(&self, at: usize) -> Option<&'a str> {
        let place = self.0.binary_search_by(|(known, _)| known.cmp(&at)).ok()?;
        self.0.get(place).map(|(_, word)| *word)
    }
}
