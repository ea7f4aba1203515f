//! Envoy's generator of random numbers.

// The one function of WASI that a module may import. Envoy answers it from its TLS library's generator; modules in which
// nobody calls it do not import it.
#[link(wasm_import_module = "wasi_snapshot_preview1")]
#[allow(unsafe_code, reason = "the host's function has no safe declaration")]
unsafe extern "C" {
    fn random_get(buffer: *mut u8, length: usize) -> u32;
}

/// Random bytes, good enough for a secret.
#[allow(unsafe_code, reason = "the host writes to memory")]
pub(super) fn bytes() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    // SAFETY: the host writes as many bytes as the buffer has.
    let error = unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    (error == 0).then_some(bytes)
}
