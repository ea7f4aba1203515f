//! What the router costs beside the bare Envoy: `scripts/bench` runs this, see there.
//!
//! A provider that is no bottleneck, the Envoys, and callers, all on this machine. The Envoys share one CPU, the others have
//! the rest, so that a figure of one Envoy is held against another's under the same conditions.

mod answers;
mod bench;
mod bodies;
mod closed_loop;
mod gateway;
mod http;
mod load;
mod machine;
mod options;
mod process;
mod report;
mod rows;
mod stats;
mod text;
mod upstream;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use meshrouter_wasm_tests::envoy::repository;

use crate::bench::Bench;
use crate::gateway::Gateway;
use crate::machine::Machine;
use crate::options::Options;
use crate::upstream::Upstream;

/// What is measured where nothing else is asked for, as far as it is there.
const DEFAULT: [&str; 2] = ["envoy", "native-fused"];

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let begin = Instant::now();
    let say = |what: &str| eprintln!("{:>5.0} s  {what}", begin.elapsed().as_secs_f64());
    let cpus = process::cpus();
    let (envoys, others) = cpus.split_at(usize::from(cpus.len() > 1));
    process::pin(std::process::id(), others)?;
    let envoys = if envoys.is_empty() { others } else { envoys };

    let names = gateways(options)?;
    let upstream = Upstream::start().map_err(|error| format!("the provider: {error}"))?;
    say("Starting the Envoys");
    let mut columns = vec![Gateway::bare(upstream.port, envoys)?];
    for name in &names {
        columns.push(Gateway::shipped(name, upstream.port, envoys, |_| {})?);
    }
    let machine = Machine::of(cpus.len(), columns.first().map_or(0, |bare| bare.pid));
    let (rounds, time) = if options.quick {
        (3, 1_000)
    } else {
        (5, 1_500)
    };
    let bench = Bench {
        upstream,
        columns,
        names,
        rounds,
        time: Duration::from_millis(time),
    };
    let mut rows = Vec::new();

    say("Warming up");
    for gateway in &bench.columns {
        closed_loop::warm_up(&bench.upstream, gateway, Duration::from_secs(4))?;
    }
    say("CPU of requests");
    rows.extend(closed_loop::measure(&bench)?);

    say("Done");
    println!(
        "{}\n\n{}",
        machine.line(),
        report::table(&rows, &bench.names)
    );
    if let Some(path) = &options.json {
        let json = format!("{:#}\n", report::json(&rows, &bench.names, &machine));
        std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The configurations to measure: those that were named, or the default ones that are there.
fn gateways(options: &Options) -> Result<Vec<String>, String> {
    let file = |name: &str| repository().join(format!("envoy/{name}.yaml"));
    if let Some(missing) = options.gateways.iter().find(|name| !file(name).is_file()) {
        return Err(format!("there is no {}", file(missing).display()));
    }
    if !options.gateways.is_empty() {
        return Ok(options.gateways.clone());
    }
    Ok(DEFAULT
        .iter()
        .filter(|name| file(name).is_file())
        .map(|name| (*name).to_owned())
        .collect())
}
