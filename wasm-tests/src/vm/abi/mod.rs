//! The imports of a proxy-wasm module.

mod general;
mod http;
mod memory;
mod random;
mod shared;

use wasmtime::{Caller, Error, ExternType, FuncType, Linker, Module, Result, Val, ValType};

use super::host::Host;
use super::status::Status;

type Cx<'a> = Caller<'a, Host>;

/// Defines every import of `module`: those that the host has, and for any other of the ABI a function that
/// answers "unimplemented". Of WASI there is randomness; any other import from elsewhere is an error.
pub(super) fn link(linker: &mut Linker<Host>, module: &Module) -> Result<()> {
    general::link(linker)?;
    http::link(linker)?;
    shared::link(linker)?;
    random::link(linker)?;
    for import in module.imports() {
        let (space, name) = (import.module(), import.name());
        let ExternType::Func(ty) = import.ty() else {
            return Err(Error::msg(format!(
                "imports {space}.{name}, which is not a function"
            )));
        };
        if (space, name) == random::IMPORT {
            continue;
        }
        if space != "env" || !name.starts_with("proxy_") {
            return Err(Error::msg(format!(
                "imports {space}.{name}, which is not part of the ABI"
            )));
        }
        if !KNOWN.contains(&name) {
            linker.func_new(space, name, ty.clone(), unimplemented_call(&ty))?;
        }
    }
    Ok(())
}

/// What the modules of this folder define.
const KNOWN: &[&str] = &[
    "proxy_log",
    "proxy_get_log_level",
    "proxy_get_current_time_nanoseconds",
    "proxy_set_tick_period_milliseconds",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_set_effective_context",
    "proxy_done",
    "proxy_get_status",
    "proxy_call_foreign_function",
    "proxy_get_buffer_bytes",
    "proxy_set_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_set_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_continue_stream",
    "proxy_close_stream",
    "proxy_send_local_response",
    "proxy_http_call",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_define_metric",
    "proxy_get_metric",
    "proxy_record_metric",
    "proxy_increment_metric",
];

fn unimplemented_call(
    ty: &FuncType,
) -> impl Fn(Cx<'_>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static {
    let answers_status = ty.results().len() == 1 && ty.results().all(|r| matches!(r, ValType::I32));
    move |_, _, results| {
        if answers_status {
            results[0] = Val::I32(Status::Unimplemented as i32);
        }
        Ok(())
    }
}
