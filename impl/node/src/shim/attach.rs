//! Lets clients attach to a running container: they see what it prints and may type.
//!
//! A frame is one byte for the stream, four for the length (big endian), then the bytes. Streams to the
//! client: 1 standard output, 2 standard error. From the client: 0 standard input (a frame of length 0
//! ends it), 4 the terminal's size as two 16-bit numbers, columns and rows.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// The socket's name in the container's directory.
pub(crate) const SOCKET: &str = "attach.sock";

/// A frame may be this long.
const FRAME_MAX: usize = 1 << 20;

/// What a client sent.
pub(super) enum Input {
    /// Bytes for standard input; none for its end.
    Stdin(Vec<u8>),
    /// Columns and rows.
    Resize(u16, u16),
}

/// What came of a stream of frames so far.
#[derive(Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    /// Adds bytes and takes the frames that are complete; `None` when they are no frames.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Vec<Input>> {
        self.buffer.extend_from_slice(bytes);
        let mut inputs = vec![];
        while let Some((head, rest)) = self.buffer.split_first_chunk::<5>() {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            if length > FRAME_MAX {
                return None;
            }
            if rest.len() < length {
                break;
            }
            inputs.extend(input(head[0], &rest[..length]));
            self.buffer.drain(..5 + length);
        }
        Some(inputs)
    }
}

struct Client {
    stream: UnixStream,
    frames: Frames,
}

/// Everybody who is attached.
pub(super) struct Attached {
    listener: UnixListener,
    clients: Vec<Client>,
}

impl Attached {
    /// Listens in the current directory.
    pub(super) fn listen() -> io::Result<Self> {
        let listener = UnixListener::bind(SOCKET)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: vec![] })
    }

    /// What to wait for: the socket first, then each client.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let clients = self.clients.iter().map(|client| client.stream.as_fd());
        std::iter::once(self.listener.as_fd()).chain(clients).collect()
    }

    /// Sends output to every client; one that does not keep up is let go.
    pub(super) fn broadcast(&mut self, stream: u8, bytes: &[u8]) {
        let frame = frame(stream, bytes);
        self.clients.retain_mut(|client| client.stream.write_all(&frame).is_ok());
    }

    /// Takes new clients and what clients sent.
    pub(super) fn receive(&mut self) -> Vec<Input> {
        let mut inputs = vec![];
        self.clients.retain_mut(|client| client.receive(&mut inputs));
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, frames: Frames::default() });
            }
        }
        inputs
    }
}

impl Client {
    /// Whether it is still there.
    fn receive(&mut self, inputs: &mut Vec<Input>) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => match self.frames.push(&bytes[..length]) {
                    Some(received) => inputs.extend(received),
                    None => return false,
                },
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }
}

fn input(stream: u8, bytes: &[u8]) -> Option<Input> {
    match (stream, bytes) {
        (0, bytes) => Some(Input::Stdin(bytes.to_vec())),
        (4, [a, b, c, d]) => {
            Some(Input::Resize(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
        }
        _ => None,
    }
}

/// One frame.
pub(crate) fn frame(stream: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut frame = vec![stream];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}
