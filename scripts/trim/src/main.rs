//! Takes out of a built module what Envoy need not load or call.
//!
//!   meshrouter-trim BUILT MODULE
//!
//! The SDK exports every callback of proxy-wasm, and Envoy enters the VM for each that is exported, whatever it does
//! there: about a microsecond each time. A module says in a section of its own which callbacks its filter has
//! (`entry!` in `filters/host`); of the others the exports go, and so do the names of functions, a quarter of the file.

mod module;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(built), Some(trimmed), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: meshrouter-trim BUILT MODULE");
        return ExitCode::FAILURE;
    };
    let read = std::fs::read(&built).map_err(|error| error.to_string());
    let module = read.and_then(|bytes| module::trim(&bytes).ok_or("is no module".to_owned()));
    let written = module.and_then(|module| {
        let written = std::fs::write(&trimmed, module);
        written.map_err(|error| format!("cannot be written to {trimmed}: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{built}: {error}");
            ExitCode::FAILURE
        }
    }
}
