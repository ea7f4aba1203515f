//! What a simulator saw, for a test to look at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::http1::Head;
use crate::script::Turns;

/// One request as a simulator received it.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers in order, names as they were sent; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
    /// When the whole request was there.
    pub received: Instant,
}

impl RecordedRequest {
    /// The record of a request that is whole now.
    pub(crate) fn new(head: &Head, body: Vec<u8>) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter();
        Self {
            method: head.method.clone(),
            path: head.path.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body,
            received: Instant::now(),
        }
    }

    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What all connections of a simulator share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) keys: Vec<String>,
    pub(crate) recording: bool,
    pub(crate) stopping: AtomicBool,
    pub(crate) received: AtomicUsize,
    pub(crate) answers: AtomicUsize,
    pub(crate) cut: AtomicUsize,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) turns: Mutex<Turns>,
    pub(crate) requests: Mutex<Vec<RecordedRequest>>,
    pub(crate) connections: Mutex<BTreeMap<usize, std::sync::Weak<std::net::TcpStream>>>,
}

impl Shared {
    /// Counts a request, and keeps it if requests are kept.
    pub(crate) fn record(&self, request: &RecordedRequest) {
        self.received.fetch_add(1, Ordering::SeqCst);
        if self.recording {
            lock(&self.requests).push(request.clone());
        }
    }

    /// Counts a request as being answered until the guard goes.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(self)
    }
}

/// A request that is being answered.
pub(crate) struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Locks; what another thread left behind when it panicked is still good enough to read.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
