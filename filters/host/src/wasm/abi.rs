//! What of proxy-wasm the SDK gives in another form than it is wanted here.

use proxy_wasm::types::MapType;

#[link(wasm_import_module = "env")]
#[allow(unsafe_code, reason = "the host's function has no safe declaration")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) -> u32;
}

/// All headers of a map, as [`HeaderList`](crate::HeaderList) reads them: the SDK allocates twice for each, and panics
/// where the host has none to give. No bytes then.
#[allow(unsafe_code, reason = "the host hands over memory")]
pub(super) fn header_map(map: MapType) -> Vec<u8> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the host writes one pointer and one length.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    // SAFETY: it has written them for this call.
    unsafe { taken(status, data, size) }.unwrap_or_default()
}

/// A property, by its path, whose segments have a NUL between them: the SDK allocates for the path.
#[allow(unsafe_code, reason = "the host hands over memory")]
pub(super) fn property(path: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the host reads the path, and writes one pointer and one length.
    let status =
        unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
    // SAFETY: it has written them for this call.
    unsafe { taken(status, data, size) }
}

/// Sets a property.
#[allow(unsafe_code, reason = "the host's function has no safe declaration")]
pub(super) fn set_property(path: &str, value: &[u8]) {
    // SAFETY: the host reads the path and the value.
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) };
}

/// What the host hands over; `None` where it has nothing.
///
/// # Safety
/// The host has written the pointer and the length, if any, just now.
#[allow(unsafe_code, reason = "the host hands over memory")]
unsafe fn taken(status: u32, data: *mut u8, size: usize) -> Option<Vec<u8>> {
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: the host asked the SDK's `malloc` for so many bytes, which allocates a boxed slice, and has filled them.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}
