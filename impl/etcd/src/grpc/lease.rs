//! The Lease service.

use std::pin::Pin;

use etcd_client::proto::{
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse,
    PbLeaseLeasesRequest, PbLeaseLeasesResponse, PbLeaseRevokeRequest, PbLeaseRevokeResponse,
    PbLeaseService, PbLeaseStatus, PbLeaseTimeToLiveRequest, PbLeaseTimeToLiveResponse,
};
use futures_util::{Stream, StreamExt};
use store::LeaseId;
use tonic::{Request, Response, Status, Streaming};

use super::errors::status;
use super::{Member, until_stopped};

/// The time of a lease that there is not.
const NO_TTL: i64 = -1;

#[tonic::async_trait]
impl PbLeaseService for Member {
    type LeaseKeepAliveStream =
        Pin<Box<dyn Stream<Item = Result<PbLeaseKeepAliveResponse, Status>> + Send>>;

    async fn lease_grant(
        &self,
        request: Request<PbLeaseGrantRequest>,
    ) -> Result<Response<PbLeaseGrantResponse>, Status> {
        let PbLeaseGrantRequest { ttl, id } = request.into_inner();
        let (id, ttl, record) = self.leases.grant(LeaseId(id), ttl).await.map_err(status)?;
        let header = self.header(record.revision);
        Ok(Response::new(PbLeaseGrantResponse { header, id: id.0, ttl, error: String::new() }))
    }

    async fn lease_revoke(
        &self,
        request: Request<PbLeaseRevokeRequest>,
    ) -> Result<Response<PbLeaseRevokeResponse>, Status> {
        let record = self.leases.revoke(LeaseId(request.get_ref().id)).await.map_err(status)?;
        Ok(Response::new(PbLeaseRevokeResponse { header: self.header(record.revision) }))
    }

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<PbLeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let (member, mut stopped) = (self.clone(), self.stopped.clone());
        let answers = request.into_inner().then(move |request| {
            let member = member.clone();
            async move { member.keep_alive(LeaseId(request?.id)).await }
        });
        let answers = answers.take_until(async move { until_stopped(&mut stopped).await });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<PbLeaseTimeToLiveRequest>,
    ) -> Result<Response<PbLeaseTimeToLiveResponse>, Status> {
        let PbLeaseTimeToLiveRequest { id, keys } = request.into_inner();
        let mut answer = PbLeaseTimeToLiveResponse {
            header: self.header_now(),
            id,
            ttl: NO_TTL,
            ..PbLeaseTimeToLiveResponse::default()
        };
        if let Some(found) = self.leases.status(LeaseId(id)) {
            answer.ttl = found.left_seconds;
            answer.granted_ttl = found.lease.ttl_seconds;
            if keys {
                answer.keys = found.lease.keys.iter().map(|key| key.to_vec()).collect();
            }
        }
        Ok(Response::new(answer))
    }

    async fn lease_leases(
        &self,
        _: Request<PbLeaseLeasesRequest>,
    ) -> Result<Response<PbLeaseLeasesResponse>, Status> {
        let leases = self.leases.list().into_iter().map(|id| PbLeaseStatus { id: id.0 });
        let header = self.header_now();
        Ok(Response::new(PbLeaseLeasesResponse { header, leases: leases.collect() }))
    }
}

impl Member {
    /// A lease that there is not has no time left: that is an answer, and the stream goes on.
    async fn keep_alive(&self, lease: LeaseId) -> Result<PbLeaseKeepAliveResponse, Status> {
        let ttl = self.leases.keep_alive(lease).await.map_err(status)?.unwrap_or(0);
        Ok(PbLeaseKeepAliveResponse { header: self.header_now(), id: lease.0, ttl })
    }
}
