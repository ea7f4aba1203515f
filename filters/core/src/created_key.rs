//! Keys that were made while the gateway runs, by `POST /keys`, as shared data holds them.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::carried::Carried;
use crate::document::{Allowance, LimitReset};
use crate::keys::{self, KeyHash};
use crate::money::Usd;
use crate::timestamp::Timestamp;

/// The layout's version: a key of another is as unknown as one that was never made.
const VERSION: u32 = 1;

/// Where the list of created keys stands in shared data, see [`Index`].
pub const INDEX: &str = "keys";

/// The most keys that there may be at a time.
pub const MAX_KEYS: usize = 10_000;

/// Where a key stands in shared data, by its hash in hex.
#[must_use]
pub fn shared_key(hash: &str) -> String {
    ["key/", hash].concat()
}

/// A key that was made by another, its provisioning key, whose policy it follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedKey {
    version: u32,
    /// SHA-256 of the key, in hex. The key itself stands nowhere.
    pub hash: String,
    /// How it is shown: `sk-or-v1-abc...123`.
    pub label: String,
    /// What its maker calls it.
    pub name: String,
    /// A disabled key is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// As [`Allowance::limit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Usd>,
    /// As [`Allowance::limit_reset`].
    #[serde(default)]
    pub limit_reset: LimitReset,
    /// As [`Allowance::include_byok_in_limit`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_byok_in_limit: bool,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// The name of the provisioning key that made it, an entry of the gateway document.
    pub creator: String,
    /// A deleted key leaves this behind, so that whoever holds an older copy learns that it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl CreatedKey {
    /// A key of this hash, label and name, made now by this provisioning key.
    #[must_use]
    pub fn new(hash: &KeyHash, label: String, name: String, creator: &str, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            hash: keys::hex(hash),
            label,
            name,
            created_at: now,
            creator: creator.to_owned(),
            ..Self::default()
        }
    }

    /// Reads what shared data holds; `None` where that is nothing, or of another version.
    #[must_use]
    pub fn read(bytes: Option<&[u8]>) -> Option<Self> {
        Self::decode(bytes?).filter(|key| key.version == VERSION)
    }

    /// Whether this is what became of `other`, or the other way round: of two copies the one that was changed last;
    /// what was deleted stays so.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        let changed = |key: &Self| {
            (
                key.deleted,
                key.updated_at.unwrap_or(key.created_at).seconds(),
            )
        };
        changed(self) >= changed(other)
    }

    /// Whether it was not deleted.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.deleted
    }

    /// Who pays for its requests: its limit is its own, its rates and budgets are as its maker's.
    #[must_use]
    pub fn account(&self, maker: &Allowance) -> Account {
        Account {
            key: self.creator.clone(),
            made: Some(["#", &self.hash].concat()),
            label: self.label.clone(),
            allowance: Allowance {
                limit: self.limit,
                limit_reset: self.limit_reset,
                include_byok_in_limit: self.include_byok_in_limit,
                ..maker.clone()
            },
        }
    }
}

/// As JSON: it outlives the gateway, and other versions read it.
impl Carried for CreatedKey {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The created keys that were not deleted, newest first: their hashes, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index(Vec<KeyHash>);

impl Index {
    /// Reads what shared data holds.
    #[must_use]
    pub fn decode(bytes: Option<&[u8]>) -> Self {
        let (hashes, _) = bytes.unwrap_or_default().as_chunks();
        Self(hashes.to_vec())
    }

    /// As shared data holds it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Adds the newest key; false where there are as many as may be.
    #[must_use]
    pub fn add(&mut self, hash: KeyHash) -> bool {
        let is_room = self.0.len() < MAX_KEYS;
        if is_room && !self.0.contains(&hash) {
            self.0.insert(0, hash);
        }
        is_room
    }

    /// Takes a key out.
    pub fn remove(&mut self, hash: &KeyHash) {
        self.0.retain(|known| known != hash);
    }

    /// The hashes, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &KeyHash> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created() -> CreatedKey {
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut key = CreatedKey::new(
            &[0xab; 32],
            "l".to_owned(),
            "Zoë \"1\"".to_owned(),
            "ops",
            now,
        );
        key.limit = Some(Usd::from_nano(1));
        key.limit_reset = LimitReset::Weekly;
        key
    }

    #[test]
    fn keys_round_trip() {
        let key = created();
        assert_eq!(CreatedKey::read(Some(&key.encode())), Some(key.clone()));
        let full = CreatedKey {
            disabled: true,
            include_byok_in_limit: true,
            expires_at: Some(Timestamp::default()),
            updated_at: Some(Timestamp::default()),
            deleted: true,
            ..key
        };
        assert_eq!(CreatedKey::read(Some(&full.encode())), Some(full.clone()));
        let other = CreatedKey { version: 2, ..full }.encode();
        for bytes in [None, Some(&b""[..]), Some(b"{}"), Some(&other)] {
            assert_eq!(CreatedKey::read(bytes), None);
        }
    }

    #[test]
    fn accounts_are_the_keys_own_and_rates_its_makers() {
        let maker = Allowance {
            limit: Some(Usd::from_nano(9)),
            requests_per_minute: Some(5),
            ..Allowance::default()
        };
        let account = created().account(&maker);
        assert_eq!(account.id(), format!("#{}", "ab".repeat(32)));
        assert_eq!(account.allowance.limit, Some(Usd::from_nano(1)));
        assert_eq!(account.allowance.limit_reset, LimitReset::Weekly);
        assert_eq!(account.allowance.requests_per_minute, Some(5));
    }

    #[test]
    fn the_index_is_bounded_and_newest_first() {
        let mut index = Index::default();
        assert!(index.add([1; 32]) && index.add([2; 32]) && index.add([2; 32]));
        let read = Index::decode(Some(&index.encode()));
        assert_eq!(read.iter().collect::<Vec<_>>(), [&[2; 32], &[1; 32]]);
        index.remove(&[2; 32]);
        assert_eq!(index.iter().count(), 1);
        let hash = |n: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_le_bytes());
            hash
        };
        let mut index = Index((0..MAX_KEYS - 1).map(hash).collect());
        assert!(index.add([1; 32]));
        assert!(!index.add([2; 32]));
        assert_eq!(index.iter().count(), MAX_KEYS);
        assert_eq!(Index::decode(Some(b"odd")), Index::default());
    }
}
