//! Generations that are remembered: a bounded number, the latest ones.

use std::borrow::Cow;

use meshrouter_core::fnv::fnv1a;
use meshrouter_core::money::Decimal;

/// How many places there are. Each generation has one of them, by its id, until another one gets it: of the last few
/// hundred almost all are there.
const PLACES: u64 = 8_192;

/// The place of a generation in shared data.
#[must_use]
pub fn key(id: &str) -> String {
    let hash = fnv1a(id.as_bytes());
    // The last byte is in the first bits and the last ones, and hardly between.
    let place = Decimal::from((hash ^ (hash >> 40)) % PLACES);
    ["generation/", place.text()].concat()
}

/// What its place holds: when it was made, in Unix milliseconds, and what is known of it, as JSON.
#[must_use]
pub fn value(milliseconds: u64, json: &[u8]) -> Vec<u8> {
    [Decimal::from(milliseconds).bytes(), b"\n", json].concat()
}

/// What is known of the generation in a place.
#[must_use]
pub fn json(value: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let value = value?;
    let at = value.iter().position(|byte| *byte == b'\n')?;
    let json = Cow::from(value.get(at.saturating_add(1)..)?);
    Some(json.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        assert_eq!(json(Some(value(12, b"{}"))).as_deref(), Some(&b"{}"[..]));
        assert_eq!(json(Some(b"x".to_vec())), None);
        assert_eq!(json(None), None);
    }

    #[test]
    fn places_are_taken_evenly() {
        let mut taken = std::collections::BTreeSet::new();
        for n in 0..1_000 {
            taken.insert(key(&format!("gen-1795603520-{n}")));
        }
        // By chance 941 would be.
        assert!(taken.len() > 900, "{}", taken.len());
    }
}
