//! Live numbers of endpoints: what happened there lately, how fast they are, whether they may be
//! asked at all.
//!
//! One record a model, in data that all workers share: written by the attempt chain, read by
//! `select`. A record is bytes of a fixed layout, little-endian words, read and changed in place: no
//! decoding on any request's way. It is bounded by [`MAX_ENDPOINTS`], and everything in it ages.

mod samples;
mod window;

use std::cmp::Ordering;
use std::ops::Range;

use crate::fnv::fnv1a;
use crate::tokens::Correction;
use samples::Ring;
use window::Window;

/// The key of a model's record in shared data.
#[must_use]
pub fn key(model: &str) -> String {
    ["health/", model].concat()
}

/// The key of the record of a model's endpoints as they are to one key's own accounts: what happens to
/// those is none of the others' business. `caller` is the key's name; a model's id has no `#`.
#[must_use]
pub fn own_key(model: &str, caller: &str) -> String {
    format!("health/{model}#{caller}")
}

/// An endpoint in a record: a hash of its tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointHash(u64);

impl EndpointHash {
    /// The hash of `provider` or `provider/variant`: FNV-1a. Tags come from the gateway document,
    /// so nobody can craft two that collide but whoever wrote both.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        Self(fnv1a(tag.as_bytes()))
    }

    /// The hash of an endpoint as it is to the key's credential at this place.
    #[must_use]
    pub fn own(tag: &str, credential: usize) -> Self {
        Self::of(&format!("{tag}#{credential}"))
    }
}

/// The most endpoints of a record: the one that was quiet longest makes room.
pub const MAX_ENDPOINTS: usize = 128;

/// How long measured speeds steer the choice, in seconds. An endpoint that was slow is tried again
/// after that.
pub const FRESH_SECONDS: u64 = 5 * 60;

/// The span that the read APIs report on, in seconds.
pub const REPORTED_SECONDS: u64 = 30 * 60;

/// The longest cool-down, in milliseconds, whoever asks for it.
pub const MAX_COOL_DOWN_MS: u64 = 60_000;

/// The first cool-down after failures in a row, in milliseconds. Each that follows is twice as long.
const FIRST_COOL_DOWN_MS: u64 = 1_000;

/// How long an endpoint whose cool-down has ended is left to one request that finds out whether it
/// answers again, in milliseconds; if nothing comes of it, to another.
const PROBE_MS: u64 = 5_000;

/// Attempts in flight at an endpoint that was quiet for so long, in seconds, are of a worker that failed.
const IN_FLIGHT_SECONDS: u64 = 60 * 60;

/// The layout's version: a record of another is started anew.
const VERSION: u32 = 3;

/// Outcomes of the last 30 seconds.
const RECENT: Window = Window { at: 9, seconds: 3 };
/// Outcomes of the last 30 minutes.
const HALF_HOUR: Window = Window {
    at: RECENT.end(),
    seconds: 180,
};
/// Milliseconds to the first token.
const LATENCY: Ring = Ring {
    at: HALF_HOUR.end(),
};
/// Hundredths of a token a second.
const THROUGHPUT: Ring = Ring { at: LATENCY.end() };

/// Words of an entry: the hash in two, attempts in flight, when something was last written (Unix seconds), until
/// when the endpoint cools down (Unix milliseconds, in two), failures in a row, cool-downs in a row
/// because of them, whether a probe is under way, and the windows and rings.
const ENTRY_WORDS: usize = THROUGHPUT.end();
const ENTRY_BYTES: usize = ENTRY_WORDS * 4;
/// Words before the entries: the version, what was learned of the model's tokens (in 1/1024), and of how
/// many prompts.
const HEADER_BYTES: usize = 12;
const CORRECTION: usize = 1;
const TAUGHT: usize = 2;
const IN_FLIGHT: usize = 2;
const CHANGED: usize = 3;
const COOL_UNTIL: usize = 4;
const STREAK: usize = 6;
const LEVEL: usize = 7;
const PROBING: usize = 8;

/// Attempts that ended, by how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// The endpoint answered.
    pub answered: u64,
    /// It failed.
    pub failed: u64,
}

impl Outcomes {
    /// Whether this is a significant outage: two failures or more, and at least one in five.
    #[must_use]
    pub fn is_outage(self) -> bool {
        let all = self.answered.saturating_add(self.failed);
        self.failed >= 2 && self.failed.saturating_mul(5) >= all
    }

    /// The share that was answered, in percent; `None` where nothing happened.
    #[must_use]
    pub fn uptime(self) -> Option<f64> {
        let all = self.answered.saturating_add(self.failed);
        (all > 0).then(|| self.answered as f64 * 100.0 / all as f64)
    }
}

/// Over how many prompts a model's tokens are averaged.
const TEACHERS: u32 = 16;

/// A model's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board(Vec<u8>);

