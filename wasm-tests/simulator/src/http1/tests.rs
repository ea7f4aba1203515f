use super::*;

/// Gives its bytes in reads of a few at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.1.min(self.0.len()).min(into.len());
        into[..size].copy_from_slice(&self.0[..size]);
        self.0 = &self.0[size..];
        Ok(size)
    }
}

#[test]
fn two_requests_are_read_alike_however_they_are_cut() {
    let wire = b"POST /a?b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nx: \xff\r\n\r\n\
        3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\ntrailer: 1\r\n\r\n\
        GET /c HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
    for size in 1..wire.len() {
        let mut reader = Reader::new(Trickle(wire, size));
        let first = reader.request_head().unwrap().unwrap();
        assert_eq!(
            (first.method.as_str(), first.path.as_str()),
            ("POST", "/a?b")
        );
        assert_eq!(first.header("X"), Some(&b"\xff"[..]));
        let framing = Framing::of_request(&first).unwrap();
        assert_eq!(reader.body(framing).unwrap(), b"abc0123456789");
        let second = reader.request_head().unwrap().unwrap();
        let framing = Framing::of_request(&second).unwrap();
        assert_eq!(reader.body(framing).unwrap(), b"hi");
        assert_eq!(reader.request_head().unwrap(), None);
    }
}

#[test]
fn an_early_end_is_an_error_at_every_byte() {
    let wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    for end in 1..wire.len() {
        let mut reader = Reader::new(Trickle(&wire[..end], 7));
        let whole = reader.response_head().and_then(|head| {
            let framing = Framing::of_response(&head.unwrap(), false)?;
            reader.body(framing)
        });
        let error = whole.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {end}");
    }
}

#[test]
fn a_response_without_a_length_ends_with_the_connection() {
    let mut reader = Reader::new(&b"HTTP/1.0 200 OK\r\n\r\nall"[..]);
    let head = reader.response_head().unwrap().unwrap();
    let framing = Framing::of_response(&head, false).unwrap();
    assert_eq!(framing, Framing::UntilClose);
    assert_eq!(reader.body(framing).unwrap(), b"all");
}

#[test]
fn nonsense_is_refused() {
    let mut reader = Reader::new(&b"\x16\x03\x01 hello\r\n\r\n"[..]);
    assert!(reader.request_head().is_err());
    let head = Head {
        headers: vec![("content-length".into(), b"many".to_vec())],
        ..Head::default()
    };
    assert!(Framing::of_request(&head).is_err());
}
