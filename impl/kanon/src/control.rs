//! How `kanon stop` and `kanon node` talk to a running cluster: a line in, a line out, on a socket that
//! only the cluster's owner can open.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use crate::failure::{Failure, While};
use crate::profile::Profile;

/// How long an order may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait until somebody is listened to again who could not be.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How long an order is at the most.
const ORDER_BYTES_MAX: u64 = 1024;

/// What a running cluster can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Stop everything and end.
    Stop,
    /// Stop a node as a power cut does.
    StopNode(String),
    /// Start a stopped node.
    StartNode(String),
}

impl Order {
    fn line(&self) -> String {
        match self {
            Self::Stop => "stop".to_owned(),
            Self::StopNode(name) => format!("stop-node {name}"),
            Self::StartNode(name) => format!("start-node {name}"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        match line.trim().split_once(' ') {
            None if line.trim() == "stop" => Some(Self::Stop),
            Some(("stop-node", name)) => Some(Self::StopNode(name.to_owned())),
            Some(("start-node", name)) => Some(Self::StartNode(name.to_owned())),
            None | Some(_) => None,
        }
    }
}

/// Sends an order and waits until it is carried out.
pub(crate) fn send(profile: &Profile, order: &Order) -> Result<(), Failure> {
    let path = profile.path("control.sock");
    let mut stream = UnixStream::connect(&path).while_doing(path.display())?;
    stream.set_read_timeout(Some(PATIENCE)).while_doing(path.display())?;
    writeln!(stream, "{}", order.line()).while_doing(path.display())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).while_doing(path.display())?;
    match answer.trim() {
        "ok" => Ok(()),
        "" => Err(Failure::cannot("the cluster ended before it answered")),
        refusal => Err(Failure::cannot(refusal)),
    }
}

/// An order that has come in, and where its answer goes.
pub(crate) struct Received {
    pub(crate) order: Order,
    stream: UnixStream,
}

impl Received {
    /// Answers the order.
    pub(crate) fn answer(mut self, result: Result<(), String>) {
        let line = match result {
            Ok(()) => "ok".to_owned(),
            Err(why) => why,
        };
        // Whoever asked may have given up waiting.
        drop(writeln!(self.stream, "{line}"));
    }
}

/// Listens for orders on a thread of its own.
pub(crate) fn listen(
    profile: &Profile,
    orders: tokio::sync::mpsc::UnboundedSender<Received>,
) -> Result<(), Failure> {
    let path = profile.path("control.sock");
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).while_doing(path.display()),
    }
    let listener = UnixListener::bind(&path).while_doing(path.display())?;
    let owner_only = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, owner_only).while_doing(path.display())?;
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // For want of descriptors, for instance.
                std::thread::sleep(ACCEPT_RETRY);
                continue;
            };
            if let Some(received) = receive(stream)
                && orders.send(received).is_err()
            {
                return;
            }
        }
    });
    Ok(())
}

fn receive(stream: UnixStream) -> Option<Received> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut line = String::new();
    let order = stream.try_clone().ok()?.take(ORDER_BYTES_MAX);
    BufReader::new(order).read_line(&mut line).ok()?;
    Some(Received { order: Order::parse(&line)?, stream })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_understood() {
        for order in [Order::Stop, Order::StopNode("node-2".into()), Order::StartNode("a".into())] {
            assert_eq!(Order::parse(&order.line()), Some(order));
        }
        assert_eq!(Order::parse("garbage in"), None);
    }
}