impl Board {
    /// The record of these bytes; an empty one where they are none of this layout.
    #[must_use]
    pub fn of(bytes: Option<Vec<u8>>) -> Self {
        let fits = |bytes: &Vec<u8>| {
            let entries = bytes.len().checked_sub(HEADER_BYTES);
            word(bytes, 0) == VERSION && entries.is_some_and(|len| len.is_multiple_of(ENTRY_BYTES))
        };
        let empty = || {
            let mut bytes = VERSION.to_le_bytes().to_vec();
            bytes.resize(HEADER_BYTES, 0);
            bytes
        };
        Self(bytes.filter(fits).unwrap_or_else(empty))
    }

    /// The record's bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// How the model's real tokens compare to the estimates; `None` where nobody has said.
    #[must_use]
    pub fn correction(&self) -> Option<Correction> {
        Some(word(&self.0, CORRECTION))
            .filter(|factor| *factor > 0)
            .map(Correction::new)
    }

    /// A provider has reported the tokens of a prompt.
    pub fn learn(&mut self, shown: Correction) {
        let taught = word(&self.0, TAUGHT);
        let known = self.correction().unwrap_or_default();
        let now = known.after(shown, taught, TEACHERS);
        set_word(&mut self.0, CORRECTION, now.factor());
        set_word(&mut self.0, TAUGHT, taught.saturating_add(1));
    }

    /// What is known of an endpoint.
    #[must_use]
    pub fn vitals(&self, endpoint: EndpointHash) -> Vitals<'_> {
        let found = self.find(endpoint).ok().and_then(|n| self.0.get(span(n)));
        Vitals(found.unwrap_or_default())
    }

    /// The entry of an endpoint, to write what happened there. `now` is in Unix milliseconds.
    pub fn entry(&mut self, endpoint: EndpointHash, now: u64) -> Entry<'_> {
        let n = match self.find(endpoint) {
            Ok(n) => n,
            Err(_) => self.add(endpoint),
        };
        let bytes = self.0.get_mut(span(n)).unwrap_or_default();
        let running = Vitals(bytes).in_flight(now);
        set_word(bytes, IN_FLIGHT, running);
        set_word(bytes, CHANGED, short(seconds(now)));
        Entry {
            bytes,
            now,
            cools: false,
        }
    }

    /// The place of an endpoint's entry, or where it belongs: entries are in the order of their hashes.
    fn find(&self, endpoint: EndpointHash) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.hash(middle).cmp(&endpoint.0) {
                Ordering::Equal => return Ok(middle),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    fn len(&self) -> usize {
        self.0.len().saturating_sub(HEADER_BYTES) / ENTRY_BYTES
    }

    fn hash(&self, n: usize) -> u64 {
        long(self.0.get(span(n)).unwrap_or_default(), 0)
    }

    /// Adds an empty entry; where there are too many, the quietest goes first.
    fn add(&mut self, endpoint: EndpointHash) -> usize {
        if self.len() >= MAX_ENDPOINTS {
            let changed = |n: &usize| word(self.0.get(span(*n)).unwrap_or_default(), CHANGED);
            let quietest = (0..self.len()).min_by_key(changed).unwrap_or(0);
            self.0.drain(span(quietest));
        }
        let place = self.find(endpoint).unwrap_or_else(|place| place);
        let hash = endpoint.0.to_le_bytes();
        let fresh = hash
            .into_iter()
            .chain(std::iter::repeat_n(0, ENTRY_BYTES - hash.len()));
        let start = span(place).start;
        self.0.splice(start..start, fresh);
        place
    }
}

/// Where the `n`-th entry stands in a record.
fn span(n: usize) -> Range<usize> {
    let start = HEADER_BYTES + n * ENTRY_BYTES;
    start..start + ENTRY_BYTES
}

/// What is known of one endpoint; nothing, of one that was never asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vitals<'a>(&'a [u8]);

impl Vitals<'_> {
    /// Outcomes of the last 30 seconds. Times are in Unix milliseconds, here and below.
    #[must_use]
    pub fn recent(self, now: u64) -> Outcomes {
        RECENT.sum(self.0, seconds(now))
    }

    /// Outcomes of the last 30 minutes.
    #[must_use]
    pub fn half_hour(self, now: u64) -> Outcomes {
        HALF_HOUR.sum(self.0, seconds(now))
    }

    /// Until when it is not to be asked; `None` where it may be.
    #[must_use]
    pub fn cooling_until(self, now: u64) -> Option<u64> {
        Some(long(self.0, COOL_UNTIL)).filter(|until| *until > now)
    }

    /// Whether a cool-down after failures has ended and nobody knows yet whether it answers again:
    /// one request is to find out, see [`Entry::probe`].
    #[must_use]
    pub fn wants_probe(self, now: u64) -> bool {
        word(self.0, LEVEL) > 0 && self.cooling_until(now).is_none()
    }

    /// Attempts that run there now.
    #[must_use]
    pub fn in_flight(self, now: u64) -> u32 {
        let age = seconds(now).saturating_sub(u64::from(word(self.0, CHANGED)));
        if age > IN_FLIGHT_SECONDS {
            return 0;
        }
        word(self.0, IN_FLIGHT)
    }

    /// A percentile of its latest latencies that are no older than `age` seconds: milliseconds to
    /// the first token.
    #[must_use]
    pub fn latency(self, now: u64, age: u64, percent: u32) -> Option<f64> {
        LATENCY
            .percentile(self.0, seconds(now), age, percent)
            .map(f64::from)
    }

    /// A percentile of its latest throughputs that are no older than `age` seconds: tokens a second.
    #[must_use]
    pub fn throughput(self, now: u64, age: u64, percent: u32) -> Option<f64> {
        let hundredths = THROUGHPUT.percentile(self.0, seconds(now), age, percent);
        hundredths.map(|hundredths| f64::from(hundredths) / 100.0)
    }
}

