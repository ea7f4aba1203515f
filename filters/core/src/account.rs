//! Whose request it is, who pays for it, and what it may use up: what `auth` tells the filters behind it.

use serde::{Deserialize, Serialize};

use crate::carried;
use crate::document::Allowance;

/// Whose request it is, and who pays for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name of the key of the document whose policy holds: the caller's, or the one that made it. The first
    /// field, for [`key_of`](Self::key_of).
    pub key: String,
    /// Of a key that was made while the gateway runs: its hash, behind a `#`.
    pub made: Option<String>,
    /// How the key is shown: `sk-or-v1-abc...123`, or its name where the document does not say.
    pub label: String,
    /// What it may use up.
    #[serde(with = "carried::document")]
    pub allowance: Allowance,
}

impl Account {
    /// What its balance is kept under: the name of a key of the document, which stays when the key itself is
    /// replaced; else the hash of the key, behind a `#`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.made.as_deref().unwrap_or(&self.key)
    }

    /// The name of the key in an encoded account, read without the rest; none where it is no account.
    #[must_use]
    pub fn key_of(encoded: &[u8]) -> &str {
        postcard::take_from_bytes(encoded).map_or("", |(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carried::Carried;

    #[test]
    fn the_keys_name_is_read_alone() {
        let account = Account {
            key: "Zoë".to_owned(),
            label: "sk".to_owned(),
            ..Account::default()
        };
        assert_eq!(Account::key_of(&account.encode()), "Zoë");
        for wrong in [&b""[..], b"\x05abc", b"\x01\xff"] {
            assert_eq!(Account::key_of(wrong), "");
        }
    }
}
