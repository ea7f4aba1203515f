//! Log, time, properties, contexts, foreign functions.

use wasmtime::{Linker, Result as Linked};

use super::Cx;
use super::memory::{give, read, write, write_u32};
use crate::vm::host::{Host, ROOT};
use crate::vm::properties;
use crate::vm::status::Status;

type Answer = Result<(), Status>;

pub(super) fn link(linker: &mut Linker<Host>) -> Linked<()> {
    linker.func_wrap(
        "env",
        "proxy_log",
        |mut cx: Cx<'_>, level: u32, at: u32, size: u32| Status::of(log(&mut cx, level, at, size)),
    )?;
    linker.func_wrap("env", "proxy_get_log_level", |mut cx: Cx<'_>, at: u32| {
        let level = cx.data().world.lock().log_level;
        Status::of(write_u32(&mut cx, at, level))
    })?;
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        |mut cx: Cx<'_>, at: u32| {
            let now = cx.data().world.now().to_le_bytes();
            Status::of(write(&mut cx, at, &now))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_tick_period_milliseconds",
        |mut cx: Cx<'_>, period: u32| {
            cx.data_mut().tick_period_ms = period;
            Status::Ok as u32
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |mut cx: Cx<'_>, path: u32, path_size: u32, value: u32, value_size: u32| {
            Status::of(get_property(
                &mut cx,
                (path, path_size),
                (value, value_size),
            ))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |mut cx: Cx<'_>, path: u32, path_size: u32, value: u32, value_size: u32| {
            Status::of(set_property(
                &mut cx,
                (path, path_size),
                (value, value_size),
            ))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_effective_context",
        |mut cx: Cx<'_>, id: u32| Status::of(set_effective_context(cx.data_mut(), id)),
    )?;
    // Only a root context that is being shut down has something to be done with.
    linker.func_wrap("env", "proxy_done", |_: Cx<'_>| Status::NotFound as u32)?;
    linker.func_wrap(
        "env",
        "proxy_get_status",
        |mut cx: Cx<'_>, code: u32, message: u32, message_size: u32| {
            let code = write_u32(&mut cx, code, 0);
            Status::of(code.and_then(|()| give(&mut cx, b"", message, message_size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_call_foreign_function",
        |mut cx: Cx<'_>,
         name: u32,
         name_size: u32,
         args: u32,
         args_size: u32,
         to: u32,
         to_size: u32| {
            Status::of(call_foreign(
                &mut cx,
                (name, name_size),
                (args, args_size),
                (to, to_size),
            ))
        },
    )?;
    Ok(())
}

fn log(cx: &mut Cx<'_>, level: u32, at: u32, size: u32) -> Answer {
    let message = read(cx, at, size)?;
    if level > 5 {
        return Err(Status::BadArgument);
    }
    cx.data()
        .log(level, String::from_utf8_lossy(&message).into_owned());
    Ok(())
}

fn get_property(cx: &mut Cx<'_>, path: (u32, u32), to: (u32, u32)) -> Answer {
    let path = read(cx, path.0, path.1)?;
    let host = cx.data();
    let stream = if host.in_stream() {
        host.scene.stream.as_ref()
    } else {
        None
    };
    let value = properties::read(&path, stream, &host.scene.reach, &host.plugin)?;
    give(cx, &value, to.0, to.1)
}

fn set_property(cx: &mut Cx<'_>, path: (u32, u32), value: (u32, u32)) -> Answer {
    let path = read(cx, path.0, path.1)?;
    let value = read(cx, value.0, value.1)?;
    let stream = cx.data_mut().stream().ok_or(Status::NotFound)?;
    stream.filter_state.insert(path, value);
    Ok(())
}

fn set_effective_context(host: &mut Host, id: u32) -> Answer {
    // Another stream's state is not at hand during this callback. Deadlines, which need it, are tested
    // natively and on a real Envoy.
    let reachable = id == ROOT || id == host.scene.reach.id;
    if !reachable || !host.contexts.contains(&id) {
        return Err(Status::BadArgument);
    }
    host.effective_context = id;
    Ok(())
}

fn call_foreign(cx: &mut Cx<'_>, name: (u32, u32), args: (u32, u32), to: (u32, u32)) -> Answer {
    let name = read(cx, name.0, name.1)?;
    let args = read(cx, args.0, args.1)?;
    if name == b"clear_route_cache" {
        if let Some(stream) = cx.data_mut().stream() {
            stream.route_cache_cleared += 1;
        }
        return give(cx, b"", to.0, to.1);
    }
    let function = cx
        .data()
        .world
        .lock()
        .foreign
        .get(&*String::from_utf8_lossy(&name))
        .cloned();
    let result = function.ok_or(Status::NotFound)?(&args)?;
    give(cx, &result, to.0, to.1)
}