/// An endpoint's entry, open for what happened at a moment.
#[derive(Debug)]
pub struct Entry<'a> {
    bytes: &'a mut [u8],
    now: u64,
    /// Whether a cool-down has begun.
    cools: bool,
}

impl Entry<'_> {
    /// So many more attempts run, or less.
    pub fn shift(&mut self, by: i32) {
        let running = word(self.bytes, IN_FLIGHT);
        set_word(self.bytes, IN_FLIGHT, running.saturating_add_signed(by));
    }

    /// The endpoint answered: whatever was wrong with it is over.
    pub fn answered(&mut self) {
        self.count(true);
        set_word(self.bytes, STREAK, 0);
        if word(self.bytes, LEVEL) > 0 {
            set_word(self.bytes, LEVEL, 0);
            set_word(self.bytes, PROBING, 0);
            self.set_cool_until(0);
        }
    }

    /// The endpoint failed. After `limit` failures in a row it cools down, and again, twice as long,
    /// whenever it fails once more after that; 0 for never.
    pub fn failed(&mut self, limit: u32) {
        self.count(false);
        let level = word(self.bytes, LEVEL);
        let cools = Vitals(self.bytes).cooling_until(self.now).is_some();
        if level == 0 {
            let streak = word(self.bytes, STREAK).saturating_add(1);
            set_word(self.bytes, STREAK, streak);
            if limit == 0 || streak < limit {
                return;
            }
        } else if cools && word(self.bytes, PROBING) == 0 {
            // What was under way when it began to cool down tells nothing new.
            return;
        }
        set_word(self.bytes, STREAK, 0);
        set_word(self.bytes, LEVEL, level.saturating_add(1));
        if word(self.bytes, PROBING) == 1 {
            // What the probe was waited for is over.
            set_word(self.bytes, PROBING, 0);
            self.set_cool_until(0);
        }
        self.cool_down(FIRST_COOL_DOWN_MS << level.min(6));
    }

    /// Claims the one attempt that finds out whether the endpoint answers again; false where somebody
    /// else has it.
    pub fn probe(&mut self) -> bool {
        let free = Vitals(self.bytes).wants_probe(self.now);
        if free {
            set_word(self.bytes, PROBING, 1);
            self.set_cool_until(self.now.saturating_add(PROBE_MS));
        }
        free
    }

    fn count(&mut self, answered: bool) {
        for window in [RECENT, HALF_HOUR] {
            window.add(self.bytes, seconds(self.now), answered);
        }
    }

    /// Milliseconds from the request to the first token.
    pub fn latency(&mut self, ms: u64) {
        LATENCY.add(self.bytes, seconds(self.now), short(ms));
    }

    /// Tokens, and the milliseconds in which they came.
    pub fn throughput(&mut self, tokens: u64, ms: u64) {
        let hundredths = tokens.saturating_mul(100_000) / ms.max(1);
        THROUGHPUT.add(self.bytes, seconds(self.now), short(hundredths));
    }

    /// The endpoint is not to be asked for so many milliseconds, bounded by [`MAX_COOL_DOWN_MS`]; a
    /// longer cool-down that runs already stays.
    pub fn cool_down(&mut self, ms: u64) {
        let until = self.now.saturating_add(ms.min(MAX_COOL_DOWN_MS));
        self.cools |= ms > 0 && Vitals(self.bytes).cooling_until(self.now).is_none();
        if until > long(self.bytes, COOL_UNTIL) {
            self.set_cool_until(until);
        }
    }

    /// Whether what happened began a cool-down: none ran before.
    #[must_use]
    pub fn begins_to_cool(&self) -> bool {
        self.cools
    }

    fn set_cool_until(&mut self, until: u64) {
        set_word(self.bytes, COOL_UNTIL, until as u32);
        set_word(self.bytes, COOL_UNTIL + 1, (until >> 32) as u32);
    }
}

fn seconds(ms: u64) -> u64 {
    ms / 1_000
}

/// What fits into a word; the largest there is for what does not.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The `n`-th word; 0 where there is none.
fn word(bytes: &[u8], n: usize) -> u32 {
    let bytes = bytes.get(n * 4..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |word| u32::from_le_bytes(*word))
}

/// The two words from the `n`-th on as one number.
fn long(bytes: &[u8], n: usize) -> u64 {
    let bytes = bytes.get(n * 4..).and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |words| u64::from_le_bytes(*words))
}

fn set_word(bytes: &mut [u8], n: usize, value: u32) {
    if let Some(word) = bytes
        .get_mut(n * 4..)
        .and_then(|rest| rest.first_chunk_mut())
    {
        *word = value.to_le_bytes();
    }
}

#[cfg(test)]
mod tests;
