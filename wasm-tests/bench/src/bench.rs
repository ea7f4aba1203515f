//! The Envoys that are measured beside each other, and the way in which that is done: turn by turn, for several rounds.

use std::time::Duration;

use meshrouter_wasm_tests::conversations;

use crate::gateway::Gateway;
use crate::load::{self, End};
use crate::process;
use crate::rows::{Compare, Row, Targets};
use crate::upstream::Upstream;

/// Connections of a closed loop.
pub const CONNECTIONS: usize = 32;

/// All that a measurement needs.
pub struct Bench {
    /// The provider.
    pub upstream: Upstream,
    /// The bare Envoy, then the gateways.
    pub columns: Vec<Gateway>,
    /// The gateways' names.
    pub names: Vec<String>,
    /// How often everything is measured.
    pub rounds: usize,
    /// For how long each time.
    pub time: Duration,
}

impl Bench {
    /// A row for all columns.
    pub fn row(
        &self,
        name: impl Into<String>,
        unit: &'static str,
        compare: Compare,
        targets: Targets,
    ) -> Row {
        Row::new(name, unit, compare, &self.names, targets)
    }

    /// Measures every column in every round; who begins changes, so that no column always follows the same one.
    pub fn rounds(
        &self,
        mut measure: impl FnMut(usize, &Gateway) -> Result<(), String>,
    ) -> Result<(), String> {
        turns(self.rounds, &self.columns, |column, gateway| {
            measure(column, gateway).map_err(|error| format!("{}: {error}", gateway.name))
        })
    }
}

/// Takes turns: every one of `all` in each round, beginning with another one each time.
pub fn turns<T>(
    rounds: usize,
    all: &[T],
    mut each: impl FnMut(usize, &T) -> Result<(), String>,
) -> Result<(), String> {
    for round in 0..rounds {
        let order = all
            .iter()
            .enumerate()
            .cycle()
            .skip(round % all.len().max(1));
        for (place, one) in order.take(all.len()) {
            each(place, one)?;
        }
    }
    Ok(())
}

/// What a load cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU of the Envoy for each request, in microseconds.
    pub cpu: f64,
    /// Requests a second.
    pub rate: f64,
}

/// Sends requests over so many connections and looks at the Envoy's CPU time.
pub fn cost(
    gateway: &Gateway,
    requests: &[Vec<u8>],
    connections: usize,
    end: End,
) -> Result<Cost, String> {
    let (begin, before) = (
        std::time::Instant::now(),
        process::cpu_nanoseconds(gateway.pid)?,
    );
    let answered = load::closed_loop(gateway.port, requests, connections, end)?;
    let used = process::cpu_nanoseconds(gateway.pid)?.saturating_sub(before);
    let answered = answered as f64;
    Ok(Cost {
        cpu: used as f64 / 1_000.0 / answered,
        rate: answered / begin.elapsed().as_secs_f64(),
    })
}

/// Different requests of one size: fewer of the large ones.
pub fn requests(bytes: usize) -> Vec<Vec<u8>> {
    let count = (4_000_000 / bytes).clamp(4, 64) as u64;
    (0..count)
        .map(|number| load::request(&conversations::plain(bytes, number)))
        .collect()
}
