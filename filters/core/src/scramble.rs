//! Chance without a source of it: numbers that look drawn, and are the same for the same seed.

/// Spreads every bit over all others (the finalizer of SplitMix64).
#[must_use]
pub fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the published generator gives first, seeded with 0 and with 1234567.
    #[test]
    fn the_published_numbers() {
        assert_eq!(scramble(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(scramble(1_234_567), 6_457_827_717_110_365_317);
    }
}
