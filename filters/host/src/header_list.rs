//! Headers that are read at once.

use crate::{Direction, Headers};

/// All headers of one half, as they were when they were read: one call of the host, however many are looked at.
#[derive(Clone, Default)]
pub struct HeaderList(Vec<(String, Vec<u8>)>);

impl HeaderList {
    /// Reads them.
    #[must_use]
    pub fn read(host: &impl Headers, of: Direction) -> Self {
        Self(host.headers(of))
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.iter();
        headers
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.0.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

impl FromIterator<(String, Vec<u8>)> for HeaderList {
    fn from_iter<T: IntoIterator<Item = (String, Vec<u8>)>>(headers: T) -> Self {
        Self(headers.into_iter().collect())
    }
}

/// Names alone: values may be anybody's secret.
impl std::fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}
