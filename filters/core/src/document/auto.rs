//! `auto`: what `meshrouter/auto` picks from, and how it scores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The auto router's pool and weights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auto {
    /// The models that it picks from; at least one.
    pub models: Vec<AutoModel>,
    /// Points that a model loses for each time that it costs twice as much as the cheapest.
    #[serde(default)]
    pub points_per_doubling: Difficulty,
}

/// A model of the pool. Ratings are points from 0 to 100.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutoModel {
    /// Its id in the catalog.
    pub id: String,
    /// How good it is in general.
    pub quality: u8,
    /// How good it is at a task, where that differs.
    #[serde(default)]
    pub strengths: BTreeMap<Task, u8>,
}

/// What a price is worth in points, by how much the request asks of a model.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Difficulty {
    /// For short requests without a special task: the price counts much.
    pub easy: u16,
    /// For all others.
    pub hard: u16,
}

impl Default for Difficulty {
    fn default() -> Self {
        Self { easy: 15, hard: 4 }
    }
}

/// What a request asks of a model beside talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Reading or writing programs.
    Code,
    /// Calculating and proving.
    Mathematics,
    /// Thinking before answering: the request asks for reasoning.
    Reasoning,
    /// Calling tools.
    Tools,
    /// Much to read, or much to write.
    Length,
}
