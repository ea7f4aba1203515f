//! What every VM of a process sees: shared data, metrics, the clock, the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::headers::HeaderMap;
use super::status::Status;

/// One line that a plugin, or the host on its behalf, wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The plugin's name.
    pub filter: String,
    /// 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 critical.
    pub level: u32,
    /// The text; bytes that are not UTF-8 are replaced.
    pub message: String,
}

/// An HTTP call that a plugin tried to dispatch. No cluster exists here, so it was refused, as Envoy
/// refuses an unknown cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// The plugin's name.
    pub filter: String,
    /// The cluster that it named.
    pub cluster: String,
    /// The request headers.
    pub headers: HeaderMap,
    /// The request body.
    pub body: Vec<u8>,
}

/// A host function that plugins may call by name.
pub(super) type Foreign = Arc<dyn Fn(&[u8]) -> Result<Vec<u8>, Status> + Send + Sync>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

#[derive(Default)]
pub(super) struct Inner {
    /// By (VM id, key): the value and its CAS token.
    shared: BTreeMap<(String, Vec<u8>), (Vec<u8>, u32)>,
    last_cas: u32,
    /// Counters and gauges by name.
    pub(super) numbers: BTreeMap<String, u64>,
    pub(super) histograms: BTreeMap<String, Vec<u64>>,
    /// None: the real clock.
    now: Option<u64>,
    pub(super) log_level: u32,
    pub(super) logs: Vec<Log>,
    pub(super) http_calls: Vec<HttpCall>,
    pub(super) foreign: BTreeMap<String, Foreign>,
}

/// The state that all chains and all workers made from it share. Cloning shares.
#[derive(Clone)]
pub struct World(Arc<Mutex<Inner>>);

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Where the test clock starts, in nanoseconds: 14 November 2023, 22:13:20 UTC.
    pub const START: u64 = 1_700_000_000_000_000_000;

    /// An empty world, its clock standing at [`Self::START`], its log level trace.
    pub fn new() -> Self {
        let inner = Inner {
            now: Some(Self::START),
            ..Inner::default()
        };
        Self(Arc::new(Mutex::new(inner)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no panic while held")
    }

    /// The time that plugins see, in nanoseconds since 1970.
    pub fn now(&self) -> u64 {
        let real = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_nanos()
        };
        self.lock()
            .now
            .unwrap_or_else(|| u64::try_from(real()).unwrap_or(u64::MAX))
    }

    /// Stops the clock at `nanoseconds` since 1970.
    pub fn set_time(&self, nanoseconds: u64) {
        self.lock().now = Some(nanoseconds);
    }

    /// Moves a stopped clock on.
    pub fn advance(&self, by: Duration) {
        let later = self
            .now()
            .saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
        self.set_time(later);
    }

    /// Plugins see the machine's clock from here on.
    pub fn use_real_clock(&self) {
        self.lock().now = None;
    }

    /// What `proxy_get_log_level` answers. Every line is kept in [`Self::logs`] all the same.
    pub fn set_log_level(&self, level: u32) {
        self.lock().log_level = level;
    }

    /// All log lines so far.
    pub fn logs(&self) -> Vec<Log> {
        self.lock().logs.clone()
    }

    /// The HTTP calls that plugins tried.
    pub fn http_calls(&self) -> Vec<HttpCall> {
        self.lock().http_calls.clone()
    }

    /// The value of a counter or gauge, by the name that the plugin defined (Envoy's stat has the prefix
    /// `wasmcustom.`).
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.lock().numbers.get(name).copied()
    }

    /// All counters and gauges.
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.lock().numbers.clone()
    }

    /// The values that a histogram has recorded.
    pub fn histogram(&self, name: &str) -> Vec<u64> {
        self.lock()
            .histograms
            .get(name)
            .cloned()
            .unwrap_or_default()
    }

    /// Makes `name` callable by plugins as a foreign function.
    pub fn register_foreign(
        &self,
        name: &str,
        function: impl Fn(&[u8]) -> Result<Vec<u8>, Status> + Send + Sync + 'static,
    ) {
        self.lock()
            .foreign
            .insert(name.to_owned(), Arc::new(function));
    }

    /// A shared value and its CAS token.
    pub fn shared(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(Vec<u8>, u32)> {
        self.lock()
            .shared
            .get(&(vm_id.to_owned(), key.as_ref().to_vec()))
            .cloned()
    }

    /// All keys of a VM id's shared data.
    pub fn shared_keys(&self, vm_id: &str) -> Vec<Vec<u8>> {
        let inner = self.lock();
        let of_vm = inner.shared.keys().filter(|(id, _)| id == vm_id);
        of_vm.map(|(_, key)| key.clone()).collect()
    }

    /// Writes a shared value. A token other than 0 must be that of the value it replaces; a value that is not
    /// there yet is written whatever the token.
    pub fn set_shared(
        &self,
        vm_id: &str,
        key: impl AsRef<[u8]>,
        value: impl Into<Vec<u8>>,
        cas: u32,
    ) -> Result<(), Status> {
        let mut inner = self.lock();
        let key = (vm_id.to_owned(), key.as_ref().to_vec());
        if inner
            .shared
            .get(&key)
            .is_some_and(|(_, held)| cas != 0 && cas != *held)
        {
            return Err(Status::CasMismatch);
        }
        // 0 means "no token", so it is never given out.
        inner.last_cas = inner.last_cas.checked_add(1).unwrap_or(1);
        let next = inner.last_cas;
        inner.shared.insert(key, (value.into(), next));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_data_is_compared_and_swapped_per_vm_id() {
        let world = World::new();
        assert_eq!(world.shared("a", "k"), None);
        world.set_shared("a", "k", "1", 0).unwrap();
        let (value, cas) = world.shared("a", "k").unwrap();
        assert_eq!(value, b"1");
        assert_eq!(world.shared("b", "k"), None);
        world.set_shared("a", "k", "2", cas).unwrap();
        assert_eq!(
            world.set_shared("a", "k", "3", cas),
            Err(Status::CasMismatch)
        );
        world.set_shared("a", "k", "4", 0).unwrap();
        assert_eq!(world.shared("a", "k").unwrap().0, b"4");
        assert_eq!(world.shared_keys("a"), [b"k"]);
    }

    #[test]
    fn the_clock_stands_until_it_is_moved() {
        let world = World::new();
        assert_eq!(world.now(), World::START);
        world.advance(Duration::from_millis(5));
        assert_eq!(world.now(), World::START + 5_000_000);
        world.use_real_clock();
        assert!(world.now() > World::START);
    }
}
