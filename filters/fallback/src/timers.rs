//! How long an attempt has left: for its first byte, between two, and in all.
//!
//! A piece of a stream costs no look at the clock: it leaves a mark that the next tick reads.

use meshrouter_core::document::Timeouts;

use crate::cause::Cause;

/// How long the words of a failure are waited for, in milliseconds.
const WORDS_MS: u64 = 1_000;

/// A point in time, in nanoseconds since the epoch, and what comes to pass then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Alarm {
    at: u64,
    due: Due,
}

/// What comes to pass when time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The attempt has failed.
    Failed(Cause),
    /// The stream is not held any longer.
    Release,
    /// The failure says no more.
    Words,
}

/// The alarms of one attempt.
#[derive(Debug)]
pub(crate) struct Timers {
    first_byte: Option<Alarm>,
    idle: Option<Alarm>,
    total: Option<Alarm>,
    request: Option<Alarm>,
    /// The end of a hold, or of the wait for words.
    hold: Option<Alarm>,
    idle_ms: u64,
    /// Whether the response has begun, so that silence counts.
    answers: bool,
    /// Whether something came since the last tick.
    heard: bool,
}

impl Timers {
    /// The alarms of an attempt that begins `now`, in nanoseconds. `request_ends`: when all attempts of
    /// the request together have had their time, in Unix milliseconds, and how much that was.
    pub(crate) fn start(now: u64, limits: Timeouts, request_ends: Option<(u64, u64)>) -> Self {
        let alarm = |ms: Option<u64>, cause: fn(u64) -> Cause| {
            let ms = ms.filter(|ms| *ms > 0)?;
            Some(after(now, ms, Due::Failed(cause(ms))))
        };
        Self {
            first_byte: alarm(limits.first_byte_ms, Cause::FirstByteTimeout),
            idle: None,
            total: alarm(limits.total_ms, Cause::TotalTimeout),
            request: request_ends.map(|(at, ms)| Alarm {
                at: at.saturating_mul(1_000_000),
                due: Due::Failed(Cause::RequestTimeout(ms)),
            }),
            hold: None,
            idle_ms: limits.idle_ms.unwrap_or(0),
            answers: false,
            heard: false,
        }
    }

    /// The response has begun: from here on, silence counts.
    pub(crate) fn answers(&mut self) {
        self.first_byte = None;
        self.answers = true;
        self.heard = true;
    }

    /// A piece of the response came.
    pub(crate) fn hears(&mut self) {
        self.heard = true;
    }

    /// A stream is held for so many milliseconds; 0 for as long as it takes.
    pub(crate) fn holds(&mut self, now: u64, ms: u64) {
        self.hold = (ms > 0).then(|| after(now, ms, Due::Release));
    }

    /// It is not held any longer.
    pub(crate) fn releases(&mut self) {
        self.hold = None;
    }

    /// The words of a failure are waited for.
    pub(crate) fn waits_for_words(&mut self, now: u64) {
        self.hold = Some(after(now, WORDS_MS, Due::Words));
    }

    /// Whether time is up.
    pub(crate) fn is_late(&mut self, now: u64) -> bool {
        if self.answers && std::mem::take(&mut self.heard) && self.idle_ms > 0 {
            let failed = Due::Failed(Cause::IdleTimeout(self.idle_ms));
            self.idle = Some(after(now, self.idle_ms, failed));
        }
        self.due(now).is_some()
    }

    /// What has come to pass: of several things, the one that came first.
    pub(crate) fn due(&self, now: u64) -> Option<Due> {
        let all = [
            self.first_byte,
            self.idle,
            self.total,
            self.request,
            self.hold,
        ];
        let passed = all.into_iter().flatten().filter(|alarm| alarm.at <= now);
        passed.min_by_key(|alarm| alarm.at).map(|alarm| alarm.due)
    }
}

fn after(now: u64, ms: u64, due: Due) -> Alarm {
    let at = now.saturating_add(ms.saturating_mul(1_000_000));
    Alarm { at, due }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const LIMITS: Timeouts = Timeouts {
        first_byte_ms: Some(100),
        idle_ms: Some(50),
        total_ms: Some(1_000),
    };

    #[test]
    fn the_first_byte_then_silence_then_all_of_it() {
        let mut timers = Timers::start(0, LIMITS, None);
        assert!(!timers.is_late(99 * MS));
        let due = |timers: &Timers, ms| timers.due(ms * MS);
        assert_eq!(
            due(&timers, 100),
            Some(Due::Failed(Cause::FirstByteTimeout(100)))
        );
        timers.answers();
        assert!(!timers.is_late(200 * MS));
        timers.hears();
        assert!(!timers.is_late(249 * MS), "counted from this tick on");
        assert!(!timers.is_late(298 * MS));
        assert!(timers.is_late(299 * MS));
        assert_eq!(due(&timers, 299), Some(Due::Failed(Cause::IdleTimeout(50))));
        assert_eq!(
            due(&timers, 2_000),
            Some(Due::Failed(Cause::IdleTimeout(50)))
        );
        timers.idle = None;
        assert_eq!(
            due(&timers, 1_000),
            Some(Due::Failed(Cause::TotalTimeout(1_000)))
        );
    }

    #[test]
    fn nothing_is_late_where_nothing_is_said() {
        let mut timers = Timers::start(0, Timeouts::default(), None);
        timers.holds(0, 0);
        timers.answers();
        assert!(!timers.is_late(u64::MAX));
    }

    #[test]
    fn the_requests_end_counts_in_all_attempts() {
        let timers = Timers::start(500 * MS, Timeouts::default(), Some((700, 600)));
        assert_eq!(timers.due(699 * MS), None);
        let late = Some(Due::Failed(Cause::RequestTimeout(600)));
        assert_eq!(timers.due(700 * MS), late);
    }

    #[test]
    fn holds_end() {
        let mut timers = Timers::start(0, LIMITS, None);
        timers.holds(0, 60);
        assert_eq!(timers.due(60 * MS), Some(Due::Release));
        timers.releases();
        assert_eq!(timers.due(60 * MS), None);
        let mut timers = Timers::start(0, Timeouts::default(), None);
        timers.waits_for_words(0);
        assert_eq!(timers.due(999 * MS), None);
        assert_eq!(timers.due(1_000 * MS), Some(Due::Words));
    }
}
