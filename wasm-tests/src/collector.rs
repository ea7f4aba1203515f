//! A collector of traces of a test's own: OTLP over HTTP on a port of 127.0.0.1.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use meshrouter_simulator::http1::{Framing, Reader};

mod otlp;

pub use otlp::{CLIENT, SERVER, Span};

/// A running collector. Its threads end with the test process.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

#[derive(Debug, Default)]
struct Received {
    spans: Vec<Span>,
    /// What came, as it came.
    bytes: Vec<u8>,
}

impl Collector {
    /// A collector that is ready.
    ///
    /// # Panics
    /// If no port can be had.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on 127.0.0.1");
        let address = listener.local_addr().expect("its address");
        let received: Arc<Mutex<Received>> = Arc::default();
        let shared = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, received }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The spans so far, in the order of their ends.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.received).spans.clone()
    }

    /// All that was sent so far, as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.received).bytes).into_owned()
    }
}

/// Takes what comes over one connection, until its end.
fn serve(stream: TcpStream, received: &Mutex<Received>) -> io::Result<()> {
    let mut reader = Reader::new(stream);
    while let Some(head) = reader.request_head()? {
        let body = reader.body(Framing::of_request(&head)?)?;
        let is_known = head.method == "POST" && head.path == "/v1/traces";
        let spans = is_known.then(|| otlp::spans(&body)).flatten();
        let status = match spans {
            Some(spans) => {
                let mut received = lock(received);
                received.spans.extend(spans);
                received.bytes.extend(body);
                "200 OK"
            }
            None => "400 Bad Request",
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        reader.source_mut().write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn lock(received: &Mutex<Received>) -> std::sync::MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}
