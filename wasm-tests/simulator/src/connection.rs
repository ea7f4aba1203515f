//! One connection: requests in, answers out, until either side has had enough.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;

use crate::answer::answer;
use crate::http1::{Framing, Head, Reader};
use crate::record::{RecordedRequest, Shared};
use crate::write::{End, write};

/// Serves a connection until it ends. Errors end it: there is nobody to tell.
pub(crate) fn serve(stream: &TcpStream, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let mut reader = Reader::new(stream);
    loop {
        let head = match reader.request_head() {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(error) => return refuse(stream, &error),
        };
        let _in_flight = shared.begin();
        let Ok(body) = body(&mut reader, stream, &head) else {
            shared.cut.fetch_add(1, Ordering::SeqCst);
            return;
        };
        let request = RecordedRequest::new(&head, body);
        shared.record(&request);
        let (answer, action) = answer(shared, &request);
        match write(stream, &answer, &action) {
            End::Whole if head.says("connection", "close") => return,
            End::Whole => {}
            End::Broken => return,
            End::Abandoned => {
                shared.cut.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
    }
}

/// Tells a client that speaks something else, TLS for instance, as servers do.
fn refuse(mut stream: &TcpStream, error: &io::Error) {
    if error.kind() == io::ErrorKind::InvalidData {
        let _ = stream.write_all(
            b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        );
    }
}

/// Reads a request's body, inviting it first if the client waits for that.
fn body(
    reader: &mut Reader<impl Read>,
    mut stream: &TcpStream,
    head: &Head,
) -> io::Result<Vec<u8>> {
    if head.says("expect", "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    reader.body(Framing::of_request(head)?)
}
