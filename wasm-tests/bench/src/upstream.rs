//! The provider of the benchmark: it reads every body to its end and answers what it is told to, as fast as it can.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::answers;
use crate::http::Reader;

/// A server on a free port of 127.0.0.1, with a thread for each connection. It lives as long as the process.
pub struct Upstream {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

/// What all its connections see.
#[derive(Default)]
struct Shared {
    /// Chunks of each stream; 0 for a plain completion.
    chunks: AtomicUsize,
    /// Microseconds between two chunks.
    pause: AtomicU64,
    /// The bytes of the last body.
    last_body: AtomicUsize,
}

impl Upstream {
    /// Starts it; it gives plain completions.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&all);
                // An Envoy that is ended closes its connections: no error of anybody's.
                thread::spawn(move || serve(connection, &shared));
            }
        });
        Ok(Self { port, shared })
    }

    /// From now on every answer is a plain completion.
    pub fn answer_plain(&self) {
        self.answer_streams(0, Duration::ZERO);
    }

    /// From now on every answer is a stream of so many chunks, with this time between two.
    pub fn answer_streams(&self, chunks: usize, pause: Duration) {
        let pause = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        self.shared.pause.store(pause, Ordering::Relaxed);
        self.shared.chunks.store(chunks, Ordering::Relaxed);
    }

    /// How long the last body was.
    pub fn last_body(&self) -> usize {
        self.shared.last_body.load(Ordering::Relaxed)
    }
}

fn serve(connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = Reader::new(connection);
    while let Some(head) = reader.head()? {
        let length = reader.body(head.framing, |_| {})?;
        shared.last_body.store(length, Ordering::Relaxed);
        let connection = reader.source_mut();
        match shared.chunks.load(Ordering::Relaxed) {
            0 => connection.write_all(&answers::completion(length))?,
            chunks => stream(connection, chunks, shared, length)?,
        }
    }
    Ok(())
}

/// Sends the chunks with a pause behind each, also behind one that is late: two at once would be one for Envoy.
fn stream(
    connection: &mut TcpStream,
    chunks: usize,
    shared: &Shared,
    length: usize,
) -> io::Result<()> {
    let pause = Duration::from_micros(shared.pause.load(Ordering::Relaxed));
    connection.write_all(answers::STREAM_HEAD)?;
    for number in 0..chunks {
        connection.write_all(&answers::chunk(number))?;
        thread::sleep(pause);
    }
    connection.write_all(&answers::stream_end(length, chunks))
}
