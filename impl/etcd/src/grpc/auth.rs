//! The Auth service: there are no users, and none can be made.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

/// Answers every call as etcd answers those that need users. Where etcd would list or make some, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoUsers;

impl NamedService for NoUsers {
    const NAME: &'static str = "etcdserverpb.Auth";
}

impl Service<http::Request<Body>> for NoUsers {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let why = match request.uri().path() {
            "/etcdserverpb.Auth/AuthEnable" => "etcdserver: root user does not exist",
            _ => "etcdserver: authentication is not enabled",
        };
        ready(Ok(Status::failed_precondition(why).into_http()))
    }
}
