//! Ports forwarded by a client that writes frames by hand.

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::node_server::{ExecOptions, ExecStreams, LogOptions};
use crate::spdy::tests::Client;
use crate::transport::{Body, BoxFuture};
use api::Status;

/// A node whose pods listen at one port, and say back what they hear with their name before it.
struct Echoes;

impl NodeServer for Echoes {
    fn logs(&self, _: ContainerRef, _: LogOptions) -> BoxFuture<'_, Result<Body, Status>> {
        Box::pin(std::future::ready(Err(Status::method_not_allowed())))
    }

    fn exec(
        &self,
        _: ContainerRef,
        _: ExecOptions,
        _: ExecStreams,
    ) -> BoxFuture<'_, Result<i32, Status>> {
        Box::pin(std::future::ready(Err(Status::method_not_allowed())))
    }

    fn port_forward(
        &self,
        pod: ContainerRef,
        port: u16,
    ) -> BoxFuture<'_, Result<TcpStream, String>> {
        Box::pin(async move {
            if port != 80 {
                return Err(format!("nobody listens at {port}"));
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let address = listener.local_addr().expect("it listens");
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.expect("somebody connects");
                let mut heard = vec![];
                stream.read_to_end(&mut heard).await.expect("it is said");
                let said = [pod.pod.as_bytes(), b": ", &heard].concat();
                stream.write_all(&said).await.expect("it is heard");
            });
            TcpStream::connect(address).await.map_err(|error| error.to_string())
        })
    }
}

fn start() -> (Client, DuplexStream) {
    let (wire, io) = tokio::io::duplex(1 << 16);
    let text = str::to_owned;
    let pod = ContainerRef { namespace: text("a"), pod: text("web"), container: text("") };
    tokio::spawn(serve(io, Arc::new(Echoes), pod));
    (Client::default(), wire)
}

fn open(client: &mut Client, stream: u32, kind: &str, port: &str, request: &str) {
    let headers = [("streamType", kind), ("port", port), ("requestID", request)];
    client.open(stream, &headers, kind == "error");
}

#[tokio::test]
async fn two_connections_at_once_do_not_mix() {
    let (mut client, mut wire) = start();
    for (error, data, request) in [(1, 3, "0"), (5, 7, "1")] {
        open(&mut client, error, "error", "80", request);
        open(&mut client, data, "data", "80", request);
    }
    client.data(7, b"two", false);
    client.data(3, b"one", true);
    client.data(7, b"!", true);

    let mut heard = client.exchange(&mut wire, "data 7 web: two!").await;
    if !heard.iter().any(|line| line == "data 3 web: one") {
        heard.extend(client.exchange(&mut wire, "data 3 web: one").await);
    }

    for line in ["reply 1", "reply 3", "reply 5", "reply 7", "data 3 web: one"] {
        assert!(heard.iter().any(|heard| heard == line), "{line} is not in {heard:?}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_and_breaks_only_its_streams() {
    let (mut client, mut wire) = start();
    open(&mut client, 1, "error", "81", "0");
    open(&mut client, 3, "data", "81", "0");

    let heard = client.exchange(&mut wire, "reset 1").await;

    let why = "data 1 error forwarding port 81 to pod web, uid : nobody listens at 81";
    assert_eq!(heard, ["reply 1", "reply 3", why, "reset 3", "reset 1"]);
    open(&mut client, 5, "error", "80", "1");
    open(&mut client, 7, "data", "80", "1");
    client.data(7, b"still there", true);
    let heard = client.exchange(&mut wire, "end 5").await;
    assert!(heard.contains(&"data 7 web: still there".to_owned()), "{heard:?}");
}

#[tokio::test]
async fn streams_that_make_no_sense_are_broken_off() {
    let (mut client, mut wire) = start();
    for (stream, kind, port) in [(1, "data", "0"), (3, "data", "x"), (5, "other", "80")] {
        open(&mut client, stream, kind, port, "0");
    }

    let heard = client.exchange(&mut wire, "reset 5").await;

    assert_eq!(heard, ["reset 1", "reset 3", "reset 5"]);
}

#[tokio::test]
async fn clients_that_number_nothing_are_understood() {
    let (mut client, mut wire) = start();
    client.open(1, &[("streamtype", "error"), ("port", "80")], true);
    client.open(3, &[("streamtype", "data"), ("port", "80")], false);
    client.data(3, b"old", true);

    let heard = client.exchange(&mut wire, "end 1").await;

    assert!(heard.contains(&"data 3 web: old".to_owned()), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_other_half_does_not_come_is_given_up() {
    let (mut client, mut wire) = start();
    open(&mut client, 1, "error", "80", "17");

    let heard = client.exchange(&mut wire, "reset 1").await;

    let why = "data 1 (request=17) timed out waiting for streams";
    assert_eq!(heard, ["reply 1", why, "reset 1"]);
}

#[tokio::test]
async fn a_second_stream_of_the_same_kind_is_refused() {
    let (mut client, mut wire) = start();
    open(&mut client, 1, "error", "80", "0");
    open(&mut client, 3, "error", "80", "0");

    let heard = client.exchange(&mut wire, "reset 3").await;

    let why = "data 3 error processing stream for request 0: error stream already assigned";
    assert_eq!(heard, ["reply 1", "reply 3", why, "reset 3"]);
}
