//! The KV service: reads, writes, transactions, compaction.

use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse, PbKvService,
    PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse, PbRangeStreamResponse,
    PbTxnRequest, PbTxnResponse,
};
use store::{Committed, KeyValue, Operation, Outcome, Revision, Transaction};
use tonic::{Request, Response, Status};

use super::errors::{refused, status, within_size};
use super::maintenance::aside;
use super::{Member, requests, responses};

/// How many keys a part of a streamed answer has.
const CHUNK_KEYS: usize = 256;

type Chunks = std::vec::IntoIter<Result<PbRangeStreamResponse, Status>>;

#[tonic::async_trait]
impl PbKvService for Member {
    type RangeStreamStream = tokio_stream::Iter<Chunks>;

    async fn range(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<PbRangeResponse>, Status> {
        Ok(Response::new(self.read(request.get_ref()).await?))
    }

    async fn range_stream(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        let answer = self.read(request.get_ref()).await?;
        Ok(Response::new(tokio_stream::iter(chunks(answer))))
    }

    async fn put(&self, request: Request<PbPutRequest>) -> Result<Response<PbPutResponse>, Status> {
        let request = request.get_ref();
        within_size(request)?;
        let put = requests::put(request).map_err(refused)?;
        let committed = self.commit(Transaction::of(vec![Operation::Put(put)])).await?;
        let header = self.header(committed.revision);
        let before = before(committed);
        Ok(Response::new(responses::put(before.first(), request.prev_kv, header)))
    }

    async fn delete_range(
        &self,
        request: Request<PbDeleteRequest>,
    ) -> Result<Response<PbDeleteResponse>, Status> {
        let request = request.get_ref();
        within_size(request)?;
        let delete = Operation::Delete(requests::delete(request));
        let committed = self.commit(Transaction::of(vec![delete])).await?;
        let header = self.header(committed.revision);
        Ok(Response::new(responses::deleted(&before(committed), request.prev_kv, header)))
    }

    async fn txn(&self, request: Request<PbTxnRequest>) -> Result<Response<PbTxnResponse>, Status> {
        let request = request.get_ref();
        within_size(request)?;
        let transaction = requests::transaction(request).map_err(refused)?;
        let committed = self.commit(transaction).await?;
        let revision = committed.revision;
        let taken = (committed.succeeded, &committed.outcomes[..]);
        let answer = responses::transaction(request, taken, self.header(revision), revision);
        Ok(Response::new(answer))
    }

    /// Forgets at once and for good, whether or not `physical` asks to wait for it.
    async fn compact(
        &self,
        request: Request<PbCompactionRequest>,
    ) -> Result<Response<PbCompactionResponse>, Status> {
        let revision = requests::revision(request.get_ref().revision).unwrap_or(Revision(0));
        let record = self.etcd.compact(revision).await.map_err(status)?;
        Ok(Response::new(PbCompactionResponse { header: self.header(record.revision) }))
    }
}

impl Member {
    /// Reads; what was long ago, beside the threads that serve everybody: all that came later is looked through.
    async fn read(&self, request: &PbRangeRequest) -> Result<PbRangeResponse, Status> {
        let query = requests::query(request).map_err(refused)?;
        let store = self.etcd.snapshot();
        let header = self.header(store.revision());
        let found = match query.revision {
            Some(revision) if revision < store.revision() => {
                aside(move || store.read(&query)).await?
            }
            Some(_) | None => store.read(&query),
        };
        Ok(responses::range(&found.map_err(refused)?, header))
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, Status> {
        self.etcd.commit(transaction).await.map_err(status)
    }
}

/// The keys that were written, as they were before.
fn before(committed: Committed) -> Vec<std::sync::Arc<KeyValue>> {
    let before = |outcome| match outcome {
        Outcome::Put(before) => before.into_iter().collect(),
        Outcome::Deleted(removed) => removed,
        Outcome::Read(_) | Outcome::Transaction(..) => vec![],
    };
    committed.outcomes.into_iter().flat_map(before).collect()
}

/// An answer in parts. Only the last has more than keys.
fn chunks(mut answer: PbRangeResponse) -> Vec<Result<PbRangeStreamResponse, Status>> {
    let mut parts = vec![];
    while answer.kvs.len() > CHUNK_KEYS {
        let rest = answer.kvs.split_off(CHUNK_KEYS);
        let kvs = std::mem::replace(&mut answer.kvs, rest);
        parts.push(PbRangeResponse { kvs, ..PbRangeResponse::default() });
    }
    parts.push(answer);
    let part = |part| Ok(PbRangeStreamResponse { range_response: Some(part) });
    parts.into_iter().map(part).collect()
}
