//! Sets of request parameters, one bit each: what a request uses, what an endpoint understands.

use serde::{Deserialize, Serialize};

/// The parameters that `supported_parameters` lists (Models page, Parameters page), sorted. At most
/// 64. What every endpoint takes, such as `stream`, is none of them.
const NAMES: &[&str] = &[
    "frequency_penalty",
    "include_reasoning",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "min_p",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "structured_outputs",
    "temperature",
    "tool_choice",
    "tools",
    "top_a",
    "top_k",
    "top_logprobs",
    "top_p",
    "verbosity",
    "web_search_options",
];

/// A set of the documented parameters. Carried as one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParameterSet(u64);

impl ParameterSet {
    /// The set of one parameter; the empty one where the name is not documented.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let bit = NAMES.binary_search_by(|known| (*known).cmp(name)).ok();
        Self(bit.map_or(0, |bit| 1 << bit))
    }

    /// The set of all of these; names that are not documented are left out.
    pub fn all<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let sets = names.into_iter().map(Self::of);
        sets.fold(Self::default(), Self::with)
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not there.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set of these bits, of [`bits`](Self::bits).
    pub(crate) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// One bit for each, as a number.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two have a parameter in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The names, sorted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = NAMES.iter().enumerate();
        bits.filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert!(NAMES.is_sorted() && NAMES.len() <= 64);
        let set = ParameterSet::all(["tools", "seed", "no_such", "tools"]);
        assert_eq!(set.names().collect::<Vec<_>>(), ["seed", "tools"]);
        assert!(ParameterSet::of("no_such").is_empty());
        assert!(set.meets(ParameterSet::of("seed")) && !set.meets(ParameterSet::of("stop")));
        let rest = set.without(ParameterSet::of("seed"));
        assert_eq!(rest, ParameterSet::of("tools"));
    }
}
