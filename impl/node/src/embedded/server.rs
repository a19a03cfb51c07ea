//! Serves logs and commands to the API server.

use std::time::Duration;

use api::{Reason, Status, Timestamp};
use host::node_server::{ContainerRef, ExecOptions, ExecStreams, LogOptions, NodeServer};
use host::transport::{Body, BoxFuture};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use kubelet::runtime::ContainerId;
use tokio::net::TcpStream;

use super::Embedded;
use super::log::{self, Wanted};
use crate::Error;

/// How much of a log is on its way at a time, in records.
const LOG_BUFFER: usize = 64;

impl Embedded {
    /// The uid of the youngest pod of this name.
    pub(super) fn youngest(&self, pod: &ContainerRef) -> Option<String> {
        let uids = std::fs::read_dir(self.0.paths.pods()).into_iter().flatten().flatten();
        let mut uids: Vec<(std::time::SystemTime, String)> = uids
            .filter_map(|entry| {
                let uid = entry.file_name().into_string().ok()?;
                let record = self.pod_record(&uid).ok()?;
                let wanted = record.namespace == pod.namespace && record.name == pod.pod;
                wanted.then_some((entry.metadata().ok()?.modified().ok()?, uid))
            })
            .collect();
        uids.sort();
        uids.pop().map(|(_, uid)| uid)
    }

    /// Every container of a pod's name, the youngest instance last.
    fn instances(&self, pod: &ContainerRef) -> Result<Vec<ContainerId>, Box<Status>> {
        let uid = self.youngest(pod).ok_or_else(|| waiting(pod))?;
        let ids = self.containers_on_disk(&uid);
        let name = match pod.container.as_str() {
            "" => ids.first().map(|id| id.name.clone()).unwrap_or_default(),
            name => name.to_owned(),
        };
        Ok(ids.into_iter().filter(|id| id.name == name).collect())
    }

    fn instance_to_read(
        &self,
        pod: &ContainerRef,
        previous: bool,
    ) -> Result<ContainerId, Box<Status>> {
        let mut ids = self.instances(pod)?;
        let last = ids.pop().ok_or_else(|| waiting(pod))?;
        if !previous {
            return Ok(last);
        }
        ids.pop().ok_or_else(|| {
            let ContainerRef { pod, container, .. } = pod;
            Box::new(Status::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{pod}\" not found"
            )))
        })
    }

    fn instance_that_runs(&self, pod: &ContainerRef) -> Result<ContainerId, Box<Status>> {
        let last = self.instances(pod)?.pop().filter(|id| self.running(id).is_some());
        last.ok_or_else(|| {
            Box::new(Status::new(
                Reason::InternalError,
                format!("container not found (\"{}\")", pod.container),
            ))
        })
    }

    async fn serve_logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> Result<Body, Status> {
        let since = since(&options).map_err(|status| *status)?;
        let id = self.instance_to_read(&container, options.previous).map_err(|status| *status)?;
        let pod = api::Key::new(&container.namespace, &container.pod);
        let path = self.0.paths.log(&pod, &id);
        if tokio::fs::metadata(&path).await.is_err() {
            return Err(*waiting(&container));
        }
        let (sender, body) = Channel::new(LOG_BUFFER);
        let this = self.clone();
        let wanted = Wanted { path, options, since };
        tokio::spawn(log::send(wanted, move || this.running(&id).is_some(), sender));
        Ok(body.boxed_unsync())
    }

    async fn serve_exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
        streams: ExecStreams,
    ) -> Result<i32, Status> {
        let id = self.instance_that_runs(&container).map_err(|status| *status)?;
        let ended = if options.command.is_empty() {
            self.attach_to(&id, streams).await
        } else {
            self.exec_in(&id, (options.command, options.tty), streams).await
        };
        ended.map_err(|error: Error| Status::internal(error))
    }
}

fn waiting(container: &ContainerRef) -> Box<Status> {
    let ContainerRef { pod, container, .. } = container;
    Box::new(Status::bad_request(format!(
        "container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating"
    )))
}

fn since(options: &LogOptions) -> Result<Option<Timestamp>, Box<Status>> {
    if let Some(seconds) = options.since_seconds {
        return Ok(Some(Timestamp::now() - Duration::from_secs(seconds.max(0).unsigned_abs())));
    }
    let Some(text) = &options.since_time else {
        return Ok(None);
    };
    let time = text
        .parse()
        .map_err(|_| Box::new(Status::bad_request(format!("invalid sinceTime: {text}"))))?;
    Ok(Some(time))
}

impl NodeServer for Embedded {
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<Body, Status>> {
        Box::pin(self.serve_logs(container, options))
    }

    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
        streams: ExecStreams,
    ) -> BoxFuture<'_, Result<i32, Status>> {
        Box::pin(self.serve_exec(container, options, streams))
    }

    fn port_forward(
        &self,
        pod: ContainerRef,
        port: u16,
    ) -> BoxFuture<'_, Result<TcpStream, String>> {
        Box::pin(self.connect_to(pod, port))
    }
}
