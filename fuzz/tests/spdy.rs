//! SPDY sessions: frames that were right once. What a client writes may end its connection, nothing else.

use fuzz::{Mutator, runs};
use host::spdy::{Event, Session};

/// What kubectl writes to forward a port: a stream for errors, one for data, a request, a ping, a goodbye.
/// The headers are those of SPDY's draft in a block that is stored, not packed.
fn written() -> Vec<u8> {
    let mut wire = vec![];
    wire.extend(syn_stream(1, FIRST_BLOCK));
    wire.extend(b"\0\0\0\x01\0\0\0\x05hello");
    wire.extend(b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x01");
    wire.extend(b"\0\0\0\x01\x01\0\0\0");
    wire.extend(b"\x80\x03\0\x03\0\0\0\x08\0\0\0\x01\0\0\0\x05");
    wire.extend(b"\x80\x03\0\x07\0\0\0\x08\0\0\0\0\0\0\0\0");
    wire
}

/// The beginning of a zlib stream with the dictionary of SPDY (RFC 1950, 1951): a stored block of one pair.
const FIRST_BLOCK: &[u8] = b"\x78\xbb\xe3\xc6\xa7\xc2\
    \0\x14\0\xeb\xff\0\0\0\x01\0\0\0\x04port\0\0\0\x04\x38\x30\x38\x30\
    \0\0\0\xff\xff";

fn syn_stream(stream: u32, block: &[u8]) -> Vec<u8> {
    let length = (10 + block.len() as u32).to_be_bytes();
    [b"\x80\x03\0\x01", &length[..], &stream.to_be_bytes(), &[0; 6], block].concat()
}

#[test]
fn what_is_fuzzed_is_right_at_first() {
    let events = Session::default().receive(&written()).expect("it is right");

    let headers = vec![("port".to_owned(), "8080".to_owned())];
    assert_eq!(events[0], Event::Opened { stream: 1, headers });
    assert_eq!(events.last(), Some(&Event::GoAway));
    assert_eq!(events.len(), 5);
}

#[test]
fn a_session_understands_or_refuses_and_says_no_more_than_it_heard() {
    let frames = written();

    for run in 0..runs(20_000) {
        let mut mutator = Mutator::new(run);
        let bytes = mutator.mutated(&frames);
        let (first, second) = bytes.split_at(mutator.below(bytes.len() + 1));
        let mut session = Session::default();

        let Ok(mut events) = session.receive(first) else { continue };
        events.extend(session.receive(second).unwrap_or_default());

        let data: usize = events
            .iter()
            .map(|event| if let Event::Data { bytes, .. } = event { bytes.len() } else { 0 })
            .sum();
        assert!(data <= bytes.len(), "run {run}");
        assert!(session.take_output().len() <= 2 * bytes.len(), "run {run}");
    }
}
