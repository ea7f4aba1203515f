//! What of proxy-wasm the SDK gives in another form than it is wanted here.

use proxy_wasm::types::MapType;

#[link(wasm_import_module = "env")]
#[allow(unsafe_code, reason = "the host's function has no safe declaration")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        length: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, length: usize, data: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
}

/// All headers of a map, as [`HeaderList`](crate::HeaderList) reads them: the SDK allocates twice for each, and panics
/// where the host has none to give. No bytes then.
#[allow(unsafe_code, reason = "the host hands over memory")]
pub(super) fn header_map(map: MapType) -> Vec<u8> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the host writes one pointer and one length.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    // SAFETY: the host has just written both.
    unsafe { handed_over(status, data, size) }.unwrap_or_default()
}

/// The property at a path whose parts a NUL separates: the SDK allocates twice to say so, and panics where the host
/// fails.
#[allow(unsafe_code, reason = "the host hands over memory")]
pub(super) fn property(path: &str) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the host reads the path, and writes one pointer and one length.
    let status =
        unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
    // SAFETY: the host has just written both.
    unsafe { handed_over(status, data, size) }
}

/// Sets a property of the stream's own; the same of the SDK.
#[allow(unsafe_code, reason = "the host reads memory")]
pub(super) fn set_property(name: &str, value: &[u8]) {
    // SAFETY: the host reads both.
    let _ = unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// Nanoseconds since the epoch, which the SDK takes apart into seconds.
#[allow(unsafe_code, reason = "the host writes memory")]
pub(super) fn now() -> u64 {
    let mut time = 0;
    // SAFETY: the host writes one number.
    let _ = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

/// What the host has handed over, where there is something.
///
/// # Safety
/// Of a call that succeeded, `data` and `size` are what the host wrote.
#[allow(unsafe_code, reason = "the host hands over memory")]
unsafe fn handed_over(status: u32, data: *mut u8, size: usize) -> Option<Vec<u8>> {
    if status != 0 || data.is_null() {
        return None;
    }
    // SAFETY: the host asked the SDK's `malloc` for so many bytes, which allocates a boxed slice, and has filled them.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}
