//! What the router costs beside the bare Envoy: `scripts/bench` runs this, see there.
//!
//! A provider that is no bottleneck, the Envoys, and callers, all on this machine. The Envoys share one CPU, the others have
//! the rest, so that a figure of one Envoy is held against another's under the same conditions.

mod answers;
mod bench;
mod closed_loop;
mod gateway;
mod growth;
mod http;
mod latency;
mod load;
mod machine;
mod memory;
mod modules;
mod options;
mod process;
mod readme;
mod report;
mod rows;
mod start;
mod stats;
mod streams;
mod upstream;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use meshrouter_wasm_tests::envoy::repository;

use crate::bench::Bench;
use crate::machine::Machine;
use crate::options::Options;
use crate::rows::Row;
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
    let envoys = share(&cpus)?;
    let mut names = gateways(options)?;
    if options.floor {
        names = names
            .iter()
            .flat_map(|name| [name.clone(), gateway::floor_of(name)])
            .collect();
    }
    let upstream = Upstream::start().map_err(|error| format!("the provider: {error}"))?;
    let (rounds, time, starts) = if options.quick || options.floor {
        (3, Duration::from_millis(1_000), 1)
    } else {
        (5, Duration::from_millis(1_500), 2)
    };
    say("Starting the Envoys");
    let (columns, starts) = start::all(&names, &upstream, envoys, starts)?;
    let machine = Machine::of(cpus.len(), columns.first().map_or(0, |bare| bare.pid));
    let mut bench = Bench {
        upstream,
        columns,
        names,
        rounds,
        time,
    };
    let rows = if options.floor {
        say("CPU of requests");
        measure_requests(&bench)?
    } else if options.quick {
        measure(&bench, &say)?
    } else {
        let mut rows = measure_all(&bench, &say)?;
        rows.push(start::row(&bench.names, starts));
        rows.push(start::sizes(&bench.names)?);
        say("Catalogs and keys of different sizes");
        bench.columns.clear();
        rows.extend(growth::measure(&bench, envoys)?);
        rows
    };
    say("Done");
    publish(options, &machine, &bench.names, &rows)
}

/// Keeps this process off the first CPU, where there are several; returns those for the Envoys.
fn share(cpus: &[usize]) -> Result<&[usize], String> {
    let (envoys, others) = cpus.split_at(usize::from(cpus.len() > 1));
    process::pin(std::process::id(), others)?;
    Ok(if envoys.is_empty() { others } else { envoys })
}

/// Shows the table, and writes it where it is wanted.
fn publish(
    options: &Options,
    machine: &Machine,
    names: &[String],
    rows: &[Row],
) -> Result<(), String> {
    let text = format!("{}\n\n{}", machine.line(), report::table(rows, names));
    println!("{text}");
    if options.readme {
        readme::write(&text)?;
    }
    let Some(path) = &options.json else {
        return Ok(());
    };
    let json = format!("{:#}\n", report::json(rows, names, machine));
    std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))
}

/// CPU of requests alone.
fn measure_requests(bench: &Bench) -> Result<Vec<Row>, String> {
    for gateway in &bench.columns {
        closed_loop::warm_up(&bench.upstream, gateway, Duration::from_secs(4))?;
    }
    closed_loop::measure(bench)
}

/// What performance work looks at all the time: CPU of requests and streams.
fn measure(bench: &Bench, say: &impl Fn(&str)) -> Result<Vec<Row>, String> {
    say("Warming up");
    for gateway in &bench.columns {
        closed_loop::warm_up(&bench.upstream, gateway, Duration::from_secs(4))?;
        streams::warm_up(&bench.upstream, gateway, Duration::from_secs(1))?;
    }
    say("CPU of streams");
    let mut rows = vec![streams::measure(bench)?];
    say("CPU of requests");
    rows.splice(0..0, closed_loop::measure(bench)?);
    Ok(rows)
}

/// Everything that is measured on one set of Envoys, memory first, before large bodies have been there.
fn measure_all(bench: &Bench, say: &impl Fn(&str)) -> Result<Vec<Row>, String> {
    say("Memory");
    let memory = memory::measure(bench)?;
    let mut rows = measure(bench, say)?;
    let at_last = memory::at_last(bench)?;
    if let Some(short) = rows.last() {
        say("CPU of long streams");
        rows.push(streams::growth(bench, short)?);
    }
    say("Latency");
    rows.extend(latency::measure(bench)?);
    rows.extend(memory);
    rows.push(at_last);
    Ok(rows)
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
