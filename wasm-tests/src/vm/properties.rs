//! A stream's state outside of its bodies: headers, filter state, and what Envoy calls attributes.

use std::collections::BTreeMap;

use super::headers::HeaderMap;
use super::host::Reach;
use super::plugin::Plugin;
use super::status::Status;

/// First path elements that Envoy answers itself; a property of that name set by a filter is not seen.
const ATTRIBUTES: &[&[u8]] = &[
    b"connection",
    b"connection_id",
    b"destination",
    b"filter_state",
    b"metadata",
    b"node",
    b"plugin_name",
    b"plugin_root_id",
    b"plugin_vm_id",
    b"request",
    b"response",
    b"source",
    b"upstream",
    b"xds",
];

/// What the filters of one stream share.
#[derive(Debug, Clone, Default)]
pub(super) struct StreamInfo {
    pub(super) request_headers: HeaderMap,
    pub(super) response_headers: Option<HeaderMap>,
    /// `set_property` of any filter; the key is the path joined by NUL.
    pub(super) filter_state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Attributes provided by the test; these win.
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) response_code: Option<u16>,
    pub(super) response_code_details: Option<Vec<u8>>,
    pub(super) route_cache_cleared: u32,
}

/// `get_property`: `path` has its elements separated by NUL.
pub(super) fn read(
    path: &[u8],
    info: Option<&StreamInfo>,
    reach: &Reach,
    plugin: &Plugin,
) -> Result<Vec<u8>, Status> {
    let parts: Vec<&[u8]> = path.split(|b| *b == 0).collect();
    let Some(first) = parts.first().filter(|p| !p.is_empty()) else {
        return Err(Status::SerializationFailure);
    };
    if let Some(given) = info.and_then(|i| i.attributes.get(path)) {
        return Ok(given.clone());
    }
    if ATTRIBUTES.contains(first) {
        return attribute(&parts, info, reach, plugin).ok_or(Status::NotFound);
    }
    // A filter's property is one opaque value: a longer path looks inside of it and finds nothing, even if it
    // was set under that same longer path.
    if parts.len() > 1 {
        return Err(Status::NotFound);
    }
    info.and_then(|i| i.filter_state.get(*first))
        .cloned()
        .ok_or(Status::NotFound)
}

fn attribute(
    parts: &[&[u8]],
    info: Option<&StreamInfo>,
    reach: &Reach,
    plugin: &Plugin,
) -> Option<Vec<u8>> {
    match (parts[0], parts.get(1), parts.get(2)) {
        (b"plugin_name" | b"plugin_root_id", None, None) => Some(plugin.name.clone().into_bytes()),
        (b"plugin_vm_id", None, None) => Some(plugin.vm_id.clone().into_bytes()),
        (b"request", Some(name), header) => {
            let headers = &info?.request_headers;
            let visible = reach.request_headers || reach.log_phase;
            if visible {
                request(name, header.copied(), headers)
            } else {
                None
            }
        }
        (b"response", Some(name), header) => response(name, header.copied(), info?, reach),
        _ => None,
    }
}

fn request(name: &[u8], header: Option<&[u8]>, headers: &HeaderMap) -> Option<Vec<u8>> {
    let get = |name: &str| headers.get(name).map(<[u8]>::to_vec);
    match (name, header) {
        (b"path", None) => get(":path"),
        (b"url_path", None) => {
            get(":path").map(|p| p.split(|b| *b == b'?').next().unwrap_or_default().to_vec())
        }
        (b"host", None) => get(":authority"),
        (b"scheme", None) => get(":scheme"),
        (b"method", None) => get(":method"),
        (b"id", None) => get("x-request-id"),
        (b"useragent", None) => get("user-agent"),
        (b"referer", None) => get("referer"),
        (b"headers", Some(header)) => joined(headers, header),
        _ => None,
    }
}

fn response(
    name: &[u8],
    header: Option<&[u8]>,
    info: &StreamInfo,
    reach: &Reach,
) -> Option<Vec<u8>> {
    match (name, header) {
        (b"code", None) => info
            .response_code
            .map(|code| i64::from(code).to_le_bytes().to_vec()),
        (b"code_details", None) => info.response_code_details.clone(),
        (b"headers", Some(header)) if reach.response_headers || reach.log_phase => {
            joined(info.response_headers.as_ref()?, header)
        }
        _ => None,
    }
}

/// Attributes, unlike the header calls, join several values with a comma.
fn joined(headers: &HeaderMap, name: &[u8]) -> Option<Vec<u8>> {
    let values = headers.all(name);
    (!values.is_empty()).then(|| values.join(&b","[..]))
}
