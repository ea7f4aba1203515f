//! The host's side of a stream, in small traits: a filter's logic names those that it needs.
//!
//! Header names are lower-case ASCII. Header values are bytes: whether they must be UTF-8 is the
//! reader's decision.

use crate::HeaderList;

/// Which half of a stream: its request or its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the caller to the provider.
    Request,
    /// From the provider to the caller.
    Response,
}

/// The headers of either half, pseudo headers included.
pub trait Headers {
    /// The value of a header; of a repeated one the first, unless Envoy keeps the name in one slot (`accept`,
    /// `authorization`, …): those it joins by `,`.
    fn header(&self, of: Direction, name: &str) -> Option<Vec<u8>>;
    /// All headers in order: for whoever looks at two or more. While they are held they are read once.
    fn headers(&self, of: Direction) -> HeaderList;
    /// Replaces all headers.
    fn set_headers(&mut self, of: Direction, headers: &[(&str, &[u8])]);
    /// Sets a header to one value.
    fn set_header(&mut self, of: Direction, name: &str, value: &[u8]);
    /// Removes a header; fine where it is not there.
    fn remove_header(&mut self, of: Direction, name: &str);
}

/// The bytes of a body that a body callback may see and change.
pub trait Bodies {
    /// All bytes that are there: the chunk, or everything since the filter began to pause.
    fn body(&self, of: Direction) -> Vec<u8>;
    /// How many bytes are there, without a copy.
    fn body_size(&self, of: Direction) -> usize;
    /// Replaces all of them.
    fn set_body(&mut self, of: Direction, bytes: &[u8]);
    /// How many bytes at the front of the host's buffer are not among them, because they are a later filter's of the
    /// same module.
    fn left_out(&self) -> usize;
    /// Says how many those are.
    fn leave_out(&mut self, bytes: usize);
}

/// Values that filters of one chain leave for each other, and Envoy's own about the stream.
pub trait Properties {
    /// A value; Envoy's own have paths of several segments.
    fn property(&self, path: &[&str]) -> Option<Vec<u8>>;
    /// Leaves a value for the later filters of this chain and for the access log.
    fn set_property(&mut self, name: &str, value: &[u8]);
}

/// Data that all filters and all workers share. It lives as long as Envoy does.
pub trait SharedData {
    /// A value, and the token of its version. A value of no bytes reads as none, but has a token.
    fn shared(&self, key: &str) -> (Option<Vec<u8>>, Option<u32>);
    /// Sets a value; false, and nothing happens, where the version is not the token's any more. With
    /// [`ABSENT`], only where there is no value yet; without a token, whatever is there.
    fn set_shared(&mut self, key: &str, value: &[u8], token: Option<u32>) -> bool;
}

/// The token of a value that is not there yet. Envoy counts tokens up from 1 and compares them where
/// there is a value.
pub const ABSENT: u32 = u32::MAX;

/// Answers that do not come from a provider.
pub trait Replies {
    /// Ends the request with this answer.
    fn reply(&mut self, reply: &crate::Reply);
}

/// The time.
pub trait Clock {
    /// Nanoseconds since the Unix epoch: the same all through a callback.
    fn now(&self) -> u64;
}

/// Randomness that nobody can guess.
pub trait Random {
    /// 32 random bytes, good enough for a secret; `None` where the host has none.
    fn random(&mut self) -> Option<[u8; 32]>;
}

/// Counters, gauges and histograms, visible in Envoy's stats.
pub trait Metrics {
    /// Adds to a counter. The name is one of [`metric`](meshrouter_core::names::metric), labels
    /// included; it must come from a bounded set.
    fn count(&mut self, metric: &str, by: u64);
    /// Sets a gauge; names as for counters.
    fn gauge(&mut self, metric: &str, value: u64);
    /// Adds to a gauge, or takes away.
    fn shift(&mut self, metric: &str, by: i64);
    /// Adds a value to a histogram.
    fn observe(&mut self, metric: &str, value: u64);
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For whoever follows one request.
    Debug,
    /// Something is wrong that the filter could mend.
    Warn,
    /// Something is wrong that somebody must mend.
    Error,
}

/// The host's log. Never a body, a key or a credential.
pub trait Log {
    /// Writes a line.
    fn log(&self, level: Level, message: &str);
}

/// Everything a filter may ask.
pub trait Host:
    Headers + Bodies + Properties + SharedData + Replies + Clock + Random + Metrics + Log
{
}

impl<T> Host for T where
    T: Headers + Bodies + Properties + SharedData + Replies + Clock + Random + Metrics + Log
{
}

/// Changes a shared value, whoever else changes it at the same time: no change is lost.
///
/// `change` may run more than once, each time with what is there then. Of two workers that meet, one
/// always gets through, so that this ends.
pub fn update_shared(
    host: &mut (impl SharedData + ?Sized),
    key: &str,
    mut change: impl FnMut(Option<Vec<u8>>) -> Vec<u8>,
) {
    loop {
        let (value, token) = host.shared(key);
        if host.set_shared(key, &change(value), Some(token.unwrap_or(ABSENT))) {
            return;
        }
    }
}

/// Replaces a whole body whose headers are still held, and gives the headers its length.
pub fn send_whole(host: &mut impl Host, of: Direction, body: &[u8]) {
    host.set_body(of, body);
    host.set_header(of, "content-length", body.len().to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shared data in which another worker adds a byte whenever this one has just read.
    #[derive(Default)]
    struct Busy {
        value: Option<Vec<u8>>,
        token: u32,
        others: std::cell::Cell<u8>,
    }

    impl SharedData for Busy {
        fn shared(&self, _key: &str) -> (Option<Vec<u8>>, Option<u32>) {
            let value = self.value.clone().filter(|value| !value.is_empty());
            (value, self.value.as_ref().map(|_| self.token))
        }

        fn set_shared(&mut self, _key: &str, value: &[u8], token: Option<u32>) -> bool {
            if let Some(left) = self.others.get().checked_sub(1) {
                self.others.set(left);
                self.value.get_or_insert_default().push(b'o');
                self.token += 1;
            }
            let version = self.value.as_ref().map_or(ABSENT, |_| self.token);
            if token != Some(version) {
                return false;
            }
            self.value = Some(value.to_vec());
            self.token += 1;
            true
        }
    }

    #[test]
    fn a_value_of_no_bytes_can_be_changed() {
        let mut busy = Busy {
            value: Some(Vec::new()),
            token: 7,
            ..Busy::default()
        };
        update_shared(&mut busy, "k", |value| {
            assert_eq!(value, None);
            vec![1]
        });
        assert_eq!(busy.value, Some(vec![1]));
    }

    #[test]
    fn no_change_is_lost_where_workers_meet() {
        for others in [0, 1, 5] {
            let mut busy = Busy::default();
            busy.others.set(others);
            update_shared(&mut busy, "k", |value| {
                let mut value = value.unwrap_or_default();
                value.push(b'm');
                value
            });
            let value = busy.value.unwrap();
            let count = |byte| value.iter().filter(|b| **b == byte).count();
            assert_eq!((count(b'o'), count(b'm')), (usize::from(others), 1));
        }
    }
}
