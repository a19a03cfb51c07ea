//! Sessions against a client that writes frames by hand, in one piece or in any.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frame::{Decoder, Frame, put_data};
use super::headers::{Deflater, Inflater};
use super::*;

/// A client.
#[derive(Default)]
pub(crate) struct Client {
    deflater: Deflater,
    wire: BytesMut,
    decoder: Decoder,
    inflater: Inflater,
}

impl Client {
    fn control(&mut self, kind: u16, is_last: bool, payload: &[u8]) {
        self.wire.put_u16(0x8003);
        self.wire.put_u16(kind);
        self.wire.put_u32(u32::from(is_last) << 24 | payload.len() as u32);
        self.wire.put_slice(payload);
    }

    pub(crate) fn open(&mut self, stream: u32, headers: &[(&str, &str)], is_last: bool) {
        let block = self.deflater.write(headers).unwrap();
        let payload = [&stream.to_be_bytes()[..], &[0; 6], &block].concat();
        self.control(1, is_last, &payload);
    }

    pub(crate) fn data(&mut self, stream: u32, bytes: &[u8], is_last: bool) {
        put_data(&mut self.wire, stream, bytes, is_last);
    }

    /// Sends what was written.
    pub(crate) async fn send(&mut self, wire: &mut DuplexStream) {
        wire.write_all(&self.wire.split()).await.expect("the server reads");
    }

    /// Sends what was written, and hears answers until this one: `reply 1`, `data 1 text`, `end 1`, `reset 1`.
    pub(crate) async fn exchange(&mut self, wire: &mut DuplexStream, last: &str) -> Vec<String> {
        self.send(wire).await;
        let mut heard = vec![];
        while !heard.iter().any(|line| line == last) {
            let mut buffer = [0; 1024];
            let bytes = wire.read(&mut buffer).await.expect("the server writes");
            assert!(bytes > 0, "no {last:?}, but {heard:?}");
            self.decoder.push(&buffer[..bytes]);
            while let Some(frame) = self.decoder.next().expect("the server keeps to the rules") {
                heard.extend(self.lines(frame));
            }
        }
        heard
    }

