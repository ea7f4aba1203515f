//! Shared data and metrics.

use wasmtime::{Linker, Result as Linked};

use super::Cx;
use super::memory::{give, read, write, write_u32};
use crate::vm::host::Host;
use crate::vm::status::Status;
use crate::vm::world::{Inner, MetricKind};

type Answer = Result<(), Status>;
type Span = (u32, u32);

pub(super) fn link(linker: &mut Linker<Host>) -> Linked<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |mut cx: Cx<'_>, key: u32, key_size: u32, to: u32, to_size: u32, cas: u32| {
            Status::of(get_shared(&mut cx, (key, key_size), (to, to_size), cas))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |mut cx: Cx<'_>, key: u32, key_size: u32, value: u32, value_size: u32, cas: u32| {
            Status::of(set_shared(
                &mut cx,
                (key, key_size),
                (value, value_size),
                cas,
            ))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |mut cx: Cx<'_>, kind: u32, name: u32, name_size: u32, id: u32| {
            Status::of(define(&mut cx, kind, (name, name_size), id))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_metric",
        |mut cx: Cx<'_>, id: u32, to: u32| Status::of(get(&mut cx, id, to)),
    )?;
    linker.func_wrap(
        "env",
        "proxy_record_metric",
        |cx: Cx<'_>, id: u32, value: u64| Status::of(record(cx.data(), id, value)),
    )?;
    linker.func_wrap(
        "env",
        "proxy_increment_metric",
        |cx: Cx<'_>, id: u32, offset: i64| Status::of(increment(cx.data(), id, offset)),
    )?;
    Ok(())
}

fn get_shared(cx: &mut Cx<'_>, key: Span, to: Span, cas: u32) -> Answer {
    let key = read(cx, key.0, key.1)?;
    let host = cx.data();
    let (value, token) = host
        .world
        .shared(&host.plugin.vm_id, key)
        .ok_or(Status::NotFound)?;
    give(cx, &value, to.0, to.1)?;
    write_u32(cx, cas, token)
}

fn set_shared(cx: &mut Cx<'_>, key: Span, value: Span, cas: u32) -> Answer {
    let key = read(cx, key.0, key.1)?;
    let value = read(cx, value.0, value.1)?;
    let host = cx.data();
    host.world.set_shared(&host.plugin.vm_id, key, value, cas)
}

fn define(cx: &mut Cx<'_>, kind: u32, name: Span, to: u32) -> Answer {
    let name = String::from_utf8_lossy(&read(cx, name.0, name.1)?).into_owned();
    let kind = match kind {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Histogram,
        _ => return Err(Status::BadArgument),
    };
    let host = cx.data_mut();
    {
        let mut world = host.world.lock();
        match kind {
            MetricKind::Histogram => drop(world.histograms.entry(name.clone()).or_default()),
            MetricKind::Counter | MetricKind::Gauge => {
                *world.numbers.entry(name.clone()).or_default() += 0
            }
        }
    }
    host.metrics.push((kind, name));
    // As in Envoy, the id carries the kind in its lowest two bits.
    let id = u32::try_from(host.metrics.len()).map_err(|_| Status::InternalFailure)? << 2;
    write_u32(cx, to, id | kind as u32)
}

fn metric(host: &Host, id: u32) -> Result<(MetricKind, &str), Status> {
    let index = (id >> 2).checked_sub(1).ok_or(Status::NotFound)?;
    let (kind, name) = host.metrics.get(index as usize).ok_or(Status::NotFound)?;
    if *kind as u32 == id & 3 {
        Ok((*kind, name))
    } else {
        Err(Status::NotFound)
    }
}

fn get(cx: &mut Cx<'_>, id: u32, to: u32) -> Answer {
    let (kind, name) = metric(cx.data(), id)?;
    if kind == MetricKind::Histogram {
        return Err(Status::BadArgument);
    }
    let value = number(&mut cx.data().world.lock(), name).to_le_bytes();
    write(cx, to, &value)
}

fn record(host: &Host, id: u32, value: u64) -> Answer {
    let (kind, name) = metric(host, id)?;
    let mut world = host.world.lock();
    match kind {
        // Recording a counter adds to it.
        MetricKind::Counter => *number(&mut world, name) += value,
        MetricKind::Gauge => *number(&mut world, name) = value,
        MetricKind::Histogram => world
            .histograms
            .entry(name.to_owned())
            .or_default()
            .push(value),
    }
    Ok(())
}

fn increment(host: &Host, id: u32, offset: i64) -> Answer {
    let (kind, name) = metric(host, id)?;
    let mut world = host.world.lock();
    match kind {
        MetricKind::Counter if offset > 0 => *number(&mut world, name) += offset.unsigned_abs(),
        MetricKind::Gauge => {
            let value = number(&mut world, name);
            *value = value.saturating_add_signed(offset);
        }
        MetricKind::Counter | MetricKind::Histogram => return Err(Status::BadArgument),
    }
    Ok(())
}

fn number<'a>(world: &'a mut Inner, name: &str) -> &'a mut u64 {
    world.numbers.entry(name.to_owned()).or_default()
}
