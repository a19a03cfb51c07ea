//! What becomes of a log that is torn, or damaged, anywhere.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::Bytes;

const METADATA: Metadata = Metadata { cluster: 1, member: 2, number: 3 };
const SECTOR_BYTES: usize = 512;

fn record(revision: u64, value: Option<&[u8]>) -> Record {
    let key = Bytes::from(&b"/registry/pods/a"[..]);
    let lease = LeaseId(if value.is_some() { 7 } else { 0 });
    let write = Write { key, value: value.map(Bytes::from), lease };
    Record { revision: Revision(revision), changes: vec![Change::Write(write)] }
}

/// A part of the log.
#[derive(Clone, Debug)]
struct Log {
    bytes: Vec<u8>,
    /// The records of each frame but the first.
    frames: Vec<Vec<Record>>,
    /// Where each frame ends, the first too.
    ends: Vec<usize>,
}

impl Log {
    fn of(frames: Vec<Vec<Record>>) -> Self {
        let mut bytes = head(METADATA);
        let mut ends = vec![bytes.len()];
        for records in &frames {
            bytes.extend(encode(records, METADATA, bytes.len()));
            ends.push(bytes.len());
        }
        Self { bytes, frames, ends }
    }

    fn small() -> Self {
        Self::of(vec![vec![record(2, Some(b"one")), record(3, None)], vec![record(4, Some(b""))]])
    }

    /// Where the frame begins that has this byte.
    fn frame_of(&self, byte: usize) -> usize {
        self.ends.iter().copied().filter(|end| *end <= byte).max().unwrap_or(0)
    }

    fn last(&self) -> usize {
        self.frame_of(self.bytes.len() - 1)
    }

    /// What is read where all from a byte on is lost.
    fn until(&self, byte: usize) -> Decoded {
        let whole = self.ends.iter().filter(|end| **end <= byte).count() - 1;
        let (records, sound_bytes) = (self.frames[..whole].concat(), self.ends[whole]);
        Decoded { metadata: METADATA, records, sound_bytes, is_ended: false }
    }

    /// The bytes of a frame, by sectors of the file.
    fn sectors_of(&self, frame: usize) -> Vec<Vec<usize>> {
        let bytes: Vec<_> = (self.ends[frame]..self.ends[frame + 1]).collect();
        bytes
            .chunk_by(|one, other| one / SECTOR_BYTES == other / SECTOR_BYTES)
            .map(<[_]>::to_vec)
            .collect()
    }
}

fn zeroed<'a>(bytes: &[u8], lost: impl IntoIterator<Item = &'a usize>) -> Vec<u8> {
    let mut torn = bytes.to_vec();
    lost.into_iter().for_each(|byte| torn[*byte] = 0);
    torn
}

#[test]
fn what_is_encoded_is_decoded() {
    let log = Log::small();

    let decoded = decode(&log.bytes).unwrap();

    assert_eq!(decoded, log.until(log.bytes.len()));
    assert_eq!((decoded.metadata, decoded.records.len()), (METADATA, 3));
}

#[test]
fn every_kind_of_change_is_decoded() {
    let changes = vec![
        Change::Grant(LeaseId(-7), 60),
        Change::Checkpoint(LeaseId(-7), Some(30)),
        Change::Checkpoint(LeaseId(-7), None),
        Change::Revoke(LeaseId(-7)),
        Change::Compact(Revision(3)),
    ];
    let records = vec![Record { revision: Revision(4), changes }];

    assert_eq!(decode(&Log::of(vec![records.clone()]).bytes).unwrap().records, records);
}

#[test]
fn a_part_that_has_ended_has_nothing_behind_but_zeros() {
    let mut part = Log::small().bytes;
    let sound = part.len();
    part.extend(end(METADATA, sound));
    let end = part.len();
    part.extend([0; 600]);

    let decoded = decode(&part).unwrap();

    assert_eq!((decoded.is_ended, decoded.sound_bytes, decoded.records.len()), (true, end, 3));
    for byte in end..part.len() {
        let mut damaged = part.clone();
        damaged[byte] = 1;
        assert_eq!(decode(&damaged).unwrap_err().offset, end, "byte {byte}");
    }
    part.truncate(end - 1);
    assert!(!decode(&part).unwrap().is_ended);
}

