use super::*;

/// Streams with everything that providers send.
const STREAMS: &[&str] = &[
    "data: {\"a\":1}\n\ndata: [DONE]\n\n",
    ": OPENROUTER PROCESSING\n\ndata:{\"a\":\"世界\"}\n\n",
    "data: a\r\n\r\ndata: b\r\n\r\n",
    "data: a\r\rdata: b\r\r",
    "\u{feff}data: a\n\nevent: x\ndata: b\nid: 1\n\n",
    "data: one\ndata: two\n\n",
    "data\n\ndata:  two spaces\n\n",
    "\n\n\ndata: a\n\n\n\ndata: b\n\n",
    "data: cut off",
    "data: a\r\n\r\n\ndata: b\n\r\n",
];

/// All data and all bytes that come out of `stream` in these chunks.
fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
    let mut decoder = Decoder::default();
    let (mut data, mut raw) = (Vec::new(), Vec::new());
    let mut each = |event: Event<'_>| {
        raw.extend_from_slice(event.raw());
        data.extend(event.data().map(|d| String::from_utf8(d.to_vec()).unwrap()));
    };
    for chunk in chunks {
        decoder.feed(chunk, &mut each);
    }
    decoder.finish(&mut each);
    (data, raw)
}

#[test]
fn reads_all_forms() {
    let expected: &[&[&str]] = &[
        &["{\"a\":1}", "[DONE]"],
        &["{\"a\":\"世界\"}"],
        &["a", "b"],
        &["a", "b"],
        &["a", "b"],
        &["one\ntwo"],
        &["", " two spaces"],
        &["a", "b"],
        &["cut off"],
        &["a", "b"],
    ];
    for (stream, expected) in STREAMS.iter().zip(expected) {
        assert_eq!(&decode([stream.as_bytes()]).0, expected, "{stream:?}");
    }
}

#[test]
fn cuts_anywhere_change_nothing() {
    for stream in STREAMS {
        let bytes = stream.as_bytes();
        let (whole, _) = decode([bytes]);
        for a in 0..=bytes.len() {
            for b in a..=bytes.len() {
                let (data, raw) = decode([&bytes[..a], &bytes[a..b], &bytes[b..]]);
                assert_eq!(data, whole, "{stream:?} cut at {a} and {b}");
                assert_eq!(raw, bytes);
            }
        }
        let (data, raw) = decode(bytes.chunks(1));
        assert_eq!(
            (data, raw.as_slice()),
            (whole, bytes),
            "{stream:?} by bytes"
        );
    }
}

#[test]
fn events_leave_as_soon_as_they_are_whole() {
    let mut decoder = Decoder::default();
    let mut seen = 0;
    decoder.feed(b"data: a\n\nda", |_| seen += 1);
    assert_eq!(seen, 1);
    decoder.feed(b"ta: b\n\n", |_| seen += 1);
    assert_eq!(seen, 2);
}

#[test]
fn data_is_replaced_and_the_rest_kept() {
    let replaced = |stream: &str| {
        let mut out = Vec::new();
        let mut decoder = Decoder::default();
        decoder.feed(stream.as_bytes(), |event| {
            out.extend_from_slice(&event.with_data(b"X"))
        });
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        replaced("event: e\r\ndata:a\r\nid: 1\r\n\r\n"),
        "event: e\r\ndata:X\r\nid: 1\r\n\r\n"
    );
    assert_eq!(
        replaced("event: e\ndata: a\ndata: b\n\n"),
        "event: e\ndata: X\n\n"
    );
    assert_eq!(replaced(": ping\n\n"), ": ping\n\n");
}

#[test]
fn endless_events_pass_unread() {
    let mut decoder = Decoder::with_limit(10);
    let (mut bytes, mut data) = (Vec::new(), 0);
    for chunk in [&b"data: 0123456789"[..], b"0123", b"\n\ndata: a\n\n"] {
        decoder.feed(chunk, |event| {
            bytes.extend_from_slice(event.raw());
            data += usize::from(event.data().is_some());
        });
    }
    assert_eq!(bytes, b"data: 01234567890123\n\ndata: a\n\n");
    assert!(decoder.has_unread());
    assert_eq!(data, 1, "only the event of bearable length was read");
}

#[test]
fn done_is_recognised() {
    let mut done = Vec::new();
    Decoder::default().feed(b"data: [DONE]\n\ndata:[DONE] \n\ndata: x\n\n", |e| {
        done.push(e.is_done())
    });
    assert_eq!(done, [true, true, false]);
}

#[test]
fn a_chunk_of_one_line_need_not_be_fed() {
    let before = [
        "",
        "x",
        "data: 1",
        "data: 1\n",
        "\n",
        "data: 1\r\n\r",
        "data: 1\n\n",
    ];
    let chunks = [
        "data: 2\n\n",
        "data: \n\n",
        "data: 2\r\n\n",
        "data: 2\n",
        "data: 2\n\n\n",
        ": 2\n\n",
        "data: 2\ndata: 3\n\n",
    ];
    for before in before {
        for chunk in chunks {
            let mut decoder = Decoder::default();
            decoder.feed(before.as_bytes(), |_| {});
            let only = decoder.only_data(chunk.as_bytes());
            let rest = format!("{:?}", decoder);
            let mut found = Vec::new();
            decoder.feed(chunk.as_bytes(), |event| {
                found.push((event.raw().to_vec(), event.data().map(<[u8]>::to_vec)));
            });
            if let Some(data) = only {
                let event = (chunk.as_bytes().to_vec(), Some(data.to_vec()));
                assert_eq!(found, [event], "{before:?} {chunk:?}");
                assert_eq!(rest, format!("{:?}", decoder));
            }
            let is_plain = chunk == chunks[0] && ["", "data: 1\n\n"].contains(&before);
            assert_eq!(only.is_some(), is_plain, "{before:?} {chunk:?}");
        }
    }
}
