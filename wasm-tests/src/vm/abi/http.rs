//! Headers, bodies, and what a filter does to its stream.

use wasmtime::{Linker, Result as Linked};

use super::Cx;
use super::memory::{give, read};
use crate::vm::buffer;
use crate::vm::headers::HeaderMap;
use crate::vm::host::{Body, Deferred, Host, Way};
use crate::vm::status::Status;
use crate::vm::world::HttpCall;

type Answer = Result<(), Status>;
type Span = (u32, u32);
type Change = fn(&mut HeaderMap, Vec<u8>, Vec<u8>);

const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const LAST_MAP: u32 = 7;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;
const LAST_BUFFER: u32 = 8;

pub(super) fn link(linker: &mut Linker<Host>) -> Linked<()> {
    link_maps(linker)?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |mut cx: Cx<'_>, kind: u32, start: u32, length: u32, to: u32, to_size: u32| {
            Status::of(get_buffer(&mut cx, kind, start, length, (to, to_size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_buffer_bytes",
        |mut cx: Cx<'_>, kind: u32, start: u32, length: u32, data: u32, size: u32| {
            Status::of(set_buffer(&mut cx, kind, start, length, (data, size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_continue_stream",
        |mut cx: Cx<'_>, kind: u32| Status::of(continue_stream(cx.data_mut(), kind)),
    )?;
    linker.func_wrap("env", "proxy_close_stream", |mut cx: Cx<'_>, kind: u32| {
        Status::of(close_stream(cx.data_mut(), kind))
    })?;
    linker.func_wrap("env", "proxy_send_local_response", local_response)?;
    linker.func_wrap("env", "proxy_http_call", http_call)?;
    Ok(())
}

fn link_maps(linker: &mut Linker<Host>) -> Linked<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |mut cx: Cx<'_>, map: u32, to: u32, to_size: u32| {
            Status::of(get_pairs(&mut cx, map, (to, to_size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_header_map_pairs",
        |mut cx: Cx<'_>, map: u32, at: u32, size: u32| {
            Status::of(set_pairs(&mut cx, map, (at, size)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |mut cx: Cx<'_>, map: u32, key: u32, key_size: u32, to: u32, to_size: u32| {
            Status::of(get_value(&mut cx, map, (key, key_size), (to, to_size)))
        },
    )?;
    let add: Change = |headers, name, value| headers.add(name, value);
    let replace: Change = |headers, name, value| headers.set(name, value);
    for (name, change) in [
        ("proxy_add_header_map_value", add),
        ("proxy_replace_header_map_value", replace),
    ] {
        linker.func_wrap(
            "env",
            name,
            move |mut cx: Cx<'_>,
                  map: u32,
                  key: u32,
                  key_size: u32,
                  value: u32,
                  value_size: u32| {
                Status::of(change_value(
                    &mut cx,
                    map,
                    (key, key_size),
                    (value, value_size),
                    change,
                ))
            },
        )?;
    }
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |mut cx: Cx<'_>, map: u32, key: u32, key_size: u32| {
            let remove: Change = |headers, key, _| headers.remove(key);
            Status::of(change_value(&mut cx, map, (key, key_size), (0, 0), remove))
        },
    )?;
    Ok(())
}

/// The map as Envoy's `getConstMap` finds it: none if the callback cannot reach it.
fn readable(host: &Host, map: u32) -> Option<&HeaderMap> {
    let stream = host.scene.stream.as_ref().filter(|_| host.in_stream())?;
    let reach = &host.scene.reach;
    match map {
        REQUEST_HEADERS if reach.log_phase || reach.request_headers => {
            Some(&stream.request_headers)
        }
        RESPONSE_HEADERS if reach.log_phase || reach.response_headers => {
            stream.response_headers.as_ref()
        }
        _ => None,
    }
}

/// The map as Envoy's `getMap` finds it.
fn writable(host: &mut Host, map: u32) -> Result<&mut HeaderMap, Status> {
    let reach = host.scene.reach.clone();
    let stream = host.stream().ok_or(Status::BadArgument)?;
    match map {
        REQUEST_HEADERS if reach.request_headers => Ok(&mut stream.request_headers),
        RESPONSE_HEADERS if reach.response_headers => {
            stream.response_headers.as_mut().ok_or(Status::BadArgument)
        }
        _ => Err(Status::BadArgument),
    }
}

fn get_pairs(cx: &mut Cx<'_>, map: u32, to: Span) -> Answer {
    if map > LAST_MAP {
        return Err(Status::BadArgument);
    }
    // A map out of reach is an empty list, not an error.
    let headers = readable(cx.data(), map).filter(|h| !h.is_empty());
    let bytes = headers.map(HeaderMap::serialize).unwrap_or_default();
    give(cx, &bytes, to.0, to.1)
}

fn set_pairs(cx: &mut Cx<'_>, map: u32, pairs: Span) -> Answer {
    let pairs = HeaderMap::deserialize(&read(cx, pairs.0, pairs.1)?)?;
    *writable(cx.data_mut(), map)? = pairs;
    Ok(())
}

fn get_value(cx: &mut Cx<'_>, map: u32, key: Span, to: Span) -> Answer {
    let key = read(cx, key.0, key.1)?;
    let host = cx.data();
    let Some(headers) = readable(host, map) else {
        // The SDK panics on the second, and so it does in Envoy.
        let logging = host.scene.reach.log_phase && map <= LAST_MAP;
        return Err(if logging {
            Status::NotFound
        } else {
            Status::BadArgument
        });
    };
    let value = headers.get(&key).ok_or(Status::NotFound)?.to_vec();
    give(cx, &value, to.0, to.1)
}

fn change_value(cx: &mut Cx<'_>, map: u32, key: Span, value: Span, change: Change) -> Answer {
    let key = read(cx, key.0, key.1)?;
    let value = read(cx, value.0, value.1)?;
    change(writable(cx.data_mut(), map)?, key, value);
    Ok(())
}

fn body_of(host: &mut Host, kind: u32) -> Option<&mut Body> {
    let body = host.scene.body.as_mut()?;
    (body.way as u32 == kind).then_some(body)
}

fn get_buffer(cx: &mut Cx<'_>, kind: u32, start: u32, length: u32, to: Span) -> Answer {
    if kind > LAST_BUFFER {
        return Err(Status::BadArgument);
    }
    let host = cx.data_mut();
    let bytes = match kind {
        0 | 1 => body_of(host, kind).map_or(&[][..], |b| b.bytes.as_slice()),
        VM_CONFIGURATION => &[],
        PLUGIN_CONFIGURATION if host.configuring => host.plugin.configuration.as_slice(),
        _ => return Err(Status::NotFound),
    };
    let bytes = buffer::slice(bytes, start, length)?.to_vec();
    give(cx, &bytes, to.0, to.1)
}

fn set_buffer(cx: &mut Cx<'_>, kind: u32, start: u32, length: u32, data: Span) -> Answer {
    let data = read(cx, data.0, data.1)?;
    if kind > 1 {
        return Err(if kind <= LAST_BUFFER {
            Status::NotFound
        } else {
            Status::BadArgument
        });
    }
    let body = body_of(cx.data_mut(), kind).ok_or(Status::BadArgument)?;
    buffer::splice(&mut body.bytes, start, length, &data)
}

fn continue_stream(host: &mut Host, kind: u32) -> Answer {
    let way = match kind {
        0 => Way::Request,
        1 => Way::Response,
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented),
        _ => return Err(Status::BadArgument),
    };
    host.scene.deferred.push(Deferred::Continue(way));
    host.scene.reach.request_headers = false;
    Ok(())
}

fn close_stream(host: &mut Host, kind: u32) -> Answer {
    match kind {
        0 | 1 => host.scene.deferred.push(Deferred::Close),
        2 | 3 => {}
        _ => return Err(Status::BadArgument),
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "the ABI's own")]
fn local_response(
    mut cx: Cx<'_>,
    code: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    _grpc_status: u32,
) -> u32 {
    let cx = &mut cx;
    let mut send = || -> Answer {
        let details = read(cx, details, details_size)?;
        let body = read(cx, body, body_size)?;
        let headers = HeaderMap::deserialize(&read(cx, headers, headers_size)?)?;
        let scene = &mut cx.data_mut().scene;
        scene.deferred.push(Deferred::Reply {
            code,
            details,
            headers,
            body,
        });
        scene.stopped = true;
        Ok(())
    };
    Status::of(send())
}

#[allow(clippy::too_many_arguments, reason = "the ABI's own")]
fn http_call(
    mut cx: Cx<'_>,
    cluster: u32,
    cluster_size: u32,
    headers: u32,
    headers_size: u32,
    body: u32,
    body_size: u32,
    _trailers: u32,
    _trailers_size: u32,
    _timeout_ms: u32,
    _token: u32,
) -> u32 {
    let cx = &mut cx;
    let mut call = || -> Answer {
        let cluster = String::from_utf8_lossy(&read(cx, cluster, cluster_size)?).into_owned();
        let headers = HeaderMap::deserialize(&read(cx, headers, headers_size)?)?;
        let body = read(cx, body, body_size)?;
        let filter = cx.data().plugin.name.clone();
        cx.data().world.lock().http_calls.push(HttpCall {
            filter,
            cluster,
            headers,
            body,
        });
        Err(Status::BadArgument)
    };
    Status::of(call())
}
