//! How much a model is to think: one form for the many in which callers and providers say it.

use serde::{Deserialize, Serialize};

/// Levels of effort, as OpenAI and OneRouter name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// No reasoning.
    None,
    /// About 10% of the completion's tokens.
    Minimal,
    /// About 20%.
    Low,
    /// About 50%.
    Medium,
    /// About 80%.
    High,
    /// About 95%.
    Xhigh,
}

/// All levels, from none to most.
pub const EFFORTS: [Effort; 6] = [
    Effort::None,
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::Xhigh,
];

impl Effort {
    /// The level of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        EFFORTS.into_iter().find(|effort| effort.name() == name)
    }

    /// The name, as in `reasoning_effort`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
        }
    }

    /// The share of a completion's tokens that the level stands for, in percent (OneRouter guide).
    #[must_use]
    pub fn percent(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 10,
            Self::Low => 20,
            Self::Medium => 50,
            Self::High => 80,
            Self::Xhigh => 95,
        }
    }

    /// The level whose share is nearest to `tokens` of `of`; never none.
    #[must_use]
    pub fn nearest(tokens: u64, of: u64) -> Self {
        let percent = tokens.saturating_mul(100) / of.max(1);
        let levels = EFFORTS.into_iter().filter(|effort| *effort != Self::None);
        let nearest = levels.min_by_key(|effort| effort.percent().abs_diff(percent));
        nearest.unwrap_or(Self::Medium)
    }
}

/// What a request says of reasoning, whichever of its forms it used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// `reasoning.effort`, or OpenAI's `reasoning_effort`.
    pub effort: Option<Effort>,
    /// `reasoning.max_tokens`.
    pub max_tokens: Option<u64>,
    /// `reasoning.enabled`.
    pub enabled: Option<bool>,
    /// `reasoning.exclude`, or `include_reasoning: false`: think, but do not show it.
    pub exclude: bool,
}

/// What an endpoint is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: the request does not mention it.
    Unsaid,
    /// Not to reason.
    Off,
    /// To reason.
    On,
}

impl Reasoning {
    /// Whether the model is to reason. `thinking`: the slug's variant asks for it.
    #[must_use]
    pub fn wanted(&self, thinking: bool) -> Wanted {
        let off = self.enabled == Some(false)
            || self.effort == Some(Effort::None)
            || self.max_tokens == Some(0);
        let on = self.enabled == Some(true) || self.effort.is_some() || self.max_tokens.is_some();
        match (off, on || thinking) {
            (true, _) => Wanted::Off,
            (false, true) => Wanted::On,
            (false, false) => Wanted::Unsaid,
        }
    }

    /// The level, where one is to be named. `completion` is the most tokens of the completion.
    #[must_use]
    pub fn level(&self, completion: u64) -> Effort {
        let by_tokens = self
            .max_tokens
            .map(|tokens| Effort::nearest(tokens, completion));
        self.effort.or(by_tokens).unwrap_or(Effort::Medium)
    }

    /// The budget, where one is to be named: what the request says, or its level's share of
    /// `completion` tokens.
    #[must_use]
    pub fn budget(&self, completion: u64) -> u64 {
        let share = self.effort.unwrap_or(Effort::Medium).percent();
        let tokens = u128::from(completion) * u128::from(share) / 100;
        self.max_tokens
            .unwrap_or(u64::try_from(tokens).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_shares() {
        let shares = [
            ("xhigh", 950),
            ("high", 800),
            ("medium", 500),
            ("low", 200),
            ("minimal", 100),
            ("none", 0),
        ];
        for (name, tokens) in shares {
            let effort = Effort::parse(name);
            let reasoning = Reasoning {
                effort,
                ..Reasoning::default()
            };
            assert_eq!(reasoning.budget(1_000), tokens, "{name}");
        }
        assert_eq!(Effort::parse("most"), None);
    }

    #[test]
    fn levels_and_budgets_stand_for_each_other() {
        let tokens = |max_tokens| Reasoning {
            max_tokens: Some(max_tokens),
            ..Reasoning::default()
        };
        assert_eq!(tokens(1_000).level(10_000), Effort::Minimal);
        assert_eq!(tokens(5_500).level(10_000), Effort::Medium);
        assert_eq!(tokens(99_999).level(10_000), Effort::Xhigh);
        assert_eq!(tokens(5).level(0), Effort::Xhigh);
        assert_eq!(tokens(700).budget(10_000), 700);
        assert_eq!(Reasoning::default().level(10), Effort::Medium);
    }

    #[test]
    fn wanted_or_not() {
        let default = Reasoning::default();
        assert_eq!(default.wanted(false), Wanted::Unsaid);
        assert_eq!(default.wanted(true), Wanted::On);
        let cases = [
            (
                Reasoning {
                    effort: Some(Effort::None),
                    ..default
                },
                Wanted::Off,
            ),
            (
                Reasoning {
                    enabled: Some(false),
                    effort: Some(Effort::High),
                    ..default
                },
                Wanted::Off,
            ),
            (
                Reasoning {
                    max_tokens: Some(0),
                    ..default
                },
                Wanted::Off,
            ),
            (
                Reasoning {
                    max_tokens: Some(1),
                    ..default
                },
                Wanted::On,
            ),
            (
                Reasoning {
                    enabled: Some(true),
                    ..default
                },
                Wanted::On,
            ),
            (
                Reasoning {
                    exclude: true,
                    ..default
                },
                Wanted::Unsaid,
            ),
        ];
        for (reasoning, wanted) in cases {
            assert_eq!(reasoning.wanted(false), wanted, "{reasoning:?}");
        }
    }
}
