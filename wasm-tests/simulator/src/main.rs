//! Simulated providers as a program: one for each `--provider`, until it is stopped.

use std::process::ExitCode;

use meshrouter_simulator::{Builder, Simulator};

const USAGE: &str = "\
Simulated OpenAI-compatible model providers on 127.0.0.1.

usage: meshrouter-simulator --provider NAME=PORT[:KEY] [--provider …]

  --provider NAME=PORT[:KEY]  serve as NAME on PORT; with KEY, only requests that carry it
  --help                      this text

example: meshrouter-simulator --provider alpha=9101:sk-sim-alpha --provider beta=9102";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match providers(&arguments) {
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Ok(providers) => match start(providers) {
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
            Ok(running) => {
                running.into_iter().for_each(Simulator::wait);
                ExitCode::SUCCESS
            }
        },
    }
}

/// A provider as the command line has it.
#[derive(Debug, PartialEq, Eq)]
struct Provider {
    name: String,
    port: u16,
    key: Option<String>,
}

fn providers(arguments: &[String]) -> Result<Vec<Provider>, String> {
    let mut providers = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--provider") {
            Some("") => arguments.next().ok_or("--provider needs NAME=PORT[:KEY]")?,
            Some(rest) if rest.starts_with('=') => rest.trim_start_matches('='),
            _ => return Err(format!("unknown argument: {argument}")),
        };
        providers.push(provider(value).ok_or_else(|| format!("not NAME=PORT[:KEY]: {value}"))?);
    }
    if providers.is_empty() {
        return Err("no --provider given".to_owned());
    }
    Ok(providers)
}

fn provider(value: &str) -> Option<Provider> {
    let (name, rest) = value.split_once('=')?;
    let (port, key) = match rest.split_once(':') {
        Some((port, key)) => (port, Some(key.to_owned()).filter(|key| !key.is_empty())),
        None => (rest, None),
    };
    let port = port.parse().ok()?;
    (!name.is_empty()).then(|| Provider {
        name: name.to_owned(),
        port,
        key,
    })
}

fn start(providers: Vec<Provider>) -> Result<Vec<Simulator>, String> {
    let mut running = Vec::new();
    for Provider { name, port, key } in providers {
        let builder = Simulator::builder(&name).port(port).recording(false);
        let keyed = match key {
            Some(key) => Builder::key(builder, key),
            None => builder,
        };
        let simulator = keyed
            .start()
            .map_err(|error| format!("{name} cannot listen on port {port}: {error}"))?;
        println!("{name} listening on http://{}", simulator.address());
        running.push(simulator);
    }
    Ok(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Vec<Provider>, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        providers(&words)
    }

    #[test]
    fn providers_are_read_in_both_spellings() {
        let found = parse("--provider alpha=9101:sk-1:2 --provider=beta=0").unwrap();
        let provider = |name: &str, port, key: Option<&str>| Provider {
            name: name.to_owned(),
            port,
            key: key.map(str::to_owned),
        };
        assert_eq!(
            found,
            [
                provider("alpha", 9101, Some("sk-1:2")),
                provider("beta", 0, None)
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", "no --provider given"),
            ("--provider", "--provider needs"),
            ("--provider alpha", "not NAME=PORT[:KEY]: alpha"),
            ("--provider alpha=x", "not NAME=PORT[:KEY]: alpha=x"),
            ("--providers alpha=1", "unknown argument: --providers"),
            ("alpha=1", "unknown argument: alpha=1"),
        ];
        for (line, wanted) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.starts_with(wanted), "{line}: {error}");
        }
    }
}