    fn lines(&mut self, frame: Frame) -> Vec<String> {
        match frame {
            Frame::Headers { stream, block, .. } => {
                assert_eq!(self.inflater.read(&block), Ok(vec![]));
                vec![format!("reply {stream}")]
            }
            Frame::Reset { stream } => vec![format!("reset {stream}")],
            Frame::Data { stream, bytes, is_last } => {
                let data = format!("data {stream} {}", String::from_utf8_lossy(&bytes));
                let data = (!bytes.is_empty()).then_some(data);
                data.into_iter().chain(is_last.then(|| format!("end {stream}"))).collect()
            }
            Frame::SynStream { .. } | Frame::Ping { .. } | Frame::GoAway => vec![],
        }
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Events with the parts of data that follow one another put together.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut all: Vec<Event> = vec![];
    for event in events {
        match (all.last_mut(), event) {
            (Some(Event::Data { stream, bytes }), Event::Data { stream: same, bytes: more })
                if *stream == same =>
            {
                *bytes = [bytes.as_ref(), &more].concat().into();
            }
            (_, event) => all.push(event),
        }
    }
    all
}

#[test]
fn the_dictionary_is_the_one_of_the_draft() {
    let bytes = dictionary::bytes();

    let adler = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    assert_eq!((bytes.len(), adler.1 << 16 | adler.0), (1423, 0xe3c6_a7c2));
}

#[test]
fn a_stream_is_opened_carries_data_and_ends() {
    let mut client = Client::default();
    client.open(1, &[("streamtype", "data"), ("port", "80")], false);
    client.data(1, b"hello", false);
    client.data(1, b"", true);

    let mut session = Session::default();
    let events = session.receive(&client.wire).unwrap();
    session.reply(1).unwrap();
    session.data(1, b"bye", true);

    let headers = vec![header("streamtype", "data"), header("port", "80")];
    let bytes = Bytes::from_static(b"hello");
    let expected = [
        Event::Opened { stream: 1, headers },
        Event::Data { stream: 1, bytes },
        Event::Finished { stream: 1 },
    ];
    assert_eq!(events, expected);
    let output = session.take_output();
    let block = &output[12..output.len() - 11];
    assert_eq!(output[..4], [0x80, 3, 0, 2]);
    assert_eq!(Inflater::default().read(block).unwrap(), []);
    assert_eq!(output[output.len() - 11..], *b"\0\0\0\x01\x01\0\0\x03bye");
    session.data(1, b"more", false);
    assert!(session.take_output().is_empty(), "both sides have finished");
}

#[test]
fn headers_refer_to_those_before_even_of_streams_that_are_refused() {
    let mut client = Client::default();
    client.open(2, &[("streamtype", "error"), ("requestid", "17")], false);
    client.open(3, &[("streamtype", "error"), ("requestid", "17")], true);

    let mut session = Session::default();
    let events = session.receive(&client.wire).unwrap();

    let headers = vec![header("streamtype", "error"), header("requestid", "17")];
    let expected = [Event::Opened { stream: 3, headers }, Event::Finished { stream: 3 }];
    assert_eq!(events, expected);
    assert_eq!(session.take_output()[..], *b"\x80\x03\0\x03\0\0\0\x08\0\0\0\x02\0\0\0\x01");
}

#[test]
fn a_ping_of_the_client_is_echoed_and_no_other() {
    let mut client = Client::default();
    client.control(6, false, &[0, 0, 0, 2]);
    client.control(6, false, &[0, 0, 0, 5]);

    let mut session = Session::default();
    let events = session.receive(&client.wire).unwrap();

    assert_eq!(events, []);
    assert_eq!(session.take_output()[..], *b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x05");
}

#[test]
fn windows_and_settings_are_passed_over() {
    let mut client = Client::default();
    client.control(9, false, &[0; 8]);
    client.control(4, false, &[0; 12]);
    client.control(7, false, &[0; 8]);

    assert_eq!(Session::default().receive(&client.wire), Ok(vec![Event::GoAway]));
}

#[test]
fn a_stream_that_is_broken_off_is_told_once_and_sends_no_more() {
    let mut client = Client::default();
    client.open(1, &[], false);
    client.control(3, false, &[0, 0, 0, 1, 0, 0, 0, 5]);
    client.control(3, false, &[0, 0, 0, 1, 0, 0, 0, 5]);
    client.data(1, b"late", true);

    let mut session = Session::default();
    let events = session.receive(&client.wire).unwrap();
    session.data(1, b"late", true);
    session.reset(1);

    let expected = [Event::Opened { stream: 1, headers: vec![] }, Event::Reset { stream: 1 }];
    assert_eq!(events, expected);
    assert!(session.take_output().is_empty());
}

#[test]
fn what_is_no_spdy_or_too_much_ends_the_connection() {
    let mut bomb = Client::default();
    let value = "x".repeat(100_000);
    bomb.open(1, &[("a", &value)], false);
    let cases: [(&[u8], SpdyError); 5] = [
        (b"\x80\x02\0\x06\0\0\0\x04\0\0\0\x01", SpdyError::Version(2)),
        (b"\x80\x03\0\x01\0\x02\0\0", SpdyError::TooLarge(0x20000)),
        (b"\x80\x03\0\x06\0\0\0\x02\0\0", SpdyError::Truncated),
        (b"\x80\x03\0\x01\0\0\0\x0c\0\0\0\x01\0\0\0\0\0\0xx", SpdyError::Headers),
        (&bomb.wire, SpdyError::Headers),
    ];
    for (wire, expected) in cases {
        assert_eq!(Session::default().receive(wire), Err(expected));
    }
}

#[test]
fn no_more_streams_are_open_than_may_be() {
    let mut client = Client::default();
    for index in 0..1001 {
        client.open(index * 2 + 1, &[], false);
    }

    let mut session = Session::default();
    let events = session.receive(&client.wire).unwrap();

    assert_eq!(events.len(), 1000);
    assert_eq!(session.take_output()[..], *b"\x80\x03\0\x03\0\0\0\x08\0\0\x07\xd1\0\0\0\x03");
}

proptest! {
    #[test]
    fn frames_say_the_same_however_they_are_cut(
        values in prop::collection::vec(("[a-z]{1,8}", ".{0,40}", prop::collection::vec(any::<u8>(), 0..300)), 1..8),
        cuts in prop::collection::vec(1_usize..50, 1..40),
    ) {
        let mut client = Client::default();
        let mut expected = vec![];
        for (index, (name, value, bytes)) in values.iter().enumerate() {
            let stream = index as u32 * 2 + 1;
            client.open(stream, &[(name, value)], false);
            client.data(stream, bytes, true);
            expected.push(Event::Opened { stream, headers: vec![header(name, value)] });
            let data = Event::Data { stream, bytes: bytes.clone().into() };
            expected.extend((!bytes.is_empty()).then_some(data));
            expected.push(Event::Finished { stream });
        }

        let mut session = Session::default();
        let (mut rest, mut events, mut cuts) = (&client.wire[..], vec![], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            events.extend(session.receive(piece).unwrap());
            rest = after;
        }

        prop_assert_eq!(joined(events), expected);
    }

    #[test]
    fn any_bytes_are_understood_or_refused(wire in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut control = wire.clone();
        control.splice(..wire.len().min(3), [0x80, 3, 0]);
        for wire in [wire, control] {
            let mut session = Session::default();
            let _refused = session.receive(&wire);
        }
    }

    #[test]
    fn headers_are_read_as_they_were_written(
        blocks in prop::collection::vec(prop::collection::vec(("[a-z-]{1,20}", ".{0,100}"), 0..30), 1..6),
    ) {
        let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
        for block in blocks {
            let pairs: Vec<(&str, &str)> =
                block.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let written = deflater.write(&pairs).unwrap();
            prop_assert_eq!(inflater.read(&written).unwrap(), block);
        }
    }
}

#[tokio::test]
async fn a_connection_brings_streams_in_and_carries_answers_out() {
    let (mut wire, ours) = tokio::io::duplex(1 << 16);
    let mut connection = Connection::serve(ours);
    let mut client = Client::default();
    client.open(1, &[("streamType", "stdin")], false);
    client.data(1, b"in", true);
    wire.write_all(&client.wire).await.unwrap();

    let mut stream = connection.accept().await.unwrap();
    stream.outgoing.reply().await;
    let read = stream.incoming.recv().await.unwrap().unwrap();
    let end = stream.incoming.recv().await;
    stream.outgoing.send(Bytes::from_static(b"out")).await;
    stream.outgoing.finish().await;
    connection.close().await;

    assert_eq!((stream.header("streamtype"), &read[..]), ("stdin", &b"in"[..]));
    assert!(end.is_none());
    let mut written = vec![];
    wire.read_to_end(&mut written).await.unwrap();
    let tail =
        b"\0\0\0\x01\0\0\0\x03out\0\0\0\x01\x01\0\0\0\x80\x03\0\x07\0\0\0\x08\0\0\0\x01\0\0\0\0";
    assert!(written.ends_with(tail), "{written:x?}");
}

#[tokio::test]
async fn a_client_that_goes_ends_its_streams() {
    let (wire, ours) = tokio::io::duplex(1 << 16);
    let mut connection = Connection::serve(ours);
    let mut client = Client::default();
    client.open(1, &[], false);
    let mut wire = wire;
    wire.write_all(&client.wire).await.unwrap();
    let mut stream = connection.accept().await.unwrap();

    drop(wire);

    assert!(stream.incoming.recv().await.is_none());
    assert!(connection.accept().await.is_none());
}

#[tokio::test]
async fn who_asks_for_answers_and_reads_none_is_let_go_of() {
    let (mut wire, server) = tokio::io::duplex(1024);
    let mut connection = Connection::serve(server);
    let mut client = Client::default();
    // Each ping is echoed.
    (0..100).for_each(|_| client.control(6, false, &1_u32.to_be_bytes()));
    let pings = client.wire.freeze();

    let sent = tokio::spawn(async move { while wire.write_all(&pings).await.is_ok() {} });
    let ended = tokio::time::timeout(Duration::from_secs(60), connection.accept()).await;

    assert!(ended.expect("it ends in time").is_none());
    sent.abort();
}
