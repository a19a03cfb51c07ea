//! What runs in a pod, asked through the API server. These trials need root, a static `/bin/busybox` and
//! kubectl.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::containers::{embedded, with_containers};
use crate::kubectl::{Kubectl, with_kubectl};
use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(with_containers(vec![
        trial("kubectl_asks_pods_and_services_through_the_api_server", asked),
        trial("kubectl_proxy_shows_pages_whose_links_lead_through_it", proxied),
    ]))
}

/// What the page says.
pub(crate) const PAGE: &str = "<a href=/next>next</a>";
const SERVER: &str = "/api/v1/namespaces/default/pods/web:8080/proxy";

/// A pod that serves a page at port 8080, ready.
pub(crate) fn serving() -> Result<Cluster, Failed> {
    let cluster = embedded(&[])?;
    let script =
        format!("mkdir /www; echo '{PAGE}' > /www/index.html; exec httpd -f -p 8080 -h /www");
    let probe = json!({"httpGet": {"port": 8080}, "periodSeconds": 1});
    let container = json!({"name": "c", "image": "busybox:1.35", "readinessProbe": probe,
        "ports": [{"containerPort": 8080}], "command": ["sh", "-c", script]});
    let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [container]});
    create(
        &cluster,
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": spec}),
    )?;
    let wait = ["wait", "--for=condition=Ready", "pod/web", "--timeout=60s"];
    Kubectl(&cluster).succeed(&wait)?;
    Ok(cluster)
}

fn create(cluster: &Cluster, object: &Value) -> Outcome {
    let file = cluster.file("object.json");
    std::fs::write(&file, object.to_string())?;
    Kubectl(cluster).succeed(&["create", "-f", &file.to_string_lossy()]).map(drop)
}

async fn asked() -> Outcome {
    let cluster = serving()?;
    let kubectl = Kubectl(&cluster);
    let raw = |path: &str| kubectl.output(&["get", "--raw", path]);

    let (code, page) = raw(&format!("{SERVER}/"))?;
    ensure(code == 0 && page.contains(&format!("<a href={SERVER}/next>")), page)?;
    let (code, page) = raw(&format!("{SERVER}/nope"))?;
    ensure(code == 1 && page.contains("NotFound"), page)?;
    let (_, refused) = raw("/api/v1/namespaces/default/pods/web:1/proxy/")?;
    let why = "error trying to reach service: dial tcp";
    ensure(refused.contains(why) && refused.contains("connect: connection refused"), refused)?;

    let port = json!({"name": "http", "port": 80, "targetPort": 8080});
    create(
        &cluster,
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"ports": [port]}}),
    )?;
    let service = "/api/v1/namespaces/default/services/web:http/proxy/";
    let (_, refused) = raw(service)?;
    ensure(refused.contains("no endpoints available for service \"web\""), refused)?;
    let address = kubectl.succeed(&["get", "pod", "web", "-o=jsonpath={.status.podIP}"])?;
    let labels = json!({"kubernetes.io/service-name": "web"});
    create(
        &cluster,
        &json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web", "labels": labels}, "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{"addresses": [address], "targetRef": {"kind": "Pod", "name": "web"}}],
        }),
    )?;
    let (code, page) = raw(service)?;
    ensure(code == 0 && page.contains("services/web:http/proxy/next>"), page)
}

/// A kubectl that runs until it is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself is what was wanted.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

async fn proxied() -> Outcome {
    let cluster = serving()?;
    let mut command = Kubectl(&cluster).command("kubectl");
    let command = command.args(["proxy", "--port=0"]).stdout(Stdio::piped());
    let mut proxy = Running(command.spawn()?);
    let mut line = String::new();
    let stdout = proxy.0.stdout.take().ok_or("kubectl proxy says where it is")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();

    let page = eventually("the page is there", || async {
        let stream = tokio::net::TcpStream::connect(&address).await?;
        let page = ask(stream, &address).await?;
        Ok(page.starts_with("HTTP/1.1 200").then_some(page))
    })
    .await?;

    ensure(page.contains(&format!("<a href={SERVER}/next>")), page)
}

/// The answer to a request for the page, with its headers.
async fn ask(mut stream: tokio::net::TcpStream, host: &str) -> Result<String, Failed> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = format!("GET {SERVER}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = vec![];
    stream.read_to_end(&mut page).await?;
    Ok(text(&page))
}
