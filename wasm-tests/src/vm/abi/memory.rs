//! Reading from and handing bytes to a module's memory.

use wasmtime::{Extern, Memory};

use super::Cx;
use crate::vm::status::Status;

fn memory(cx: &mut Cx<'_>) -> Result<Memory, Status> {
    let export = cx.get_export("memory").and_then(Extern::into_memory);
    export.ok_or(Status::InvalidMemoryAccess)
}

/// A copy of `length` bytes at `at`.
pub(super) fn read(cx: &mut Cx<'_>, at: u32, length: u32) -> Result<Vec<u8>, Status> {
    let memory = memory(cx)?;
    let (from, length) = (at as usize, length as usize);
    let end = from
        .checked_add(length)
        .ok_or(Status::InvalidMemoryAccess)?;
    let bytes = memory
        .data(&cx)
        .get(from..end)
        .ok_or(Status::InvalidMemoryAccess)?;
    Ok(bytes.to_vec())
}

/// Writes bytes where the module said.
pub(super) fn write(cx: &mut Cx<'_>, at: u32, bytes: &[u8]) -> Result<(), Status> {
    let memory = memory(cx)?;
    memory
        .write(cx, at as usize, bytes)
        .map_err(|_| Status::InvalidMemoryAccess)
}

/// Writes a little-endian word where the module said.
pub(super) fn write_u32(cx: &mut Cx<'_>, at: u32, value: u32) -> Result<(), Status> {
    write(cx, at, &value.to_le_bytes())
}

/// Allocates in the module, copies `bytes` there and tells it where. Nothing is a null pointer.
pub(super) fn give(cx: &mut Cx<'_>, bytes: &[u8], at: u32, size_at: u32) -> Result<(), Status> {
    let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
    let mut pointer = 0;
    if size > 0 {
        pointer = allocate(cx, size)?;
        write(cx, pointer, bytes)?;
    }
    write_u32(cx, at, pointer)?;
    write_u32(cx, size_at, size)
}

fn allocate(cx: &mut Cx<'_>, size: u32) -> Result<u32, Status> {
    let malloc = ["malloc", "proxy_on_memory_allocate"]
        .into_iter()
        .find_map(|n| cx.get_export(n));
    let malloc = malloc
        .and_then(Extern::into_func)
        .ok_or(Status::InvalidMemoryAccess)?;
    let malloc = malloc
        .typed::<u32, u32>(&cx)
        .map_err(|_| Status::InvalidMemoryAccess)?;
    match malloc.call(cx, size) {
        Ok(0) | Err(_) => Err(Status::InvalidMemoryAccess),
        Ok(pointer) => Ok(pointer),
    }
}
