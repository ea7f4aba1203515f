//! Requests one after the other on each of 32 connections: CPU of a request and requests a second, by the body's size.

use std::time::Duration;

use meshrouter_wasm_tests::conversations;

use crate::bench::{Bench, CONNECTIONS, cost, requests};
use crate::gateway::Gateway;
use crate::load::{self, End};
use crate::rows::{Compare, Row, Targets};
use crate::upstream::Upstream;

struct Size {
    bytes: usize,
    name: &'static str,
    portable: f64,
    native: f64,
}

const SIZES: [Size; 4] = [
    Size {
        bytes: 1_000,
        name: "1 KB",
        portable: 4.0,
        native: 2.2,
    },
    Size {
        bytes: 16_000,
        name: "16 KB",
        portable: 4.0,
        native: 2.2,
    },
    Size {
        bytes: 200_000,
        name: "200 KB",
        portable: 3.5,
        native: 2.8,
    },
    Size {
        bytes: 4_000_000,
        name: "4 MB",
        portable: 3.5,
        native: 2.8,
    },
];

/// Lets the engine see every size, and sees to it that whole bodies arrive.
pub fn warm_up(upstream: &Upstream, gateway: &Gateway, time: Duration) -> Result<(), String> {
    upstream.answer_plain();
    for size in SIZES {
        let body = conversations::plain(size.bytes, 0);
        let say = |error| format!("{}, {}: {error}", gateway.name, size.name);
        let sent = body.len();
        load::closed_loop(gateway.port, &[load::request(&body)], 1, End::Requests(1))
            .map_err(say)?;
        // A gateway writes the provider's name of the model, and little else.
        let arrived = upstream.last_body();
        if arrived.abs_diff(sent) > 500 {
            return Err(say(format!(
                "{arrived} of {sent} bytes reached the provider"
            )));
        }
        cost(
            gateway,
            &requests(size.bytes),
            CONNECTIONS,
            End::After(time / 4),
        )
        .map_err(say)?;
    }
    Ok(())
}

/// Lets the engine see requests of 1 KB.
pub fn warm_up_small(gateway: &Gateway, time: Duration) -> Result<(), String> {
    let cost = cost(gateway, &requests(1_000), CONNECTIONS, End::After(time));
    cost.map(drop)
        .map_err(|error| format!("{}: {error}", gateway.name))
}

/// CPU and rate for every size, and how CPU grows from 200 KB to 4 MB.
pub fn measure(bench: &Bench) -> Result<Vec<Row>, String> {
    bench.upstream.answer_plain();
    let (mut costs, mut rates) = (Vec::new(), Vec::new());
    for size in SIZES {
        let targets = Targets::new(size.portable, size.native);
        let mut cpu = bench.row(
            format!("CPU of a request of {}", size.name),
            "µs",
            Compare::Ratio,
            targets,
        );
        let name = format!("requests of {} a second", size.name);
        let mut rate = bench.row(name, "1/s", Compare::Ratio, Targets::none());
        let requests = requests(size.bytes);
        bench.rounds(|column, gateway| {
            let cost = cost(gateway, &requests, CONNECTIONS, End::After(bench.time))?;
            cpu.push(column, cost.cpu);
            rate.push(column, cost.rate);
            Ok(())
        })?;
        costs.push(cpu);
        rates.push(rate);
    }
    let growth = growth(bench, &costs);
    costs.extend(rates);
    costs.extend(growth);
    Ok(costs)
}

/// What a byte of 4 MB costs, in bytes of 200 KB.
fn growth(bench: &Bench, costs: &[Row]) -> Option<Row> {
    let [_, _, small, large] = costs else {
        return None;
    };
    let mut row = bench.row(
        "CPU of a byte of 4 MB, as a multiple of one of 200 KB",
        "×",
        Compare::Alone,
        Targets::none(),
    );
    for (column, (small, large)) in small.columns.iter().zip(&large.columns).enumerate() {
        for (small, large) in small.iter().zip(large) {
            row.push(column, large / small / 20.0);
        }
    }
    Some(row)
}
