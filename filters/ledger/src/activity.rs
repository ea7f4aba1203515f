//! What was done at each endpoint, by the day: what `GET /activity` tells.

/// The list of the endpoints that did anything, in shared data: their names, a line each.
pub const INDEX: &str = "activity";

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// How many days are kept: thirty that are over, and today.
const DAYS: usize = 31;

/// Where an endpoint's days stand in shared data. `name` is its candidate, `model@endpoint`.
#[must_use]
pub fn key(name: &str) -> String {
    format!("activity/{name}")
}

/// What was done on one day. Amounts are in nano-dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since the epoch.
    pub number: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// What callers paid.
    pub spent: u64,
    /// What their own accounts cost them.
    pub byok: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Of these, from caches.
    pub cached_tokens: u64,
    /// Tokens of completions.
    pub completion_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
}

const WORDS: usize = 8;

impl Day {
    fn words(self) -> [u64; WORDS] {
        [
            self.number,
            self.requests,
            self.spent,
            self.byok,
            self.prompt_tokens,
            self.cached_tokens,
            self.completion_tokens,
            self.reasoning_tokens,
        ]
    }

    fn of(
        [
            number,
            requests,
            spent,
            byok,
            prompt,
            cached,
            completion,
            reasoning,
        ]: [u64; WORDS],
    ) -> Self {
        Self {
            number,
            requests,
            spent,
            byok,
            prompt_tokens: prompt,
            cached_tokens: cached,
            completion_tokens: completion,
            reasoning_tokens: reasoning,
        }
    }

    fn and(self, other: Self) -> Self {
        let mut sum = self.words();
        for (sum, more) in sum.iter_mut().zip(other.words()) {
            *sum = sum.saturating_add(more);
        }
        Self {
            number: self.number,
            ..Self::of(sum)
        }
    }
}

/// The days of an endpoint, as shared data holds them: words, little-endian, a day after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity(Vec<Day>);

impl Activity {
    /// Reads what shared data holds.
    #[must_use]
    pub fn decode(bytes: Option<&[u8]>) -> Self {
        let (words, _) = bytes.unwrap_or_default().as_chunks();
        let (days, _) = words.as_chunks::<WORDS>();
        let day = |words: &[[u8; 8]; WORDS]| Day::of(words.map(u64::from_le_bytes));
        Self(days.iter().map(day).collect())
    }

    /// As shared data holds it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let days = self.0.iter().map(|day| day.words().map(u64::to_le_bytes));
        let days: Vec<[[u8; 8]; WORDS]> = days.collect();
        days.as_flattened().as_flattened().to_vec()
    }

    /// Adds what was done at a time in Unix seconds, whatever day `done` says. The oldest day makes room.
    pub fn add(&mut self, done: Day, now: u64) {
        let number = now / DAY;
        self.add_day(Day { number, ..done });
    }

    /// Adds what was done on all these days.
    pub fn merge(&mut self, other: &Self) {
        other.days().for_each(|day| self.add_day(*day));
    }

    /// What was done on all days together.
    #[must_use]
    pub fn total(&self) -> Day {
        self.days().fold(Day::default(), |sum, day| sum.and(*day))
    }

    fn add_day(&mut self, today: Day) {
        let number = today.number;
        match self.0.iter_mut().find(|day| day.number == number) {
            Some(day) => *day = day.and(today),
            None => self.0.push(today),
        }
        if self.0.len() > DAYS {
            let oldest = self.0.iter().map(|day| day.number).min();
            self.0.retain(|day| Some(day.number) != oldest);
        }
    }

    /// The days that are kept.
    pub fn days(&self) -> impl Iterator<Item = &Day> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_add_up_and_old_ones_go() {
        let done = Day {
            requests: 1,
            spent: 5,
            prompt_tokens: 7,
            ..Day::default()
        };
        let mut activity = Activity::default();
        for day in 100..140 {
            activity.add(done, day * 86_400);
            activity.add(done, day * 86_400 + 86_399);
        }
        let days: Vec<_> = activity.days().collect();
        assert_eq!(days.len(), DAYS);
        assert!(
            days.iter()
                .all(|day| day.number > 108 && day.requests == 2 && day.spent == 10)
        );
        assert_eq!(Activity::decode(Some(&activity.encode())), activity);
        assert_eq!(Activity::decode(None), Activity::default());
    }
}
