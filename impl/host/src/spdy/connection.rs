//! Carries a session over a connection: one task reads, one writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::{Event, Headers, Session};

/// How many pieces of a stream wait for who reads it, and how many wait to be written.
const PIECES_MAX: usize = 16;

/// How much is read at once.
const READ_BYTES: usize = 32 * 1024;

/// How much may wait to be sent. Who asks for more answers without reading them is let go of.
const UNSENT_BYTES_MAX: usize = 1024 * 1024;

/// The client has broken a stream off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken;

/// A stream that a client has opened.
#[derive(Debug)]
pub(crate) struct Stream {
    /// What it says of it.
    pub(crate) headers: Headers,
    /// What it sends, to its end.
    pub(crate) incoming: mpsc::Receiver<Result<Bytes, Broken>>,
    /// What is sent to it.
    pub(crate) outgoing: Outgoing,
}

impl Stream {
    /// A header, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// The server's side of a stream. What is sent over one that is closed is lost.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Its number.
    pub(crate) stream: u32,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Reply(u32),
    Data(u32, Bytes),
    Finish(u32),
    Reset(u32),
    GoAway,
}

impl Outgoing {
    /// Takes the stream.
    pub(crate) async fn reply(&self) {
        self.order(Order::Reply(self.stream)).await;
    }

    /// Sends something; whether the connection is still there.
    pub(crate) async fn send(&self, bytes: Bytes) -> bool {
        self.order(Order::Data(self.stream, bytes)).await
    }

    /// Says that nothing more is sent.
    pub(crate) async fn finish(&self) {
        self.order(Order::Finish(self.stream)).await;
    }

    /// Breaks the stream off.
    pub(crate) async fn reset(&self) {
        self.order(Order::Reset(self.stream)).await;
    }

    async fn order(&self, order: Order) -> bool {
        self.orders.send(order).await.is_ok()
    }
}

/// A connection, on which streams are opened.
#[derive(Debug)]
pub(crate) struct Connection {
    streams: mpsc::Receiver<Stream>,
    orders: mpsc::Sender<Order>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Connection {
    /// Serves a client.
    pub(crate) fn serve(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (read, write) = tokio::io::split(io);
        let shared = Arc::new(Shared::default());
        let (opened, streams) = mpsc::channel(PIECES_MAX);
        let (orders, received) = mpsc::channel(PIECES_MAX);
        let dispatch = Dispatch { opened, orders: orders.clone(), incoming: BTreeMap::new() };
        let reader = tokio::spawn(self::read(read, Arc::clone(&shared), dispatch));
        let writer = tokio::spawn(self::write(write, shared, received));
        Self { streams, orders, reader, writer }
    }

    /// The next stream that the client opens; none when it goes.
    pub(crate) async fn accept(&mut self) -> Option<Stream> {
        self.streams.recv().await
    }

    /// Says goodbye, and waits until all is written.
    pub(crate) async fn close(mut self) {
        // A client that has gone needs none.
        let _gone = self.orders.send(Order::GoAway).await;
        let _ended = (&mut self.writer).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// What both tasks know.
#[derive(Debug, Default)]
struct Shared {
    session: Mutex<Session>,
    /// There is something to write that nobody ordered.
    has_output: Notify,
}

impl Shared {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom a reader tells of what.
#[derive(Debug)]
struct Dispatch {
    opened: mpsc::Sender<Stream>,
    orders: mpsc::Sender<Order>,
    incoming: BTreeMap<u32, mpsc::Sender<Result<Bytes, Broken>>>,
}

impl Dispatch {
    /// Whether the connection goes on.
    async fn tell(&mut self, event: Event) -> bool {
        match event {
            Event::Opened { stream, headers } => {
                let (sender, incoming) = mpsc::channel(PIECES_MAX);
                self.incoming.insert(stream, sender);
                let outgoing = Outgoing { stream, orders: self.orders.clone() };
                return self.opened.send(Stream { headers, incoming, outgoing }).await.is_ok();
            }
            Event::Data { stream, bytes } => {
                if let Some(incoming) = self.incoming.get(&stream) {
                    // Who does not listen any more misses nothing.
                    let _deaf = incoming.send(Ok(bytes)).await;
                }
            }
            Event::Finished { stream } => drop(self.incoming.remove(&stream)),
            Event::Reset { stream } => {
                if let Some(incoming) = self.incoming.remove(&stream) {
                    let _deaf = incoming.send(Err(Broken)).await;
                }
            }
            Event::GoAway => return false,
        }
        true
    }
}

async fn read<I: AsyncRead>(mut from: ReadHalf<I>, shared: Arc<Shared>, mut dispatch: Dispatch) {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let Ok(bytes @ 1..) = from.read(&mut buffer).await else { return };
        let (events, unsent) = {
            let mut session = shared.session();
            (session.receive(&buffer[..bytes]), session.output_bytes())
        };
        shared.has_output.notify_one();
        if unsent > UNSENT_BYTES_MAX {
            return;
        }
        // A client that breaks the rules is told nothing that it could not see.
        let Ok(events) = events else { return };
        for event in events {
            if !dispatch.tell(event).await {
                return;
            }
        }
    }
}

async fn write<I: AsyncWrite>(
    mut to: WriteHalf<I>,
    shared: Arc<Shared>,
    mut orders: mpsc::Receiver<Order>,
) {
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            () = shared.has_output.notified() => None,
        };
        let is_last = matches!(order, Some(Order::GoAway));
        let output = carry_out(&mut shared.session(), order);
        if to.write_all(&output).await.is_err() || to.flush().await.is_err() {
            return;
        }
        if is_last {
            // One that is closed already is what was wanted.
            let _closed = to.shutdown().await;
            return;
        }
    }
}

fn carry_out(session: &mut Session, order: Option<Order>) -> Bytes {
    match order {
        // Headers that were written before can be written again.
        Some(Order::Reply(stream)) => drop(session.reply(stream)),
        Some(Order::Data(stream, bytes)) => session.data(stream, &bytes, false),
        Some(Order::Finish(stream)) => session.data(stream, &[], true),
        Some(Order::Reset(stream)) => session.reset(stream),
        Some(Order::GoAway) => session.go_away(),
        None => {}
    }
    session.take_output()
}
