//! How bytes are compared: eight at a time. The compiler's own function looks at single ones, and names, slugs and keys are
//! compared some hundred times a request.

use std::slice::from_raw_parts;

/// Takes the place of the compiler's function of this name, which gives way.
#[allow(unsafe_code, reason = "the compiler finds the function by this name")]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: whoever compares has as many bytes at both ends.
    let (a, b) = unsafe { (from_raw_parts(a, length), from_raw_parts(b, length)) };
    for (a, b) in a.as_chunks().0.iter().zip(b.as_chunks().0) {
        let order = order(*a, *b);
        if order != 0 {
            return order;
        }
    }
    // What is left, behind some of what was compared.
    if let (Some(a), Some(b)) = (a.last_chunk(), b.last_chunk()) {
        return order(*a, *b);
    }
    for (a, b) in a.iter().zip(b) {
        if a != b {
            return i32::from(*a).wrapping_sub(i32::from(*b));
        }
    }
    0
}

fn order(a: [u8; 8], b: [u8; 8]) -> i32 {
    let (a, b) = (u64::from_ne_bytes(a), u64::from_ne_bytes(b));
    match a == b {
        true => 0,
        false if a.to_be() < b.to_be() => -1,
        false => 1,
    }
}
