//! The Maintenance service: how the store is, hashes of it, and a copy of all.

use etcd_client::proto::{
    PbAlarmRequest, PbAlarmResponse, PbDefragmentRequest, PbDefragmentResponse, PbDowngradeRequest,
    PbDowngradeResponse, PbHashKvRequest, PbHashKvResponse, PbHashRequest, PbHashResponse,
    PbMaintenanceService, PbMoveLeaderRequest, PbMoveLeaderResponse, PbSnapshotRequest,
    PbSnapshotResponse, PbStatusRequest, PbStatusResponse,
};
use store::{Refusal, Store};
use tonic::{Request, Response, Status};

use super::errors::{refused, status, stopped};
use super::{Member, RAFT_TERM, VERSION, requests};
use crate::backup::{self, Backup};

/// Upstream's answer where nothing was compacted yet.
const NEVER_COMPACTED: i64 = -1;

type Parts = Box<dyn Iterator<Item = Result<PbSnapshotResponse, Status>> + Send>;

#[tonic::async_trait]
impl PbMaintenanceService for Member {
    type SnapshotStream = tokio_stream::Iter<Parts>;

    /// No alarm is ever raised.
    async fn alarm(
        &self,
        request: Request<PbAlarmRequest>,
    ) -> Result<Response<PbAlarmResponse>, Status> {
        const ACTIVATE: i32 = 1;
        match request.get_ref().action {
            ACTIVATE => Err(Status::unimplemented("alarms cannot be raised")),
            _ => Ok(Response::new(PbAlarmResponse {
                header: self.header_now(),
                ..Default::default()
            })),
        }
    }

    async fn status(
        &self,
        _: Request<PbStatusRequest>,
    ) -> Result<Response<PbStatusResponse>, Status> {
        let store = self.etcd.snapshot();
        let bytes = held_bytes(&store);
        Ok(Response::new(PbStatusResponse {
            header: self.header(store.revision()),
            version: VERSION.to_owned(),
            db_size: bytes,
            db_size_in_use: bytes,
            leader: self.etcd.identity().member,
            raft_index: store.revision().0,
            raft_applied_index: store.revision().0,
            raft_term: RAFT_TERM,
            ..PbStatusResponse::default()
        }))
    }

    async fn defragment(
        &self,
        _: Request<PbDefragmentRequest>,
    ) -> Result<Response<PbDefragmentResponse>, Status> {
        self.etcd.defragment().await.map_err(status)?;
        Ok(Response::new(PbDefragmentResponse { header: self.header_now() }))
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> Result<Response<PbHashResponse>, Status> {
        let store = self.etcd.snapshot();
        let header = self.header(store.revision());
        let identity = self.etcd.identity();
        let hash = aside(move || backup::hash(&store, identity)).await?;
        Ok(Response::new(PbHashResponse { header, hash }))
    }

    async fn hash_kv(
        &self,
        request: Request<PbHashKvRequest>,
    ) -> Result<Response<PbHashKvResponse>, Status> {
        let store = self.etcd.snapshot();
        let revision = requests::revision(request.get_ref().revision).unwrap_or(store.revision());
        if revision > store.revision() {
            return Err(refused(Refusal::FutureRevision));
        }
        let header = self.header(store.revision());
        let compacted = store.compacted().0.cast_signed();
        let hash = aside(move || backup::hash_kv(&store, revision)).await?;
        Ok(Response::new(PbHashKvResponse {
            header,
            hash: hash.map_err(|_| refused(Refusal::Compacted))?,
            compact_revision: if compacted == 0 { NEVER_COMPACTED } else { compacted },
            hash_revision: revision.0.cast_signed(),
        }))
    }

    /// All that the store holds, as a database of etcd's, and the hash of it.
    async fn snapshot(
        &self,
        _: Request<PbSnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let (store, identity) = (self.etcd.snapshot(), self.etcd.identity());
        let header = self.header(store.revision());
        let backup = aside(move || Backup::of(&store, identity)).await?;
        let left = backup.bytes();
        let parts = backup.blobs().scan(left, move |left, blob| {
            *left = left.saturating_sub(blob.len() as u64);
            let version = VERSION.to_owned();
            Some(Ok(PbSnapshotResponse { header, remaining_bytes: *left, blob, version }))
        });
        Ok(Response::new(tokio_stream::iter(Box::new(parts) as Parts)))
    }

    async fn move_leader(
        &self,
        _: Request<PbMoveLeaderRequest>,
    ) -> Result<Response<PbMoveLeaderResponse>, Status> {
        Err(Status::failed_precondition("etcdserver: bad leader transferee"))
    }

    async fn downgrade(
        &self,
        _: Request<PbDowngradeRequest>,
    ) -> Result<Response<PbDowngradeResponse>, Status> {
        Err(Status::invalid_argument("etcdserver: invalid downgrade target version"))
    }
}

/// Does what takes long where it keeps no other request waiting.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|_| stopped())
}

/// About what a snapshot without history takes.
fn held_bytes(store: &Store) -> i64 {
    let bytes: usize = store.iter().map(|found| found.key.len() + found.value.len()).sum();
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
