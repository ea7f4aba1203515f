//! Balancing by price: a draw in which each endpoint's chance is the inverse square of its price.

use meshrouter_core::scramble::scramble;

/// The bits of the highest weight's square root: weights are integers, so that a draw is the same
/// everywhere.
const SCALE: u32 = 20;

/// What costs weigh. Where some are free, the others have no chance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights {
    least: u64,
    shift: u32,
}

impl Weights {
    /// Among these costs.
    pub(crate) fn of(costs: impl Iterator<Item = u64> + Clone) -> Self {
        let most = costs.clone().max().unwrap_or(0);
        // Room for the scale above the highest cost, in one machine word.
        let shift = (u64::BITS - most.leading_zeros()).saturating_sub(u64::BITS - SCALE);
        let least = costs.min().unwrap_or(0);
        Self { least, shift }
    }

    /// The weight of one of them.
    pub(crate) fn weight(self, cost: u64) -> u64 {
        if cost == self.least {
            return 1 << (2 * SCALE);
        }
        let ratio = ((self.least >> self.shift) << SCALE) / (cost >> self.shift).max(1);
        ratio * ratio
    }
}

/// The place that a seed draws.
pub(crate) fn draw(weights: impl Iterator<Item = u64> + Clone, seed: u64) -> usize {
    let total: u64 = weights.clone().sum();
    let point = (u128::from(scramble(seed)) * u128::from(total)) >> 64;
    let mut point = u64::try_from(point).unwrap_or(0);
    for (n, weight) in weights.enumerate() {
        if point < weight {
            return n;
        }
        point -= weight;
    }
    0
}

/// One of so many equals. What it draws says nothing of what [`draw`] does with the same seed.
pub(crate) fn one_of(count: usize, seed: u64) -> usize {
    let count = u64::try_from(count).unwrap_or(1);
    let point = (u128::from(scramble(!scramble(seed))) * u128::from(count)) >> 64;
    usize::try_from(point).unwrap_or(0)
}

/// The seed of a text that is another for every request.
pub(crate) fn seed(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let rest = rest.iter().map(|byte| u64::from(*byte));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words
        .chain(rest)
        .fold(0, |seed, part| scramble(seed ^ part))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each place is drawn, in parts of a thousand.
    fn shares(costs: &[u64]) -> Vec<u64> {
        let costs = costs.iter().copied();
        let weights = Weights::of(costs.clone());
        let weights: Vec<u64> = costs.map(|cost| weights.weight(cost)).collect();
        let mut counts = vec![0; weights.len()];
        for n in 0..100_000_u64 {
            counts[draw(weights.iter().copied(), seed(&format!("gen-{n}")))] += 1;
        }
        counts.iter().map(|count| (count + 50) / 100).collect()
    }

    #[test]
    fn chances_are_the_inverse_square_of_the_price() {
        let near = |found: Vec<u64>, wanted: &[u64]| {
            let off = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(off <= Some(6), "{found:?}, not {wanted:?}");
        };
        near(shares(&[1, 3]), &[900, 100]);
        near(shares(&[3_000_000, 1_000_000]), &[100, 900]);
        near(shares(&[1, 2, 4]), &[762, 190, 48]);
        near(shares(&[5, 5, 5, 5]), &[250, 250, 250, 250]);
        near(shares(&[0, 0, 7]), &[500, 500, 0]);
        near(shares(&[9]), &[1_000]);
        // No price is too high to be counted with.
        near(shares(&[u64::MAX, u64::MAX]), &[500, 500]);
        near(shares(&[1, u64::MAX]), &[1_000, 0]);
    }

    #[test]
    fn nobody_is_drawn_from_nothing() {
        assert_eq!(draw(std::iter::empty(), 1), 0);
    }
}
