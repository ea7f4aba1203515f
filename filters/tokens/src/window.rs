//! Text looked at sixteen bytes at a time: SIMD in wasm as natively.

use wide::u8x16;

/// How many bytes a window shows.
pub const WINDOW: usize = 16;

/// The bytes of `text` from `at` on; zeros behind its end.
#[inline]
#[must_use]
pub fn window(text: &[u8], at: usize) -> u8x16 {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first_chunk::<WINDOW>() {
        Some(chunk) => u8x16::new(*chunk),
        None => last(rest),
    }
}

#[cold]
fn last(rest: &[u8]) -> u8x16 {
    let mut bytes = [0; WINDOW];
    for (to, from) in bytes.iter_mut().zip(rest) {
        *to = *from;
    }
    u8x16::new(bytes)
}
