//! How bytes are compared: eight at a time. The compiler's own function looks at single ones, and names, slugs and keys are
//! compared some hundred times a request.

/// Bytes of a step.
const STEP: usize = 8;

/// Takes the place of the compiler's function of this name, which gives way. A copy at each place that compares would make modules
/// larger by a twelfth.
#[inline(never)]
#[allow(unsafe_code, reason = "the compiler finds the function by this name")]
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: whoever compares has `length` bytes at both ends, and none behind them is read.
    let number = |bytes: *const u8, at| unsafe { bytes.add(at).cast::<u64>().read_unaligned() };
    let byte = |bytes: *const u8, at| unsafe { bytes.add(at).read() };
    let order = |at| {
        let (a, b) = (number(a, at), number(b, at));
        match a == b {
            true => 0,
            false if a.to_be() < b.to_be() => -1,
            false => 1,
        }
    };
    let mut at = 0_usize;
    if let Some(last) = length.checked_sub(STEP) {
        while at < last {
            if number(a, at) != number(b, at) {
                return order(at);
            }
            at = at.wrapping_add(STEP);
        }
        // What is left, behind some of what was compared.
        return order(last);
    }
    while at < length {
        let (a, b) = (byte(a, at), byte(b, at));
        if a != b {
            return i32::from(a).wrapping_sub(i32::from(b));
        }
        at = at.wrapping_add(1);
    }
    0
}
