//! Fuel accounting: what each filter's callbacks cost, in executed wasm operations and in calls into the host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What one callback of one filter has cost so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuelUse {
    /// The plugin's name.
    pub filter: String,
    /// The exported function.
    pub callback: String,
    /// How often it ran.
    pub calls: u64,
    /// Fuel over all of these calls. The same input costs the same on every machine.
    pub fuel: u64,
    /// Calls into the host, which cost no fuel.
    pub host_calls: u64,
}

/// By (filter, callback): calls, fuel, and calls into the host.
type Totals = BTreeMap<(String, String), (u64, u64, u64)>;

/// The totals of a chain; survives the reload of a VM.
#[derive(Debug, Clone, Default)]
pub(super) struct FuelBook(Arc<Mutex<Totals>>);

impl FuelBook {
    pub(super) fn add(&self, filter: &str, callback: &str, fuel: u64, host_calls: u64) {
        let mut book = self.0.lock().expect("no panic while held");
        let entry = book
            .entry((filter.to_owned(), callback.to_owned()))
            .or_default();
        entry.0 += 1;
        entry.1 += fuel;
        entry.2 += host_calls;
    }

    pub(super) fn rows(&self) -> Vec<FuelUse> {
        let book = self.0.lock().expect("no panic while held");
        let rows = book.iter();
        rows.map(|((filter, callback), (calls, fuel, host_calls))| FuelUse {
            filter: filter.clone(),
            callback: callback.clone(),
            calls: *calls,
            fuel: *fuel,
            host_calls: *host_calls,
        })
        .collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().expect("no panic while held").clear();
    }
}
