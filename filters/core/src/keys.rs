//! The compiled keys: SHA-256 → who may call.

use std::collections::BTreeMap;

use crate::account::Account;
use crate::carried::Carried;
use crate::document::{Caller, DocumentError};

/// SHA-256 of a key.
pub type KeyHash = [u8; 32];

/// The document's keys. A lookup costs the same whatever the wrong key was: callers reach it by a hash.
#[derive(Debug, Default)]
pub struct KeyRing {
    /// In the document's order.
    keys: Vec<Known>,
    /// Where the key of a hash stands.
    by_hash: BTreeMap<KeyHash, usize>,
    /// Where the key of a name stands.
    by_name: BTreeMap<String, usize>,
}

/// A key of the document.
#[derive(Debug)]
pub struct Known {
    /// What the document says of it.
    pub caller: Caller,
    /// SHA-256 of the key.
    pub hash: KeyHash,
    /// Who pays for its requests.
    pub account: Account,
    /// The same, encoded.
    pub encoded_account: Vec<u8>,
}

impl Known {
    fn new(caller: Caller, hash: KeyHash) -> Self {
        let account = Account {
            key: caller.name.clone(),
            made: None,
            label: caller.label().to_owned(),
            allowance: caller.allowance(),
        };
        Self {
            encoded_account: account.encode(),
            account,
            caller,
            hash,
        }
    }
}

impl KeyRing {
    /// Checks and indexes a document's keys.
    ///
    /// # Errors
    /// The path of the first key whose hash is not one, whose name cannot be one, or whose hash or name stands twice.
    pub fn compile(keys: Vec<Caller>) -> Result<Self, DocumentError> {
        let mut ring = Self::default();
        for (n, key) in keys.into_iter().enumerate() {
            let error = |field: &str, message: String| {
                Err(DocumentError::new(format!("keys[{n}].{field}"), message))
            };
            if let Some(message) = wrong_name(&key.name) {
                return error("name", message.to_owned());
            }
            // What else the document says of a key is found by its name.
            if ring.by_name.insert(key.name.clone(), n).is_some() {
                let message = format!("another key is named `{}`, too", key.name);
                return error("name", message);
            }
            let Some(hash) = parse_hash(&key.hash) else {
                let message = "must be the key's SHA-256 as 64 hex digits";
                return error("hash", message.to_owned());
            };
            if ring.by_hash.insert(hash, n).is_some() {
                return error("hash", "this key stands twice".to_owned());
            }
            ring.keys.push(Known::new(key, hash));
        }
        Ok(ring)
    }

    /// The key of a hash.
    #[must_use]
    pub fn get(&self, hash: &KeyHash) -> Option<&Known> {
        self.keys.get(*self.by_hash.get(hash)?)
    }

    /// The key of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Known> {
        self.keys.get(*self.by_name.get(name)?)
    }

    /// All keys, in the document's order.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.keys.iter()
    }
}

/// Why this cannot be the name of a key: accounts are kept by it, among those of keys that others made (`#`) and
/// with the names of models behind it (a line end).
fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("must not be empty: records and limits go by it");
    }
    if name.starts_with('#') || name.chars().any(char::is_control) {
        return Some("must not begin with `#` nor hold line ends or other control characters");
    }
    None
}

/// A key of 32 random bytes.
#[must_use]
pub fn from_random(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", hex(bytes))
}

/// How it is shown: `sk-or-v1-abc...123`.
#[must_use]
pub fn label(bytes: &[u8; 32]) -> String {
    let digits = hex(bytes);
    let part = |range| digits.get(range).unwrap_or_default();
    format!("{PREFIX}{}...{}", part(0..3), part(61..64))
}

/// What every key that the gateway makes begins with, as OpenRouter's do.
const PREFIX: &str = "sk-or-v1-";

/// A hash as it is written.
#[must_use]
pub fn hex(hash: &KeyHash) -> String {
    let digits: Vec<[u8; 8]> = hash.as_chunks().0.iter().map(digits).collect();
    // Digits are ASCII.
    String::from_utf8(digits.as_flattened().to_vec()).unwrap_or_default()
}

/// The digits of four bytes, all at once: every request has a hash written.
fn digits(bytes: &[u8; 4]) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let together = u64::from(u32::from_be_bytes(*bytes));
    let pairs = (together | together << 16) & 0x0000_FFFF_0000_FFFF;
    let whole = (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FF;
    // A byte of its own for each digit's value.
    let halves = (whole | whole << 4) & (0x0F * EACH);
    // From ten on, six more are sixteen.
    let letters = (halves + 6 * EACH) >> 4 & EACH;
    let digits = halves + EACH * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1);
    digits.to_be_bytes()
}

/// Reads a hash as it is written.
#[must_use]
pub fn parse_hash(hex: &str) -> Option<KeyHash> {
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
        assert_eq!(ring.named("k").unwrap().hash, hash);
        assert!(ring.named("l").is_none());
        assert_eq!(ring.iter().count(), 1);
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
        for name in ["", "#k", "a\nb", "a\u{7f}"] {
            assert_eq!(path(key("k", &a), key(name, &b)), "keys[1].name");
        }
    }

    #[test]
    fn accounts_go_by_name_and_show_the_label() {
        let mut labelled = key("k", &"a".repeat(64));
        labelled.label = Some("sk-or-v1-abc...123".to_owned());
        let ring = KeyRing::compile(vec![labelled, key("l", &"b".repeat(64))]).unwrap();
        let account = |name| Account::decode(&ring.named(name).unwrap().encoded_account).unwrap();
        assert_eq!(account("k").id(), "k");
        assert_eq!(account("k").label, "sk-or-v1-abc...123");
        assert_eq!(account("l").label, "l");
    }

    #[test]
    fn every_byte_has_its_digits() {
        for byte in 0..=u8::MAX {
            let mut hash = [byte; 32];
            hash[1] = !byte;
            let digits: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex(&hash), digits.concat());
        }
    }

    #[test]
    fn labels_show_a_beginning_and_an_end() {
        assert_eq!(
            from_random(&[0x1f; 32]),
            format!("sk-or-v1-{}", "1f".repeat(32))
        );
        assert_eq!(label(&[0x1f; 32]), "sk-or-v1-1f1...f1f");
        assert_eq!(parse_hash(&hex(&[0x0f; 32])), Some([0x0f; 32]));
    }
}
