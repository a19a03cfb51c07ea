//! Compaction of an etcd that several API servers share: one of them does it in each period.
//!
//! The key and the turns are upstream's, so that its API servers and ours can share an etcd.
//! Source: apiserver/pkg/storage/etcd3/compact.go, v1.36.

use etcd_client::{Compare, CompareOp, Txn, TxnOp, TxnOpResponse, TxnResponse};
use store::Revision;

use crate::CommitError;
use crate::remote::answers;
use crate::remote::members::Members;

/// Holds the revision of the last compaction; its version counts the turns.
const KEY: &str = "compact_rev_key";

/// What an API server knows of the turns.
#[derive(Debug, Default)]
pub(super) struct Compactor {
    /// How many there have been.
    turns: i64,
    /// Where etcd was when the last one ended.
    before: Option<Revision>,
}

impl Compactor {
    /// Takes the next turn if nobody else has: etcd forgets what was before the end of the last. What may
    /// be forgotten here too, which does not depend on whose turn it was.
    pub(super) async fn turn(
        &mut self,
        members: &Members,
    ) -> Result<Option<Revision>, CommitError> {
        let before = self.before;
        let value = before.unwrap_or_default().to_string();
        let unseen = Compare::version(KEY, CompareOp::Equal, self.turns);
        let txn = Txn::new()
            .when([unseen])
            .and_then([TxnOp::put(KEY, value, None)])
            .or_else([TxnOp::get(KEY, None)]);
        let answer = members.transact(txn).await?;
        self.before = Some(answers::revision(answer.header()));
        if !answer.succeeded() {
            self.turns = turns(&answer);
            return Ok(before);
        }
        self.turns += 1;
        if let Some(revision) = before {
            members.compact(revision).await?;
        }
        Ok(before)
    }
}

/// How many turns there have been, says the answer to one that came too late.
fn turns(answer: &TxnResponse) -> i64 {
    let found = answer.op_responses().into_iter().find_map(|response| match response {
        TxnOpResponse::Get(found) => found.kvs().first().map(etcd_client::KeyValue::version),
        TxnOpResponse::Put(_) | TxnOpResponse::Delete(_) | TxnOpResponse::Txn(_) => None,
    });
    found.unwrap_or(0)
}
