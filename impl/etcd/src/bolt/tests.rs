//! What is written is read again, and whatever is read, nothing panics.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

fn database(buckets: &[(&'static str, &Pairs)]) -> Vec<u8> {
    let buckets = buckets.iter().map(|(name, pairs)| {
        let entries: Vec<_> =
            pairs.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Bucket { name, entries: Box::new(entries) }
    });
    let writer = Writer::new(buckets.collect());
    let length = writer.bytes();
    let bytes: Vec<u8> = writer.pages().flatten().collect();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Pairs>, Corrupt> {
    let owned = |entries: Vec<Entry<'_>>| {
        entries.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    };
    let buckets = Database::open(bytes)?.buckets()?.into_iter();
    let named = |(name, entries)| (String::from_utf8_lossy(name).into_owned(), owned(entries));
    Ok(buckets.map(named).collect())
}

fn numbered(count: u32, value: &[u8]) -> Pairs {
    (0..count).map(|number| (number.to_be_bytes().to_vec(), value.to_vec())).collect()
}

fn long(bytes: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), bytes)
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let key = prop_oneof![9 => long(0..40), 1 => long(0..10_000)];
    let value = prop_oneof![9 => long(0..200), 1 => long(0..20_000)];
    prop::collection::btree_map(key, value, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_written_is_read(one in pairs(), other in pairs()) {
        let found = read(&database(&[("one", &one), ("another", &other)])).unwrap();

        prop_assert_eq!(found.keys().collect::<Vec<_>>(), ["another", "one"]);
        prop_assert_eq!(&found["one"], &one);
        prop_assert_eq!(&found["another"], &other);
    }

    #[test]
    fn damage_does_not_panic(
        pairs in pairs(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = database(&[("one", &pairs)]);
        let length = bytes.len();
        flips.iter().for_each(|(at, flip)| bytes[at.index(length)] ^= flip);

        drop(read(&bytes));
        drop(read(&bytes[..cut.index(bytes.len())]));
    }
}

#[test]
fn thousands_of_keys_need_branches_above_branches() {
    let pairs = numbered(40_000, &[7; 80]);

    let bytes = database(&[("key", &pairs), ("empty", &Pairs::new())]);

    let found = read(&bytes).unwrap();
    assert_eq!((found["key"].len(), found["empty"].len()), (40_000, 0));
    assert_eq!(found["key"], pairs);
    let pages = bytes.chunks(4096).filter(|page| page[8] == BRANCH as u8).count();
    assert!(pages > 2, "{pages} branches");
}

#[test]
fn no_branch_has_less_than_two_pages_below() {
    for count in 1..70_u8 {
        let keys = (0..count).map(|number| (vec![number; 1200], vec![number; 1200]));
        let bytes = database(&[("key", &keys.collect())]);

        for page in bytes.chunks(4096).filter(|page| page[8..10] == BRANCH.to_le_bytes()) {
            let below = u16::from_le_bytes([page[10], page[11]]);
            assert!(below >= 2, "{below} of {count}");
        }
    }
}

#[test]
fn a_database_that_is_cut_anywhere_is_refused() {
    let bytes = database(&[("key", &numbered(300, &[7; 30]))]);

    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_circle_of_pages_ends() {
    let mut bytes = database(&[("key", &numbered(300, &[7; 30]))]);
    let is_branch = |page: &[u8]| page[8..10] == BRANCH.to_le_bytes();
    let branch = bytes.chunks(4096).position(is_branch).unwrap();
    // The page below its first element is itself.
    let child = branch * 4096 + HEADER_BYTES + 8;
    bytes[child..child + 8].copy_from_slice(&(branch as u64).to_le_bytes());

    assert_eq!(read(&bytes), Err(Corrupt("a page is used twice")));
}

#[test]
fn one_meta_page_is_enough_and_the_later_counts() {
    let sound = database(&[("key", &numbered(3, b"value"))]);
    let mut damaged = sound.clone();
    damaged[20] ^= 1;

    assert_eq!(read(&damaged), read(&sound));
    damaged[4096 + 20] ^= 1;
    assert_eq!(read(&damaged), Err(Corrupt("it has no meta page of bbolt's")));
}
