//! Connections to the ports of a pod, made where its containers are: what listens on localhost alone is
//! reached too.
//!
//! Source: containerd's internal/cri/server/sandbox_portforward_linux.go, whose words the refusals have.

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use host::node_server::ContainerRef;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::Embedded;
use super::probe::cause;
use crate::sandbox;

impl Embedded {
    /// A connection to a port of a pod, or why there is none.
    pub(super) async fn connect_to(
        &self,
        pod: ContainerRef,
        port: u16,
    ) -> Result<TcpStream, String> {
        let Some(uid) = self.youngest(&pod) else {
            return Err(format!("failed to find sandbox of pod {:?} in store: not found", pod.pod));
        };
        let network = self.0.paths.namespaces(&uid).join("net");
        let failed = format!("failed to execute portforward in network namespace of {uid:?}");
        let stream = from_inside(network, uid, port).await;
        stream.map_err(|why| format!("{failed}: {why}"))
    }
}

/// Connects in a thread of its own, which ends in the pod's network: a worker may not go there. A pod of the
/// host's network has no other.
async fn from_inside(network: PathBuf, uid: String, port: u16) -> Result<TcpStream, String> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("portforward".to_owned());
    let running = thread.spawn(move || {
        let entered = match File::open(&network) {
            Ok(namespace) => sandbox::enter(&namespace).map_err(|error| error.to_string()),
            Err(_) => Ok(()),
        };
        // Who does not wait any more wants no connection.
        let _gone = sender.send(entered.and_then(|()| connect(&uid, port)));
    });
    running.map_err(|error| error.to_string())?;
    let stream = receiver.await.map_err(|error| error.to_string())??;
    TcpStream::from_std(stream).map_err(|error| error.to_string())
}

/// By either kind of address.
fn connect(uid: &str, port: u16) -> Result<std::net::TcpStream, String> {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let dial = |address| {
        let address = SocketAddr::new(address, port);
        let stream = std::net::TcpStream::connect(address).and_then(|stream| {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        let family = if address.is_ipv4() { "tcp4" } else { "tcp6" };
        stream.map_err(|error| format!("dial {family} {address}: {}", cause(&error)))
    };
    dial(v4).or_else(|why_v4| {
        dial(v6).map_err(|why_v6| {
            format!("failed to connect to localhost:{port} inside namespace {uid:?}, IPv4: {why_v4} IPv6 {why_v6}")
        })
    })
}
