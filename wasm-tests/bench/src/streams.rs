//! Streams with a pause between chunks, as models write: CPU of a stream, and whether it grows as the stream does.

use std::time::Duration;

use meshrouter_wasm_tests::conversations;

use crate::bench::{Bench, cost};
use crate::gateway::Gateway;
use crate::load::{self, End};
use crate::rows::{Compare, Row, Targets};
use crate::upstream::Upstream;

/// Streams at a time.
const STREAMS: usize = 64;
const PAUSE: Duration = Duration::from_millis(5);
/// Chunks of a stream, and of a long one.
const CHUNKS: usize = 100;
const MANY_CHUNKS: usize = 400;

/// Requests of 1 KB for a stream.
pub fn requests() -> Vec<Vec<u8>> {
    (0..64)
        .map(|number| load::request(&conversations::stream(1_000, number)))
        .collect()
}

/// Lets the engine see streams.
pub fn warm_up(upstream: &Upstream, gateway: &Gateway, time: Duration) -> Result<(), String> {
    upstream.answer_streams(CHUNKS, PAUSE);
    let cost = cost(gateway, &requests(), STREAMS, End::After(time));
    cost.map(drop)
        .map_err(|error| format!("{}, streams: {error}", gateway.name))
}

/// CPU of a stream.
pub fn measure(bench: &Bench) -> Result<Row, String> {
    let mut row = bench.row(
        "CPU of a stream of 100 chunks, 5 ms apart, 64 at a time",
        "µs",
        Compare::Ratio,
        Targets::new(2.0, 1.5),
    );
    bench.upstream.answer_streams(CHUNKS, PAUSE);
    let requests = requests();
    bench.rounds(|column, gateway| {
        row.push(
            column,
            cost(gateway, &requests, STREAMS, End::After(bench.time))?.cpu,
        );
        Ok(())
    })?;
    Ok(row)
}

/// What a chunk of a long stream costs, in chunks of a short one.
pub fn growth(bench: &Bench, short: &Row) -> Result<Row, String> {
    let mut row = bench.row(
        "CPU of a chunk of 400, as a multiple of one of 100",
        "×",
        Compare::Alone,
        Targets::none(),
    );
    bench.upstream.answer_streams(MANY_CHUNKS, PAUSE);
    let requests = requests();
    let short: Vec<_> = (0..bench.columns.len())
        .map(|column| short.spread(column))
        .collect();
    bench.rounds(|column, gateway| {
        let long = cost(
            gateway,
            &requests,
            STREAMS,
            End::After(Duration::from_millis(100)),
        )?
        .cpu;
        if let Some(Some(short)) = short.get(column) {
            row.push(
                column,
                long / short.median * CHUNKS as f64 / MANY_CHUNKS as f64,
            );
        }
        Ok(())
    })?;
    Ok(row)
}
