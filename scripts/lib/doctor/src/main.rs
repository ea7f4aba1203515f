//! Checks a gateway document and the Envoy configuration around it, before they are deployed.
//!
//!   meshrouter-doctor [--envoy BINARY] CONFIG
//!
//! CONFIG is an Envoy configuration with the document at its filters, or the document alone, as YAML or JSON; a bootstrap that
//! takes resources from files is checked with those that stand beside it. What is found goes to standard output, line by line. Ends with status 0 where nothing is wrong, 1 where there are errors, 2
//! where there was nothing to check.
#![forbid(unsafe_code)]

mod check;
mod finding;
mod gateway;
mod node;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::ExitCode;

use meshrouter_publish::{fold, resources};
use serde_json::Value;

use finding::{Findings, Severity};

const USAGE: &str = "usage: scripts/doctor [CONFIG]";

/// What is asked for.
struct Order {
    config: String,
    envoy: Option<String>,
}

fn main() -> ExitCode {
    let input = order(std::env::args().skip(1)).and_then(|order| Ok((read(&order.config)?, order)));
    match input {
        Ok((file, order)) => report(&order, &file),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn order(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let (mut config, mut envoy) = (None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--envoy" => envoy = arguments.next(),
            option if option.starts_with('-') || config.is_some() => return Err(USAGE.to_owned()),
            _ => config = Some(argument),
        }
    }
    let config = config.ok_or(USAGE)?;
    Ok(Order { config, envoy })
}

/// Reads a file of YAML, or of JSON, which is YAML; aliases are copies afterwards. The resources that a bootstrap takes from the
/// files beside it stand in it as if it had them itself.
fn read(path: &str) -> Result<Value, String> {
    let mut file = meshrouter_publish::read(Path::new(path))?;
    let Some(members) = file.as_object() else {
        return Err(format!(
            "{path}: expected an Envoy configuration or a gateway document, both of which are YAML objects"
        ));
    };
    if members.get("resources").is_some_and(Value::is_array) {
        return Err(format!(
            "{path}: has nothing but `resources`: check the bootstrap of its folder, envoy.yaml, which takes them along"
        ));
    }
    if members.contains_key("dynamic_resources") {
        let folder = Path::new(path).parent().unwrap_or(Path::new("."));
        let resources = resources(folder)?;
        if !resources.is_empty() {
            fold(&mut file, resources).map_err(|error| format!("{path}: {error}"))?;
            file.as_object_mut()
                .map(|file| file.remove("dynamic_resources"));
        }
    }
    Ok(file)
}

fn report(order: &Order, file: &Value) -> ExitCode {
    let mut findings = Findings::default();
    let shape = check::file(file, &mut findings);
    if let Some(envoy) = &order.envoy {
        check::version::ask(envoy, shape, file, &mut findings);
    }
    for finding in findings.iter() {
        println!("{finding}");
    }
    println!("{}: {findings}", order.config);
    if findings.count(Severity::Error) == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
