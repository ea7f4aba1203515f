//! How what one filter writes reaches a later one: without a search for names, and in few bytes where they cross in a header.
//!
//! Both ends are built from the same sources, so that the order of the fields is all that they need to agree on.

mod facts;
pub(crate) mod text;
mod words;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::facts::Attempt;

/// What one filter writes and a later one reads.
pub trait Carried: Sized {
    /// As the bytes of a property.
    #[must_use]
    fn encode(&self) -> Vec<u8>;

    /// Reads the bytes; `None` where [`encode`](Self::encode) did not write them.
    #[must_use]
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// What serde writes and reads.
trait Plain: Serialize + for<'de> Deserialize<'de> {}

impl Plain for Account {}
impl Plain for Attempt {}

impl<T: Plain> Carried for T {
    fn encode(&self) -> Vec<u8> {
        // Strings, integers and booleans: serialisation cannot fail.
        postcard::to_extend(self, Vec::with_capacity(256)).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// Types that people write, and that are rarely anything but their default: as JSON, or nothing.
pub(crate) mod document {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize + Default + PartialEq,
        S: Serializer,
    {
        if *value == T::default() {
            return serializer.serialize_str("");
        }
        let json = serde_json::to_string(value).map_err(S::Error::custom)?;
        serializer.serialize_str(&json)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: DeserializeOwned + Default,
        D: Deserializer<'de>,
    {
        let json = String::deserialize(deserializer)?;
        if json.is_empty() {
            return Ok(T::default());
        }
        serde_json::from_str(&json).map_err(D::Error::custom)
    }
}
