//! What the store has found and done, as clients are told.

use std::sync::Arc;

use etcd_client::proto::{
    PbDeleteResponse, PbEvent, PbKeyValue, PbPutResponse, PbRangeResponse, PbResponseHeader,
    PbResponseOp, PbTxnOpRequest, PbTxnOpResponse, PbTxnRequest, PbTxnRequestOp, PbTxnResponse,
};
use store::{Event, EventKind, Found, KeyValue, Outcome, Revision};

/// A key.
pub(crate) fn key_value(found: &KeyValue) -> PbKeyValue {
    PbKeyValue {
        key: found.key.to_vec(),
        create_revision: found.create_revision.0.cast_signed(),
        mod_revision: found.mod_revision.0.cast_signed(),
        version: found.version.cast_signed(),
        value: found.value.to_vec(),
        lease: found.lease.0,
    }
}

/// An event, with the key as it was if that is asked for.
pub(super) fn event(event: &Event, with_previous: bool) -> PbEvent {
    let previous = event.before.as_ref().filter(|_| with_previous);
    PbEvent {
        r#type: match event.kind {
            EventKind::Put => 0,
            EventKind::Delete => 1,
        },
        kv: Some(key_value(&event.now)),
        prev_kv: previous.map(|before| key_value(before)),
    }
}

/// What a read has found.
pub(super) fn range(found: &Found, header: Option<PbResponseHeader>) -> PbRangeResponse {
    PbRangeResponse {
        header,
        kvs: found.keys.iter().map(|found| key_value(found)).collect(),
        more: found.more,
        count: count(found.count),
    }
}

/// What became of a value that was set.
pub(super) fn put(
    before: Option<&Arc<KeyValue>>,
    with_previous: bool,
    header: Option<PbResponseHeader>,
) -> PbPutResponse {
    let before = before.filter(|_| with_previous);
    PbPutResponse { header, prev_kv: before.map(|before| key_value(before)) }
}

/// What became of keys that were removed.
pub(super) fn deleted(
    removed: &[Arc<KeyValue>],
    with_previous: bool,
    header: Option<PbResponseHeader>,
) -> PbDeleteResponse {
    let previous = if with_previous { removed } else { &[] };
    PbDeleteResponse {
        header,
        deleted: count(removed.len()),
        prev_kvs: previous.iter().map(|before| key_value(before)).collect(),
    }
}

/// What became of a transaction.
pub(super) fn transaction(
    request: &PbTxnRequest,
    (succeeded, outcomes): (bool, &[Outcome]),
    header: Option<PbResponseHeader>,
    revision: Revision,
) -> PbTxnResponse {
    let operations = if succeeded { &request.success } else { &request.failure };
    let responses = operations.iter().zip(outcomes);
    let responses = responses.map(|(request, outcome)| operation(request, outcome, revision));
    PbTxnResponse { header, succeeded, responses: responses.collect() }
}

/// What became of one operation of a transaction. Its header has the revision only, as upstream's has.
fn operation(request: &PbTxnRequestOp, outcome: &Outcome, revision: Revision) -> PbResponseOp {
    let header = Some(PbResponseHeader {
        revision: revision.0.cast_signed(),
        ..PbResponseHeader::default()
    });
    let with_previous = asks_for_previous(request);
    let response = match outcome {
        Outcome::Put(before) => {
            PbTxnOpResponse::ResponsePut(put(before.as_ref(), with_previous, header))
        }
        Outcome::Deleted(removed) => {
            PbTxnOpResponse::ResponseDeleteRange(deleted(removed, with_previous, header))
        }
        Outcome::Read(found) => PbTxnOpResponse::ResponseRange(range(found, header)),
        Outcome::Transaction(succeeded, outcomes) => {
            let none = PbTxnRequest::default();
            let within = within(request).unwrap_or(&none);
            let taken = (*succeeded, &outcomes[..]);
            PbTxnOpResponse::ResponseTxn(transaction(within, taken, header, revision))
        }
    };
    PbResponseOp { response: Some(response) }
}

fn asks_for_previous(request: &PbTxnRequestOp) -> bool {
    match &request.request {
        Some(PbTxnOpRequest::RequestPut(put)) => put.prev_kv,
        Some(PbTxnOpRequest::RequestDeleteRange(delete)) => delete.prev_kv,
        Some(PbTxnOpRequest::RequestRange(_) | PbTxnOpRequest::RequestTxn(_)) | None => false,
    }
}

fn within(request: &PbTxnRequestOp) -> Option<&PbTxnRequest> {
    match &request.request {
        Some(PbTxnOpRequest::RequestTxn(within)) => Some(within),
        Some(
            PbTxnOpRequest::RequestRange(_)
            | PbTxnOpRequest::RequestPut(_)
            | PbTxnOpRequest::RequestDeleteRange(_),
        )
        | None => None,
    }
}

/// A number of things that are in memory.
fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
