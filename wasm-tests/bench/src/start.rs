//! The Envoys' start, and the size of what they load.

use crate::gateway::Gateway;
use crate::modules;
use crate::rows::{Compare, Row, Targets};
use crate::upstream::Upstream;

/// Starts the bare Envoy and all gateways so many times; returns the last ones, and how many milliseconds each took to be
/// ready each time.
pub fn all(
    names: &[String],
    upstream: &Upstream,
    cpus: &[usize],
    times: usize,
) -> Result<(Vec<Gateway>, Vec<Vec<f64>>), String> {
    let mut starts = vec![Vec::new(); names.len() + 1];
    let mut running = Vec::new();
    for _ in 0..times {
        running.clear();
        running.push(Gateway::bare(upstream.port, cpus)?);
        for name in names {
            running.push(Gateway::shipped(name, upstream.port, cpus, |_| {})?);
        }
        for (starts, gateway) in starts.iter_mut().zip(&running) {
            starts.push(gateway.start.as_secs_f64() * 1e3);
        }
    }
    Ok((running, starts))
}

/// How long starts took.
pub fn row(names: &[String], starts: Vec<Vec<f64>>) -> Row {
    let mut row = Row::new(
        "time from start until ready",
        "ms",
        Compare::Difference,
        names,
        Targets::none(),
    );
    row.columns = starts;
    row
}

/// How large the modules are.
pub fn sizes(names: &[String]) -> Result<Row, String> {
    let mut row = Row::new(
        "modules together",
        "MB",
        Compare::Alone,
        names,
        Targets::new(3.0, 3.0),
    );
    for (place, name) in names.iter().enumerate() {
        row.push(place + 1, modules::megabytes(name)?);
    }
    Ok(row)
}
