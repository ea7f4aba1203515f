//! The SSE decoder: every byte comes out again, and cuts change nothing. The first two bytes say
//! where the rest is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshrouter_wire::sse::Decoder;

fn decode(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut decoder = Decoder::with_limit(1 << 16);
    let (mut data, mut raw) = (Vec::new(), Vec::new());
    let mut each = |event: meshrouter_wire::sse::Event<'_>| {
        raw.extend_from_slice(event.raw());
        data.extend(event.data().map(<[u8]>::to_vec));
        let _ = event.with_data(b"x");
    };
    for chunk in chunks {
        decoder.feed(chunk, &mut each);
    }
    decoder.finish(&mut each);
    (data, raw)
}

fuzz_target!(|input: &[u8]| {
    let Some(([a, b], stream)) = input.split_first_chunk::<2>() else {
        return;
    };
    let (whole, raw) = decode(&[stream]);
    assert_eq!(raw, stream);
    let mut cuts = [usize::from(*a) % (stream.len() + 1), usize::from(*b) % (stream.len() + 1)];
    cuts.sort_unstable();
    let (data, raw) = decode(&[&stream[..cuts[0]], &stream[cuts[0]..cuts[1]], &stream[cuts[1]..]]);
    assert_eq!((data, raw.as_slice()), (whole, stream));
});
