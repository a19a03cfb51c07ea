//! What clients ask for, in the store's words.

use etcd_client::proto::{
    PbCompare, PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTargetUnion, PbTxnOpRequest,
    PbTxnRequest, PbTxnRequestOp,
};
use store::{
    Compare, Condition, Direction, LeaseId, Operation, Put, Query, Range, Refusal, Relation,
    Revision, SortKey, Transaction,
};

/// Keys. Source: `RangeRequest.range_end` in etcd's `rpc.proto`.
pub(super) fn range(key: &[u8], range_end: &[u8]) -> Range {
    match range_end {
        [] => Range::Key(key.into()),
        [0] => Range::From(key.into()),
        end => Range::Between(key.into(), end.into()),
    }
}

/// A revision; zero, and what is below, is none.
pub(super) fn revision(number: i64) -> Option<Revision> {
    (number > 0).then(|| Revision(number.unsigned_abs()))
}

/// A read.
pub(super) fn query(request: &PbRangeRequest) -> Result<Query, Refusal> {
    if request.key.is_empty() {
        return Err(Refusal::EmptyKey);
    }
    Ok(Query {
        range: range(&request.key, &request.range_end),
        limit: usize::try_from(request.limit).unwrap_or(0),
        revision: revision(request.revision),
        sort: sort(request)?,
        keys_only: request.keys_only,
        count_only: request.count_only,
        mod_revisions: (revision(request.min_mod_revision), revision(request.max_mod_revision)),
        create_revisions: (
            revision(request.min_create_revision),
            revision(request.max_create_revision),
        ),
    })
}

/// By what to sort; ascending where a target is given without an order.
fn sort(request: &PbRangeRequest) -> Result<Option<(SortKey, Direction)>, Refusal> {
    let key = match request.sort_target {
        0 => SortKey::Key,
        1 => SortKey::Version,
        2 => SortKey::CreateRevision,
        3 => SortKey::ModRevision,
        4 => SortKey::Value,
        _ => return Err(Refusal::InvalidSort),
    };
    match request.sort_order {
        // The order that keys have anyway.
        0 | 1 if key == SortKey::Key => Ok(None),
        0 => Ok(Some((key, Direction::Unsaid))),
        1 => Ok(Some((key, Direction::Ascending))),
        2 => Ok(Some((key, Direction::Descending))),
        _ => Err(Refusal::InvalidSort),
    }
}

/// A value to set.
pub(super) fn put(request: &PbPutRequest) -> Result<Put, Refusal> {
    if request.key.is_empty() {
        return Err(Refusal::EmptyKey);
    }
    if request.ignore_value && !request.value.is_empty() {
        return Err(Refusal::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Refusal::LeaseProvided);
    }
    Ok(Put {
        key: request.key[..].into(),
        value: (!request.ignore_value).then(|| request.value[..].into()),
        lease: (!request.ignore_lease).then_some(LeaseId(request.lease)),
    })
}

/// Keys to remove.
pub(super) fn delete(request: &PbDeleteRequest) -> Range {
    range(&request.key, &request.range_end)
}

/// A transaction.
pub(super) fn transaction(request: &PbTxnRequest) -> Result<Transaction, Refusal> {
    let operations = |operations: &[PbTxnRequestOp]| -> Result<Vec<_>, Refusal> {
        operations.iter().map(operation).collect()
    };
    Ok(Transaction {
        compares: request.compare.iter().map(compare).collect(),
        success: operations(&request.success)?,
        failure: operations(&request.failure)?,
    })
}

fn operation(operation: &PbTxnRequestOp) -> Result<Operation, Refusal> {
    match &operation.request {
        Some(PbTxnOpRequest::RequestRange(request)) => query(request).map(Operation::Read),
        Some(PbTxnOpRequest::RequestPut(request)) => put(request).map(Operation::Put),
        Some(PbTxnOpRequest::RequestDeleteRange(request)) => Ok(Operation::Delete(delete(request))),
        Some(PbTxnOpRequest::RequestTxn(request)) => {
            transaction(request).map(Operation::Transaction)
        }
        // Upstream's answer to an empty operation; its `checkRequestOp`.
        None => Err(Refusal::KeyNotFound),
    }
}

fn compare(request: &PbCompare) -> Compare {
    let relation = match request.result {
        1 => Relation::Greater,
        2 => Relation::Less,
        3 => Relation::NotEqual,
        _ => Relation::Equal,
    };
    let (condition, relation) = condition(request, relation);
    Compare { range: range(&request.key, &request.range_end), condition, relation }
}

/// What is compared. A target without a value is compared with zero, as upstream does.
fn condition(request: &PbCompare, relation: Relation) -> (Condition, Relation) {
    let (number, value) = match &request.target_union {
        Some(
            PbTargetUnion::Version(number)
            | PbTargetUnion::CreateRevision(number)
            | PbTargetUnion::ModRevision(number)
            | PbTargetUnion::Lease(number),
        ) => (*number, &[][..]),
        Some(PbTargetUnion::Value(value)) => (0, &value[..]),
        None => (0, &[][..]),
    };
    let of_counter = |condition: fn(u64) -> Condition| {
        let (number, relation) = counter(number, relation);
        (condition(number), relation)
    };
    match request.target {
        1 => of_counter(|number| Condition::CreateRevision(Revision(number))),
        2 => of_counter(|number| Condition::ModRevision(Revision(number))),
        3 => (Condition::Value(value.into()), relation),
        4 => (Condition::Lease(LeaseId(number)), relation),
        _ => of_counter(Condition::Version),
    }
}

/// A counter and how it relates. All counters are greater than a number below zero, and none is the
/// greatest there is.
fn counter(number: i64, relation: Relation) -> (u64, Relation) {
    match (u64::try_from(number), relation) {
        (Ok(number), relation) => (number, relation),
        (Err(_), Relation::Greater | Relation::NotEqual) => (u64::MAX, Relation::NotEqual),
        (Err(_), Relation::Less | Relation::Equal) => (u64::MAX, Relation::Equal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_ends_with_zero_has_no_end() {
        assert_eq!(range(b"a", b""), Range::Key(b"a"[..].into()));
        assert_eq!(range(b"a", b"\0"), Range::From(b"a"[..].into()));
        assert_eq!(range(b"b", b"a"), Range::Between(b"b"[..].into(), b"a"[..].into()));
    }

    #[test]
    fn every_counter_is_greater_than_a_number_below_zero() {
        assert_eq!(counter(-1, Relation::Greater), (u64::MAX, Relation::NotEqual));
        assert_eq!(counter(-1, Relation::Equal), (u64::MAX, Relation::Equal));
        assert_eq!(counter(1, Relation::Less), (1, Relation::Less));
    }

    #[test]
    fn a_sort_target_without_an_order_ascends() {
        let sorted = |sort_order, sort_target| {
            sort(&PbRangeRequest { sort_order, sort_target, ..PbRangeRequest::default() })
        };

        assert_eq!(sorted(0, 3), Ok(Some((SortKey::ModRevision, Direction::Unsaid))));
        assert_eq!(sorted(1, 3), Ok(Some((SortKey::ModRevision, Direction::Ascending))));
        assert_eq!(sorted(0, 0), Ok(None));
        assert_eq!(sorted(2, 0), Ok(Some((SortKey::Key, Direction::Descending))));
        assert_eq!(sorted(3, 0), Err(Refusal::InvalidSort));
        assert_eq!(sorted(0, 5), Err(Refusal::InvalidSort));
    }
}
