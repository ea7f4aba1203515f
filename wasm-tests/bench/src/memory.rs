//! Resident memory: at rest, under load, after it, and whether it grows as requests go by.

use std::thread;
use std::time::Duration;

use crate::bench::{Bench, CONNECTIONS, requests};
use crate::gateway::Gateway;
use crate::load::{self, End};
use crate::process;
use crate::rows::{Compare, Row, Targets};

const WARM_UP: u64 = 20_000;
const REQUESTS: u64 = 200_000;
/// Requests between two looks.
const STEP: u64 = 10_000;
const MEGABYTE: f64 = 1_000_000.0;

/// Memory of Envoys that have just been started.
pub fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    bench.upstream.answer_plain();
    let row = |name: &str, targets| bench.row(name, "MB", Compare::Difference, targets);
    let mut idle = row("memory at rest, nothing asked yet", Targets::none());
    let mut load = row("memory under load, at its most", Targets::new(60.0, 20.0));
    let mut after = row("memory a second after the load", Targets::none());
    let name = "growth of memory over 200,000 requests, by the median slope";
    let mut growth = bench.row(name, "MB", Compare::Alone, Targets::new(1.0, 1.0));
    for (column, gateway) in bench.columns.iter().enumerate() {
        idle.push(column, megabytes(gateway)?);
        let looks = looks(gateway).map_err(|error| format!("{}: {error}", gateway.name))?;
        load.push(column, process::peak(gateway.pid)? as f64 / MEGABYTE);
        growth.push(column, median_slope(&looks) * (REQUESTS / STEP) as f64);
        thread::sleep(Duration::from_secs(1));
        after.push(column, megabytes(gateway)?);
    }
    Ok(vec![idle, load, after, growth])
}

/// Memory now, after whatever was measured before.
pub fn at_last(bench: &Bench) -> Result<Row, String> {
    let mut row = bench.row(
        "memory after bodies of 4 MB, 32 at a time",
        "MB",
        Compare::Difference,
        Targets::none(),
    );
    for (column, gateway) in bench.columns.iter().enumerate() {
        row.push(column, megabytes(gateway)?);
    }
    Ok(row)
}

/// The memory after the warm-up, and then after every ten thousand requests of 1 KB.
fn looks(gateway: &Gateway) -> Result<Vec<f64>, String> {
    let requests = requests(1_000);
    let send =
        |count| load::closed_loop(gateway.port, &requests, CONNECTIONS, End::Requests(count));
    send(WARM_UP)?;
    process::forget_peak(gateway.pid)?;
    let mut looks = vec![megabytes(gateway)?];
    for _ in 0..REQUESTS / STEP {
        send(STEP)?;
        looks.push(megabytes(gateway)?);
    }
    Ok(looks)
}

fn megabytes(gateway: &Gateway) -> Result<f64, String> {
    Ok(process::resident(gateway.pid)? as f64 / MEGABYTE)
}

/// The median of the slopes between all pairs: an allocator that takes a page once, or gives one back, does not change it;
/// what grows a little all the time does.
fn median_slope(looks: &[f64]) -> f64 {
    let pairs = looks.iter().enumerate().flat_map(|(place, first)| {
        let later = looks.iter().enumerate().skip(place + 1);
        later.map(move |(other, last)| (last - first) / (other - place) as f64)
    });
    crate::stats::Spread::of(pairs).map_or(0.0, |spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_all_the_time_is_seen_and_a_step_is_not() {
        let leak: Vec<f64> = (0..21).map(|look| 50.0 + 0.1 * f64::from(look)).collect();
        assert!((median_slope(&leak) * 20.0 - 2.0).abs() < 1e-9);
        let step: Vec<f64> = (0..21)
            .map(|look| if look < 2 { 50.0 } else { 53.0 })
            .collect();
        assert!(median_slope(&step).abs() < 1e-9);
        assert!(median_slope(&[1.0]).abs() < 1e-9);
    }
}