#[test]
fn a_file_that_does_not_say_whose_it_is_is_no_log() {
    let log = Log::small().bytes;

    for cut in 0..HEAD_BYTES {
        assert_eq!(decode(&log[..cut]).unwrap_err().offset, 0, "cut at {cut}");
    }
    assert_eq!(metadata(&head(METADATA)), Ok(METADATA));
    assert_eq!(head(METADATA).len(), HEAD_BYTES);
    for other in [&b"not a log"[..], &[0; 600], &log[HEAD_BYTES..]] {
        assert_eq!(decode(other).unwrap_err().offset, 0);
    }
}

#[test]
fn a_frame_counts_only_in_its_part_and_in_its_place() {
    let records = [record(2, Some(b"one"))];
    let others = [
        (Metadata { cluster: 9, ..METADATA }, HEAD_BYTES),
        (Metadata { member: 9, ..METADATA }, HEAD_BYTES),
        (Metadata { number: 9, ..METADATA }, HEAD_BYTES),
        (METADATA, HEAD_BYTES + 16),
    ];

    for (metadata, offset) in others {
        let part = [head(METADATA), encode(&records, metadata, offset)].concat();

        assert_eq!(decode(&part).unwrap_err().offset, HEAD_BYTES, "{metadata:?} {offset}");
    }
}

#[test]
fn sectors_that_have_changed_places_are_damage() {
    let log = Log::of(vec![vec![record(2, Some(&[7; 4 * SECTOR_BYTES]))]]).bytes;
    let (before, sectors) = log.split_at(SECTOR_BYTES);
    let (first, rest) = sectors.split_at(SECTOR_BYTES);
    let (second, rest) = rest.split_at(SECTOR_BYTES);

    let changed = [before, second, first, rest].concat();

    assert_eq!(decode(&changed).unwrap_err().offset, HEAD_BYTES);
}

#[test]
fn a_sector_of_which_a_part_is_missing_is_damage() {
    let log = Log::of(vec![vec![record(2, Some(&[7; 2 * SECTOR_BYTES]))]]);
    let header = HEAD_BYTES..HEAD_BYTES + 16;

    for lost in [header.clone(), header.end..SECTOR_BYTES, SECTOR_BYTES..2 * SECTOR_BYTES - 1] {
        let damaged = zeroed(&log.bytes, &lost.clone().collect::<Vec<_>>());

        assert_eq!(decode(&damaged).unwrap_err().offset, HEAD_BYTES, "{lost:?}");
    }
}

/// Records of one frame. Zeros over the borders of sectors are among their values.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let value = prop_oneof![
        (0..2_000_usize).prop_map(|length| vec![0; length]),
        vec(any::<u8>(), 0..600),
        (0..600_usize).prop_map(|length| vec![b'v'; length]),
    ];
    vec(proptest::option::of(value), 1..4)
        .prop_map(|values| values.iter().map(|value| record(2, value.as_deref())).collect())
}

fn log() -> impl Strategy<Value = Log> {
    vec(records(), 1..5).prop_map(Log::of)
}

