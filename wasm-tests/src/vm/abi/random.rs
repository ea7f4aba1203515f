//! Randomness, the one function of WASI that filters import.

use std::fs::File;
use std::io::Read;

use wasmtime::{Linker, Result as Linked};

use super::Cx;
use super::memory::write;
use crate::vm::host::Host;

/// Where the function is.
pub(super) const IMPORT: (&str, &str) = ("wasi_snapshot_preview1", "random_get");

/// The most that Envoy gives at a time, in bytes.
const MOST: u32 = 64 << 10;

/// WASI's numbers of errors.
const OK: u32 = 0;
const FAULT: u32 = 21;
const INVALID: u32 = 28;

pub(super) fn link(linker: &mut Linker<Host>) -> Linked<()> {
    let (space, name) = IMPORT;
    linker.func_wrap(space, name, |mut cx: Cx<'_>, at: u32, length: u32| {
        if length > MOST {
            return INVALID;
        }
        let mut bytes = vec![0; length as usize];
        let drawn = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        match (drawn, write(&mut cx, at, &bytes)) {
            (Ok(()), Ok(())) => OK,
            _ => FAULT,
        }
    })?;
    Ok(())
}
