//! What was tried before: kept between the attempts of a request.
//!
//! All attempts of a request run on one worker, because the edge reaches the attempt chain without
//! a socket. So this is the VM's own memory: no hostcall, no other worker. A VM that traps loses it,
//! and with it the words of an error, nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;

use meshrouter_core::api_error::Tried;
use meshrouter_core::{ApiError, Candidate};

use crate::cause::Use;

/// The most requests that are remembered: callers who leave between two attempts leave theirs behind.
const MAX_REQUESTS: usize = 1_024;

/// The trails of all requests under way that had a failure, by generation id. The least id is the
/// oldest: they begin with the time.
#[derive(Debug, Default)]
pub(crate) struct Trails(RefCell<BTreeMap<String, Trail>>);

/// What was tried for one request.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The attempts that failed, in order.
    pub(crate) tried: Vec<Tried>,
    /// Of their errors the most useful; of equals the last.
    pub(crate) best: Option<Best>,
}

/// The error that a caller gets should nobody answer.
#[derive(Debug)]
pub(crate) struct Best {
    pub(crate) usefulness: Use,
    pub(crate) error: ApiError,
    /// Whose it is.
    pub(crate) candidate: Candidate,
    /// Milliseconds for which the provider wants no request.
    pub(crate) retry_after: Option<u64>,
}

impl Trails {
    /// Remembers an attempt that failed.
    pub(crate) fn add(&self, generation: &str, tried: Tried, error: Best) {
        let mut trails = self.0.borrow_mut();
        if !trails.contains_key(generation) && trails.len() >= MAX_REQUESTS {
            trails.pop_first();
        }
        let trail = trails.entry(generation.to_owned()).or_default();
        trail.tried.push(tried);
        let least = trail.best.as_ref().map(|best| best.usefulness);
        if least.is_none_or(|least| error.usefulness >= least) {
            trail.best = Some(error);
        }
    }

    /// What was tried for a request, which is over.
    pub(crate) fn take(&self, generation: &str) -> Trail {
        let mut trails = self.0.borrow_mut();
        trails.remove(generation).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(trails: &Trails, generation: &str, endpoint: &str, usefulness: Use) {
        let tried = Tried {
            model: "a/b".to_owned(),
            endpoint: endpoint.to_owned(),
            status: None,
            reason: "reset",
            ms: 1,
        };
        let error = Best {
            usefulness,
            error: ApiError::new(503, endpoint),
            candidate: Candidate::parse(&format!("a/b@{endpoint}")).unwrap(),
            retry_after: None,
        };
        trails.add(generation, tried, error);
    }

    #[test]
    fn the_most_useful_error_stays() {
        let trails = Trails::default();
        let all = [
            ("p", Use::Ours, "p"),
            ("q", Use::Transient, "q"),
            ("r", Use::Transient, "r"),
            ("s", Use::Silent, "r"),
        ];
        for (endpoint, usefulness, _) in all {
            add(&trails, "gen-1", endpoint, usefulness);
        }
        let trail = trails.take("gen-1");
        assert_eq!(trail.tried.len(), 4);
        assert_eq!(trail.best.unwrap().error.message, "r");
        assert!(trails.take("gen-1").tried.is_empty(), "it is over");
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let trails = Trails::default();
        for n in 0..=MAX_REQUESTS {
            add(&trails, &format!("gen-{n:05}"), "p", Use::Silent);
        }
        assert!(trails.take("gen-00000").tried.is_empty());
        assert_eq!(trails.take("gen-00001").tried.len(), 1);
    }
}
