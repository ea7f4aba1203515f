//! Makes the files that a running Envoy watches of those that people write.
//!
//!   meshrouter-publish FOLDER TO
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use meshrouter_publish::{files, publish, resources};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, to] = arguments.as_slice() else {
        eprintln!("usage: scripts/publish [FOLDER]");
        return ExitCode::from(2);
    };
    match run(Path::new(folder), Path::new(to)) {
        Ok(changed) if changed.is_empty() => println!("Nothing changed in {to}"),
        Ok(changed) => println!("Changed in {to}: {}", changed.join(", ")),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(folder: &Path, to: &Path) -> Result<Vec<String>, String> {
    let resources = resources(folder)?;
    if resources.is_empty() {
        return Err(format!("{}: no file with `resources`", folder.display()));
    }
    publish(&files(&resources)?, to).map_err(|error| format!("{}: {error}", to.display()))
}
