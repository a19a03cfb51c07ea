//! The Cluster service: one member, which stays the only one.

use etcd_client::proto::{
    PbClusterService, PbMember, PbMemberAddRequest, PbMemberAddResponse, PbMemberListRequest,
    PbMemberListResponse, PbMemberPromoteRequest, PbMemberPromoteResponse, PbMemberRemoveRequest,
    PbMemberRemoveResponse, PbMemberUpdateRequest, PbMemberUpdateResponse,
};
use tonic::{Request, Response, Status};

use super::Member;

/// The name that etcd gives to a member that has none.
const NAME: &str = "default";

#[tonic::async_trait]
impl PbClusterService for Member {
    async fn member_list(
        &self,
        _: Request<PbMemberListRequest>,
    ) -> Result<Response<PbMemberListResponse>, Status> {
        let member = PbMember {
            id: self.etcd.identity().member,
            name: NAME.to_owned(),
            peer_ur_ls: vec![],
            client_ur_ls: self.options.client_urls.clone(),
            is_learner: false,
        };
        let header = self.header_now();
        Ok(Response::new(PbMemberListResponse { header, members: vec![member] }))
    }

    async fn member_add(
        &self,
        _: Request<PbMemberAddRequest>,
    ) -> Result<Response<PbMemberAddResponse>, Status> {
        Err(not_enough_started())
    }

    async fn member_remove(
        &self,
        request: Request<PbMemberRemoveRequest>,
    ) -> Result<Response<PbMemberRemoveResponse>, Status> {
        self.is_me(request.get_ref().id)?;
        Err(not_enough_started())
    }

    async fn member_update(
        &self,
        request: Request<PbMemberUpdateRequest>,
    ) -> Result<Response<PbMemberUpdateResponse>, Status> {
        self.is_me(request.get_ref().id)?;
        Err(not_enough_started())
    }

    async fn member_promote(
        &self,
        request: Request<PbMemberPromoteRequest>,
    ) -> Result<Response<PbMemberPromoteResponse>, Status> {
        self.is_me(request.get_ref().id)?;
        Err(Status::failed_precondition("etcdserver: can only promote a learner member"))
    }
}

impl Member {
    fn is_me(&self, id: u64) -> Result<(), Status> {
        match id == self.etcd.identity().member {
            true => Ok(()),
            false => Err(Status::not_found("etcdserver: member not found")),
        }
    }
}

fn not_enough_started() -> Status {
    Status::failed_precondition(
        "etcdserver: re-configuration failed due to not enough started members",
    )
}
