//! How bytes are compared: eight at a time. The compiler's own function looks at single ones, and names, slugs and keys are
//! compared some hundred times a request.

/// Bytes of a step.
const STEP: usize = 8;

/// Takes the place of the compiler's function of this name, which gives way. A copy at each place that compares would make modules
/// larger by a twelfth.
#[inline(never)]
#[allow(unsafe_code, reason = "the compiler finds the function by this name")]
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
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

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[allow(unsafe_code, reason = "the function takes pointers")]
    fn compared(a: &[u8], b: &[u8]) -> Ordering {
        let length = a.len().min(b.len());
        // SAFETY: both have so many bytes.
        unsafe { memcmp(a.as_ptr(), b.as_ptr(), length) }.cmp(&0)
    }

    /// Texts of every length that differ in one byte, whichever it is and on whichever side it is the greater.
    #[test]
    fn the_first_difference_decides() {
        let text: Vec<u8> = (0..40).map(|n: u8| n.wrapping_mul(97)).collect();
        for length in 0..text.len() {
            let a = &text[..length];
            assert_eq!(compared(a, a), Ordering::Equal);
            for at in 0..length {
                for change in [1, 0x7F, 0x80, 0xFF] {
                    let mut b = a.to_vec();
                    b[at] = b[at].wrapping_add(change);
                    // What is behind has no say.
                    b[at + 1..].fill(0);
                    assert_eq!(compared(a, &b), a.cmp(&b), "{a:?} {b:?}");
                    assert_eq!(compared(&b, a), b.as_slice().cmp(a), "{b:?} {a:?}");
                }
            }
        }
    }
}
