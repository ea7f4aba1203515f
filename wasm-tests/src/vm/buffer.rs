//! Body buffers, as a plugin may read and change them.

use super::status::Status;

/// The part of `bytes` that a read of `length` bytes from `start` gets: whatever is there.
pub(super) fn slice(bytes: &[u8], start: u32, length: u32) -> Result<&[u8], Status> {
    start.checked_add(length).ok_or(Status::BadArgument)?;
    let from = (start as usize).min(bytes.len());
    let to = from.saturating_add(length as usize).min(bytes.len());
    Ok(&bytes[from..to])
}

/// Envoy's `Buffer::copyFrom`: at the start, drain `length` bytes and put `data` in front; at or after
/// the end, append; a replacement in the middle is refused.
pub(super) fn splice(
    bytes: &mut Vec<u8>,
    start: u32,
    length: u32,
    data: &[u8],
) -> Result<(), Status> {
    if start == 0 {
        let drained = (length as usize).min(bytes.len());
        bytes.splice(..drained, data.iter().copied());
        return Ok(());
    }
    if start as usize >= bytes.len() {
        bytes.extend_from_slice(data);
        return Ok(());
    }
    Err(Status::BadArgument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_clamped_to_what_is_there() {
        assert_eq!(slice(b"hello", 1, 3), Ok(&b"ell"[..]));
        assert_eq!(slice(b"hello", 3, 100), Ok(&b"lo"[..]));
        assert_eq!(slice(b"hello", 9, 1), Ok(&b""[..]));
        assert_eq!(slice(b"hello", u32::MAX, 1), Err(Status::BadArgument));
    }

    #[test]
    fn a_write_drains_the_front_or_appends() {
        let mut cases = vec![
            (0, 0, "XY", Ok("XYhello")),
            (0, 2, "XY", Ok("XYllo")),
            (0, 5, "XY", Ok("XY")),
            (0, u32::MAX, "", Ok("")),
            (5, 0, "XY", Ok("helloXY")),
            (9, 9, "XY", Ok("helloXY")),
            (2, 1, "XY", Err(Status::BadArgument)),
        ];
        for (start, length, data, expected) in cases.drain(..) {
            let mut bytes = b"hello".to_vec();
            let result = splice(&mut bytes, start, length, data.as_bytes());
            let seen = result.map(|()| String::from_utf8(bytes).unwrap());
            assert_eq!(seen, expected.map(str::to_owned), "{start} {length} {data}");
        }
    }
}
