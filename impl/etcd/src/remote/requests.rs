//! Transactions of the store, as etcd is asked for them.

use etcd_client::{
    Compare as WireCompare, CompareOp, DeleteOptions, GetOptions, PutOptions, SortOrder,
    SortTarget, Txn, TxnOp,
};
use store::{
    Compare, Condition, Direction, Operation, Put, Query, Range, Relation, Revision, SortKey,
    Transaction,
};

/// A transaction.
pub fn transaction(transaction: &Transaction) -> Txn {
    let operations =
        |operations: &[Operation]| operations.iter().map(operation).collect::<Vec<_>>();
    Txn::new()
        .when(transaction.compares.iter().map(compare).collect::<Vec<_>>())
        .and_then(operations(&transaction.success))
        .or_else(operations(&transaction.failure))
}

fn operation(operation: &Operation) -> TxnOp {
    match operation {
        Operation::Put(put) => {
            TxnOp::put(&*put.key, put.value.as_deref().unwrap_or_default(), Some(put_options(put)))
        }
        Operation::Delete(range) => {
            let (key, end) = bounds(range);
            TxnOp::delete(key, Some(DeleteOptions::new().with_prev_key().with_range(end)))
        }
        Operation::Read(query) => TxnOp::get(bounds(&query.range).0, Some(get_options(query))),
        Operation::Transaction(within) => TxnOp::txn(transaction(within)),
    }
}

/// What is asked of a put beside its key and value.
pub fn put_options(put: &Put) -> PutOptions {
    let options = PutOptions::new();
    let options = match put.lease {
        Some(lease) => options.with_lease(lease.0),
        None => options.with_ignore_lease(),
    };
    if put.value.is_none() { options.with_ignore_value() } else { options }
}

/// What is asked of a read, its range included.
pub fn get_options(query: &Query) -> GetOptions {
    let mut options = GetOptions::new()
        .with_range(bounds(&query.range).1)
        .with_limit(i64::try_from(query.limit).unwrap_or(i64::MAX));
    if let Some(revision) = query.revision {
        options = options.with_revision(number(revision));
    }
    if let Some((key, direction)) = query.sort {
        options = options.with_sort(target(key), order(direction));
    }
    if query.keys_only {
        options = options.with_keys_only();
    }
    if query.count_only {
        options = options.with_count_only();
    }
    let (min, max) = query.mod_revisions;
    options = options.with_min_mod_revision(min.map_or(0, number));
    options = options.with_max_mod_revision(max.map_or(0, number));
    let (min, max) = query.create_revisions;
    options = options.with_min_create_revision(min.map_or(0, number));
    options.with_max_create_revision(max.map_or(0, number))
}

fn target(key: SortKey) -> SortTarget {
    match key {
        SortKey::Key => SortTarget::Key,
        SortKey::Version => SortTarget::Version,
        SortKey::CreateRevision => SortTarget::Create,
        SortKey::ModRevision => SortTarget::Mod,
        SortKey::Value => SortTarget::Value,
    }
}

fn order(direction: Direction) -> SortOrder {
    match direction {
        Direction::Ascending => SortOrder::Ascend,
        Direction::Descending => SortOrder::Descend,
        Direction::Unsaid => SortOrder::None,
    }
}

fn compare(Compare { range, condition, relation }: &Compare) -> WireCompare {
    let (key, end) = bounds(range);
    let relation = match relation {
        Relation::Equal => CompareOp::Equal,
        Relation::Greater => CompareOp::Greater,
        Relation::Less => CompareOp::Less,
        Relation::NotEqual => CompareOp::NotEqual,
    };
    let compare = match condition {
        Condition::Version(version) => WireCompare::version(key, relation, version.cast_signed()),
        Condition::CreateRevision(at) => WireCompare::create_revision(key, relation, number(*at)),
        Condition::ModRevision(at) => WireCompare::mod_revision(key, relation, number(*at)),
        Condition::Value(value) => WireCompare::value(key, relation, &**value),
        Condition::Lease(lease) => WireCompare::lease(key, relation, lease.0),
    };
    compare.with_range(end)
}

/// `key` and `range_end`. Source: `RangeRequest` in etcd's `rpc.proto`.
pub fn bounds(range: &Range) -> (Vec<u8>, Vec<u8>) {
    match range {
        Range::Key(key) => (key.to_vec(), vec![]),
        Range::Between(start, end) => (start.to_vec(), end.to_vec()),
        Range::From(start) => (start.to_vec(), vec![0]),
    }
}

fn number(revision: Revision) -> i64 {
    revision.0.cast_signed()
}
