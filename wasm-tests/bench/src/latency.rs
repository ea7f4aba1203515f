//! What the router adds to the time of an answer and of a first token, with nothing else to do.

use std::time::Duration;

use crate::bench::{Bench, requests};
use crate::load;
use crate::rows::{Compare, Row, Targets};
use crate::stats::percentile;
use crate::streams;

/// Times of plain answers, then of first tokens: half of all, and all but one in a hundred.
pub fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    bench.upstream.answer_plain();
    let mut rows = times(
        bench,
        "a request of 1 KB",
        Targets::none(),
        &requests(1_000),
        load::one_by_one,
    )?;
    bench.upstream.answer_streams(10, Duration::ZERO);
    let targets = Targets::new(500.0, 300.0);
    rows.extend(times(
        bench,
        "a stream until its first token",
        targets,
        &streams::requests(),
        load::first_tokens,
    )?);
    Ok(rows)
}

type Timed = fn(u16, &[Vec<u8>], Duration) -> Result<Vec<Duration>, String>;

fn times(
    bench: &Bench,
    what: &str,
    targets: Targets,
    requests: &[Vec<u8>],
    timed: Timed,
) -> Result<Vec<Row>, String> {
    let mut half = bench.row(
        format!("time of {what}, one at a time, p50"),
        "µs",
        Compare::Difference,
        targets,
    );
    let name = format!("time of {what}, one at a time, p99");
    let mut most = bench.row(name, "µs", Compare::Difference, Targets::none());
    bench.rounds(|column, gateway| {
        let times = timed(gateway.port, requests, bench.time)?;
        half.push(column, percentile(&times, 50));
        most.push(column, percentile(&times, 99));
        Ok(())
    })?;
    Ok(vec![half, most])
}
