//! Work that belongs to no stream: a filter may have some in each VM.

use crate::{Clock, Log, Metrics, SharedData};

/// Calls over Envoy's own clusters.
pub trait Calls {
    /// Sends a POST with a JSON body to a cluster: the number by which its answer will come, or `None` where there is
    /// no such cluster. Whatever happens, an answer comes once: an empty one after `timeout_ms` milliseconds, or
    /// where the cluster has nobody.
    fn post(
        &mut self,
        cluster: &str,
        authority: &str,
        path: &str,
        body: &[u8],
        timeout_ms: u64,
    ) -> Option<u32>;
}

/// The answer to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status; `None` where nobody answered.
    pub status: Option<u16>,
    /// The body.
    pub body: Vec<u8>,
}

/// What there is to ask where there is no stream.
pub trait Backstage: SharedData + Clock + Metrics + Log + Calls {}

impl<T: SharedData + Clock + Metrics + Log + Calls> Backstage for T {}

/// Work that belongs to no stream.
pub trait Background {
    /// Ten times a second.
    fn on_tick(&mut self, host: &mut dyn Backstage);

    /// A call is answered. Answers to calls that were made under older settings come, too.
    fn on_answer(&mut self, host: &mut dyn Backstage, call: u32, answer: &Answer);

    /// There will be no more ticks: other settings have taken over, or the host stops.
    fn on_end(&mut self, _host: &mut dyn Backstage) {}
}