proptest! {
    #[test]
    fn a_log_that_is_cut_is_torn_where_a_frame_begins(log in log(), cut: Index) {
        let cut = HEAD_BYTES + cut.index(log.bytes.len() + 1 - HEAD_BYTES);

        prop_assert_eq!(decode(&log.bytes[..cut]), Ok(log.until(cut)));
    }

    #[test]
    fn a_flipped_bit_is_named(log in log(), byte: Index, bit in 0..8_u32, room in 0..1_000_usize) {
        let byte = byte.index(log.bytes.len());
        let mut damaged = log.bytes.clone();
        damaged[byte] ^= 1 << bit;
        damaged.extend(vec![0; room]);

        let named = decode(&damaged).map_err(|corrupt| corrupt.offset);

        prop_assert_eq!(named, Err(log.frame_of(byte)));
    }

    #[test]
    fn a_write_of_which_sectors_are_missing_is_torn(
        log in log(),
        lost in vec(any::<Index>(), 1..4),
        room in 0..1_000_usize,
    ) {
        let sectors = log.sectors_of(log.frames.len() - 1);
        let lost: Vec<_> = lost.iter().map(|index| index.get(&sectors)).collect();
        let mut torn = zeroed(&log.bytes, lost.into_iter().flatten());
        torn.extend(vec![0; room]);

        prop_assert_eq!(decode(&torn), Ok(log.until(log.last())));
    }

    #[test]
    fn a_write_that_is_missing_from_some_byte_on_is_torn(log in log(), byte: Index) {
        let begin = log.last();
        // All of a checksum or nothing: half of one is taken for damage.
        let from = begin + byte.index((log.bytes.len() - begin) / 4) * 4;

        let torn = zeroed(&log.bytes, &(from..log.bytes.len()).collect::<Vec<_>>());

        prop_assert_eq!(decode(&torn), Ok(log.until(begin)));
    }

    #[test]
    fn a_sector_that_is_missing_of_any_other_write_is_named(
        log in log(),
        last in records(),
        frame: Index,
        sector: Index,
    ) {
        let frame = frame.index(log.frames.len());
        let log = Log::of([log.frames, vec![last]].concat());
        let sectors = log.sectors_of(frame);

        let damaged = zeroed(&log.bytes, sector.get(&sectors));

        let named = decode(&damaged).map_err(|corrupt| corrupt.offset);
        prop_assert_eq!(named, Err(log.ends[frame]));
    }

    #[test]
    fn no_payload_makes_it_panic(log in log(), payload in vec(any::<u8>(), 0..100)) {
        let mut bytes = log.bytes.clone();
        bytes.extend(frame::encode(Kind::Records, &payload, bytes.len(), seed(METADATA)));

        match decode(&bytes) {
            Ok(decoded) => prop_assert_eq!(decoded.sound_bytes, bytes.len()),
            Err(corrupt) => prop_assert_eq!(corrupt.offset, log.bytes.len()),
        }
    }
}

#[test]
fn frames_that_are_made_in_the_same_room_are_as_others() {
    let mut encoder = Encoder::default();
    let long = vec![7; 2 * ROOM_BYTES_MAX];

    for value in [&long[..], b"short", b"", &long] {
        let records = [record(2, Some(value))];
        assert_eq!(encoder.encode(&records, METADATA, 48), encode(&records, METADATA, 48));
    }
    encoder.encode(&[], METADATA, 48);
    assert!(encoder.payload.capacity() <= ROOM_BYTES_MAX, "the room for long ones is not kept");
}

#[test]
fn a_part_that_is_read_in_several_windows_is_the_same() {
    let frames = (2..40).map(|revision| vec![record(revision, Some(&vec![7; 300_000]))]).collect();
    let log = Log::of(frames);
    assert!(log.bytes.len() > 2 * WINDOW_BYTES);
    let records = |frames: usize| log.frames[..frames].concat();
    let room = [&log.bytes[..], &vec![0; WINDOW_BYTES + 1]].concat();

    let whole = decode(&room).unwrap();

    assert_eq!((whole.records, whole.sound_bytes), (records(38), log.bytes.len()));
    for frame in [13, 14, 15, 28, 37] {
        let (start, end) = (log.ends[frame], log.ends[frame + 1]);
        let torn = decode(&log.bytes[..end - 1]).unwrap();
        assert_eq!((torn.records, torn.sound_bytes), (records(frame), start));
        let mut damaged = room.clone();
        damaged[end - 1] ^= 1;
        assert_eq!(decode(&damaged).unwrap_err().offset, start, "frame {frame}");
    }
}
