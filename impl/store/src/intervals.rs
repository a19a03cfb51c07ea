//! Which keys a transaction may write, to find out whether it writes one twice.

use std::collections::BTreeSet;

use crate::{Bytes, Operation, Range, Refusal, Transaction};

/// Keys that are set, and ranges that are removed.
#[derive(Default)]
struct Written {
    puts: BTreeSet<Bytes>,
    deletes: Vec<Range>,
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
            all.deletes.push(range.clone());
        }
    }
    for operation in operations {
        if let Operation::Transaction(Transaction { success, failure, .. }) = operation {
            let (success, failure) = (written(success)?, written(failure)?);
            for put in success.puts.union(&failure.puts) {
                all.put(put.clone())?;
            }
            all.deletes.extend(success.deletes);
            all.deletes.extend(failure.deletes);
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
        let removes = |range: &Range| !matches!(range, Range::From(_)) && range.contains(&key);
        let is_removed = self.deletes.iter().any(removes);
        match !is_removed && self.puts.insert(key) {
            true => Ok(()),
            false => Err(Refusal::DuplicateKey),
        }
    }
}
