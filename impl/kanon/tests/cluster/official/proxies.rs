//! Pods and services, asked through the API server with every method, with and without a path.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::Api;
use super::pods::run;
use super::with_containers;
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        with_containers(
            "Proxy version v1 A set of valid responses are returned for both pod and service Proxy",
            |api| every_method(api, "/proxy/?method="),
        ),
        with_containers(
            "Proxy version v1 A set of valid responses are returned for both pod and service ProxyWithPath",
            |api| every_method(api, "/proxy/some/path/with/"),
        ),
        with_containers("Proxy version v1 should proxy through a service and a pod", by_port),
    ]
}

/// A server in a pod that answers each request with the request's first line.
pub(super) const SERVER: &str = "printf '%s\\n' '#!/bin/sh' 'read -r line' \
    'while read -r header && [ \"${#header}\" -gt 1 ]; do :; done' \
    'printf \"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s\" ${#line} \"$line\"' \
    > /answer; chmod +x /answer; exec nc -ll -p 8080 -e /answer";

/// Makes the pod and a service that leads to it.
async fn serve(api: &Api) -> Outcome {
    let container = json!({"name": "c", "image": "busybox:1.35", "command": ["sh", "-c", SERVER],
        "ports": [{"name": "http", "containerPort": 8080}]});
    let spec = json!({"terminationGracePeriodSeconds": 1, "containers": [container]});
    let pod =
        run(&api.all("v1", "pods"), &json!({"metadata": {"name": "web"}, "spec": spec})).await?;
    let ports = json!([{"name": "web", "port": 80, "targetPort": 8080}]);
    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": ports}});
    api.all("v1", "services").create(&service).await?;
    let target = json!({"kind": "Pod", "name": "web", "namespace": api.namespace});
    let address = json!({"ip": pod["status"]["podIP"], "targetRef": target});
    let subset = json!({"addresses": [address], "ports": [{"name": "web", "port": 8080}]});
    let endpoints = json!({"metadata": {"name": "web"}, "subsets": [subset]});
    api.all("v1", "endpoints").create(&endpoints).await?;
    let path = format!("{}/proxy/", one(api, "pods/web:8080"));
    eventually("the pod listens", || async {
        let (code, _) = api.send(Method::GET, &path, &[], None).await?;
        Ok((code == 200).then_some(()))
    })
    .await
}

fn one(api: &Api, name: &str) -> String {
    format!("/api/v1/namespaces/{}/{name}", api.namespace)
}

/// The first line that a request arrives with behind the proxy.
async fn arrives(api: &Api, method: &Method, path: &str) -> Result<String, Failed> {
    let (code, line) = api.send(method.clone(), path, &[], None).await?;
    ensure(code == 200, format!("{method} {path}: {code} {line}"))?;
    Ok(line.as_str().unwrap_or_default().trim().to_owned())
}

async fn every_method(api: Api, path: &str) -> Outcome {
    serve(&api).await?;

    let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    for name in ["pods/web:8080", "services/web:web"] {
        for method in methods {
            let path = format!("{path}{method}");
            let whole = format!("{}{path}", one(&api, name));
            let line = arrives(&api, &method.parse()?, &whole).await?;
            let behind = path.strip_prefix("/proxy").unwrap_or_default();
            let expected = format!("{method} {behind} HTTP/1.1");
            // An answer to HEAD has no body that could tell.
            ensure(line == expected || method == "HEAD", format!("{line} is not {expected}"))?;
        }
        let moved = one(&api, name) + "/proxy";
        let (code, body) = api.send(Method::GET, &moved, &[], None).await?;
        ensure(code == 301 || body.is_string(), format!("{moved}: {code}"))?;
    }
    Ok(())
}

async fn by_port(api: Api) -> Outcome {
    serve(&api).await?;

    for name in [
        "services/web:web",
        "services/http:web:web",
        "services/web:80",
        "pods/web:8080",
        "pods/http:web:8080",
        "pods/web",
    ] {
        let path = format!("{}/proxy/x", one(&api, name));
        let line = arrives(&api, &Method::GET, &path).await?;
        ensure(line == "GET /x HTTP/1.1", format!("{name}: {line}"))?;
    }
    let (code, _): (u16, Value) = api
        .send(Method::GET, &format!("{}/proxy/", one(&api, "services/web:81")), &[], None)
        .await?;
    ensure(code == 503, format!("a port that the service does not have: {code}"))
}
