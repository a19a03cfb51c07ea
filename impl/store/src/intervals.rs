//! Which keys a transaction may write, to find out whether it writes one twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Bytes, Operation, Range, Refusal, Transaction};

/// Keys that are set, and ranges that are removed.
#[derive(Default)]
struct Written {
    puts: BTreeSet<Bytes>,
    deletes: Spans,
}

/// Refuses operations of which two set one key, or one sets what another removes. A removal of all keys
/// from one on counts for nothing here: its `range_end`, a zero byte, is no end that lies behind its key.
/// Source: etcd's `server/etcdserver/api/v3rpc/key.go`, `checkIntervals`; seen on etcd 3.4.23.
pub(crate) fn check(operations: &[Operation]) -> Result<(), Refusal> {
    written(operations).map(|_| ())
}

fn written(operations: &[Operation]) -> Result<Written, Refusal> {
    let mut all = Written::default();
    for operation in operations {
        if let Operation::Delete(range) = operation {
            all.deletes.add(range);
        }
    }
    for operation in operations {
        if let Operation::Transaction(Transaction { success, failure, .. }) = operation {
            let (success, failure) = (written(success)?, written(failure)?);
            for put in success.puts.union(&failure.puts) {
                all.put(put.clone())?;
            }
            all.deletes.add_all(success.deletes);
            all.deletes.add_all(failure.deletes);
        }
    }
    for operation in operations {
        if let Operation::Put(put) = operation {
            all.put(put.key.clone())?;
        }
    }
    Ok(all)
}

impl Written {
    fn put(&mut self, key: Bytes) -> Result<(), Refusal> {
        match !self.deletes.has(&key) && self.puts.insert(key) {
            true => Ok(()),
            false => Err(Refusal::DuplicateKey),
        }
    }
}

/// Spans of keys that do not touch: where each begins, and before which key it ends.
#[derive(Default)]
struct Spans(BTreeMap<Bytes, Bytes>);

impl Spans {
    fn add(&mut self, range: &Range) {
        match range {
            Range::Key(key) => self.unite(key.clone(), [key, &[0][..]].concat().into()),
            Range::Between(start, end) if start < end => self.unite(start.clone(), end.clone()),
            // Those that are upside down hold nothing; those without an end count for nothing.
            Range::Between(..) | Range::From(_) => {}
        }
    }

    fn add_all(&mut self, others: Self) {
        others.0.into_iter().for_each(|(start, end)| self.unite(start, end));
    }

    fn unite(&mut self, mut start: Bytes, mut end: Bytes) {
        while let Some((first, last)) = self.0.range(..=end.clone()).next_back()
            && *last >= start
        {
            let first = first.clone();
            let last = self.0.remove(&first).expect("it was found");
            (start, end) = (start.min(first), end.max(last));
        }
        self.0.insert(start, end);
    }

    fn has(&self, key: &Bytes) -> bool {
        self.0.range(..=key.clone()).next_back().is_some_and(|(_, end)| key < end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(0_u8..3, 1..3).prop_map(|key| Bytes::from(&key[..]))
    }

    fn range() -> impl Strategy<Value = Range> {
        prop_oneof![
            key().prop_map(Range::Key),
            (key(), key()).prop_map(|(start, end)| Range::Between(start, end)),
        ]
    }

    proptest! {
        #[test]
        fn spans_hold_what_some_range_holds(
            ranges in proptest::collection::vec(range(), 0..6),
            key in key(),
        ) {
            let mut spans = Spans::default();
            ranges.iter().for_each(|range| spans.add(range));

            prop_assert_eq!(spans.has(&key), ranges.iter().any(|range| range.contains(&key)));
            let ends: Vec<_> = spans.0.iter().collect();
            prop_assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", ends);
        }
    }
}
