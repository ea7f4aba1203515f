//! The compiled keys: SHA-256 → who may call.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::document::{Caller, DocumentError};
use crate::facts::Carried;

/// SHA-256 of a key.
pub type KeyHash = [u8; 32];

/// Keys by hash. A lookup costs the same whatever the wrong key was: callers reach it by a hash.
#[derive(Debug, Default)]
pub struct KeyRing(BTreeMap<KeyHash, Known>);

/// A key of the document.
#[derive(Debug)]
pub struct Known {
    /// What the document says of it.
    pub caller: Caller,
    /// Its [`Account`], encoded.
    pub account: Vec<u8>,
}

impl KeyRing {
    /// Checks and indexes a document's keys.
    ///
    /// # Errors
    /// The path of the first key whose hash is not one, or whose hash or name stands twice.
    pub fn compile(keys: Vec<Caller>) -> Result<Self, DocumentError> {
        let mut ring = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (n, key) in keys.into_iter().enumerate() {
            // What else the document says of a key is found by its name.
            if !names.insert(key.name.clone()) {
                let message = format!("another key is named `{}`, too", key.name);
                return Err(DocumentError::new(format!("keys[{n}].name"), message));
            }
            let path = format!("keys[{n}].hash");
            let Some(hash) = parse_hash(&key.hash) else {
                return Err(DocumentError::new(
                    path,
                    "must be the key's SHA-256 as 64 hex digits",
                ));
            };
            let account = Account {
                id: key.name.clone(),
                label: String::new(),
                allowance: key.allowance.clone(),
            };
            let known = Known {
                caller: key,
                account: account.encode(),
            };
            if ring.insert(hash, known).is_some() {
                return Err(DocumentError::new(path, "this key stands twice"));
            }
        }
        Ok(Self(ring))
    }

    /// The key of a hash.
    #[must_use]
    pub fn get(&self, hash: &KeyHash) -> Option<&Known> {
        self.0.get(hash)
    }
}

fn parse_hash(hex: &str) -> Option<KeyHash> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 64)
        .then(|| bytes.try_into().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, hash: &str) -> Caller {
        let key = serde_json::json!({"name": name, "hash": hash});
        serde_json::from_value(key).unwrap()
    }

    #[test]
    fn finds_by_hash() {
        let ring = KeyRing::compile(vec![key("k", &"0aF".repeat(22)[..64])]).unwrap();
        assert!(ring.get(&[0; 32]).is_none());
        let mut hash = [0; 32];
        for (n, byte) in hash.iter_mut().enumerate() {
            *byte = [0x0a, 0xf0, 0xaf][n % 3];
        }
        assert_eq!(ring.get(&hash).unwrap().caller.name, "k");
    }

    #[test]
    fn refuses_what_is_no_hash() {
        for hash in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
            let error = KeyRing::compile(vec![key("k", hash)]).unwrap_err();
            assert_eq!(error.path, "keys[0].hash");
        }
        let path = |first, second| KeyRing::compile(vec![first, second]).unwrap_err().path;
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert_eq!(
            path(key("k", &a), key("l", &a.to_uppercase())),
            "keys[1].hash"
        );
        assert_eq!(path(key("k", &a), key("k", &b)), "keys[1].name");
    }
}
