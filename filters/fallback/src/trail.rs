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
    /// Of attempts that may race each other: how many have begun, and how many of these still run.
    pub(crate) begun: usize,
    running: usize,
    /// Whether the last word waits for those that run.
    waits: bool,
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
        self.change(generation, |trail| {
            trail.tried.push(tried);
            let least = trail.best.as_ref().map(|best| best.usefulness);
            if least.is_none_or(|least| error.usefulness >= least) {
                trail.best = Some(error);
            }
        });
    }

    /// An attempt begins that may race others.
    pub(crate) fn begin(&self, generation: &str) {
        self.change(generation, |trail| {
            trail.begun = trail.begun.saturating_add(1);
            trail.running = trail.running.saturating_add(1);
        });
    }

    /// Such an attempt is over. True where others still run, or the last word waits: one of them speaks.
    pub(crate) fn end(&self, generation: &str) -> bool {
        let mut trails = self.0.borrow_mut();
        let Some(trail) = trails.get_mut(generation) else {
            return false;
        };
        trail.running = trail.running.saturating_sub(1);
        trail.running > 0 || trail.waits
    }

    /// The last word has come to its turn. True where it has to wait, because somebody still runs.
    pub(crate) fn wait(&self, generation: &str) -> bool {
        let mut trails = self.0.borrow_mut();
        let trail = trails.get_mut(generation);
        trail.is_some_and(|trail| {
            trail.waits = true;
            trail.running > 0
        })
    }

    /// Changes what is known of a request. Where too many are, the oldest is forgotten.
    fn change(&self, generation: &str, change: impl FnOnce(&mut Trail)) {
        let mut trails = self.0.borrow_mut();
        if let Some(trail) = trails.get_mut(generation) {
            return change(trail);
        }
        if trails.len() >= MAX_REQUESTS {
            trails.pop_first();
        }
        change(trails.entry(generation.to_owned()).or_default());
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
            own: false,
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
    fn of_those_who_race_the_last_speaks() {
        let trails = Trails::default();
        assert!(!trails.wait("gen-1") && !trails.end("gen-1"), "unknown");
        trails.begin("gen-1");
        trails.begin("gen-1");
        assert!(trails.end("gen-1"), "the other runs");
        assert!(!trails.end("gen-1"));
        trails.begin("gen-1");
        assert!(trails.wait("gen-1"));
        assert!(trails.end("gen-1"), "the last word waits");
        assert!(!trails.wait("gen-1"));
        assert_eq!(trails.take("gen-1").begun, 3);
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
