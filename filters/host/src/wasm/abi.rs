//! What of proxy-wasm the SDK gives in another form than it is wanted here.

use proxy_wasm::types::MapType;

#[link(wasm_import_module = "env")]
#[allow(unsafe_code, reason = "the host's function has no safe declaration")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
}

/// All headers of a map, as [`HeaderList`](crate::HeaderList) reads them: the SDK allocates twice for each, and panics
/// where the host has none to give. No bytes then.
#[allow(unsafe_code, reason = "the host hands over memory")]
pub(super) fn header_map(map: MapType) -> Vec<u8> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the host writes one pointer and one length.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    if status != 0 || data.is_null() {
        return Vec::new();
    }
    // SAFETY: the host asked the SDK's `malloc` for so many bytes, which allocates a boxed slice, and has filled them.
    unsafe { Vec::from_raw_parts(data, size, size) }
}
