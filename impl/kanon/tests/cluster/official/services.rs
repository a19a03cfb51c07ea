//! Services and their endpoints, as far as nothing has to reach them.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::operations::contains;
use super::{official, pods};
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "API Server should have Endpoints and EndpointSlices pointing to API Server",
            of_the_api_server,
        ),
        official(
            "EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service",
            slices_of_pods,
        ),
        official(
            "EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches \
             no pods",
            empty_slices,
        ),
        official(
            "EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete",
            mirrors,
        ),
        official(
            "EndpointsController should create Endpoints for Pods matching a Service",
            endpoints_of_pods,
        ),
        official(
            "EndpointsController should create and delete Endpoints for a Service with a selector that matches \
             no pods",
            empty_endpoints,
        ),
        official("Services should complete a service status lifecycle", status_lifecycle),
        official("Services should delete a collection of services", collection),
    ]
}

fn slices(api: &Api) -> Collection {
    api.all("discovery.k8s.io/v1", "endpointslices")
}

fn of(service: &str) -> String {
    format!("?labelSelector=kubernetes.io%2Fservice-name%3D{service}")
}

fn service(name: &str, selector: Value, port: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"selector": selector, "ports": [port]}})
}

async fn of_the_api_server(api: Api) -> Outcome {
    let endpoints = api.read("/api/v1/namespaces/default/endpoints/kubernetes").await?;
    let path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let slices = api.read(&format!("{path}{}", of("kubernetes"))).await?;
    let address = &endpoints["subsets"][0]["addresses"][0]["ip"];
    let (slice, port) = (&slices["items"][0], &endpoints["subsets"][0]["ports"][0]);
    ensure(address.is_string() && port["name"] == "https", &endpoints)?;
    ensure(slice["endpoints"][0]["addresses"] == json!([address]), slice)?;
    ensure(slice["ports"][0]["port"] == port["port"], slice)
}

/// Two pods that both have the label `both` and name different ports alike, and their Services.
async fn pods_and_services(api: &Api) -> Result<[Value; 2], Failed> {
    let (all, services) = (api.all("v1", "pods"), api.all("v1", "services"));
    let mut made = vec![];
    for (name, ports) in [("one", vec![3000]), ("two", vec![3001, 3002])] {
        let mut pod = pods::pod(name);
        pod["metadata"]["labels"] = json!({name: "on", "both": "on"});
        let names = ["example-name", "other-port"];
        let port = |(name, port)| json!({"name": name, "containerPort": port});
        let ports: Vec<Value> = names.iter().zip(ports).map(port).collect();
        pod["spec"]["containers"][0]["ports"] = ports.into();
        all.create(&pod).await?;
    }
    let int = json!({"name": "example", "port": 80, "targetPort": 3000});
    let named = json!({"name": "http", "port": 80, "targetPort": "example-name"});
    for mut service in [
        service("by-number", json!({"one": "on"}), int),
        service("by-name", json!({"both": "on"}), named),
    ] {
        service["spec"]["publishNotReadyAddresses"] = json!(true);
        services.create(&service).await?;
    }
    for name in ["one", "two"] {
        let has_address = |pod: &Value| pod["status"]["podIPs"][0]["ip"].is_string();
        made.push(all.until(name, "it has an address", has_address).await?);
    }
    <[Value; 2]>::try_from(made).map_err(|_| "there are two".into())
}

/// What a slice must say of a pod.
fn endpoint(pod: &Value) -> Value {
    let metadata = &pod["metadata"];
    json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
        "conditions": {"ready": true, "terminating": false},
        "targetRef": {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"],
            "uid": metadata["uid"]}})
}

/// Waits until a Service's slices hold these pods, each at its port.
async fn until_slices(api: &Api, service: &str, expected: &[(&Value, i64)]) -> Outcome {
    let owner = api.all("v1", "services").get(service).await?["metadata"]["uid"].clone();
    let is_told = |slices: &[Value], pod: &Value, port: i64| {
        let told = |slice: &&Value| {
            let metadata = &slice["metadata"];
            contains(&slice["endpoints"], &json!([endpoint(pod)]))
                && slice["ports"][0]["port"] == port
                && slice["addressType"] == "IPv4"
                && metadata["ownerReferences"][0]["uid"] == owner
                && metadata["generateName"] == format!("{service}-")
                && metadata["labels"]["endpointslice.kubernetes.io/managed-by"]
                    == "endpointslice-controller.k8s.io"
        };
        slices.iter().filter(told).count() == 1
    };
    eventually("the slices hold the pods", || async {
        let found = slices(api).list(&of(service)).await?;
        let holds = expected.iter().all(|(pod, port)| is_told(&found, pod, *port));
        let is_all = found.len() == expected.len();
        if holds && is_all { Ok(Some(())) } else { Err(format!("{found:?}").into()) }
    })
    .await
}

async fn slices_of_pods(api: Api) -> Outcome {
    let [one, two] = pods_and_services(&api).await?;
    let both = [(&one, 3000), (&two, 3001)];
    until_slices(&api, "by-number", &both[..1]).await?;
    until_slices(&api, "by-name", &both).await?;
    slices(&api).delete_collection(&of("by-name")).await?;
    until_slices(&api, "by-name", &both).await
}

async fn endpoints_of_pods(api: Api) -> Outcome {
    let [one, two] = pods_and_services(&api).await?;
    let endpoints = api.all("v1", "endpoints");
    let subset = |pod: &Value, name: &str, port: i64| {
        let mut address = endpoint(pod);
        address["ip"] = address["addresses"][0].take();
        let address = json!({"ip": address["ip"], "nodeName": address["nodeName"],
            "targetRef": address["targetRef"]});
        json!([{"addresses": [address], "ports": [{"name": name, "port": port, "protocol": "TCP"}]}])
    };
    let has = |endpoints: &Value, all: &[Value]| {
        endpoints["subsets"].as_array().is_some_and(|found| found.len() == all.len())
            && all.iter().all(|subset| contains(&endpoints["subsets"], subset))
    };
    let by_number = [subset(&one, "example", 3000)];
    let by_name = [subset(&one, "http", 3000), subset(&two, "http", 3001)];
    endpoints.until("by-number", "it has the pod", |found| has(found, &by_number)).await?;
    endpoints.until("by-name", "it has the pods", |found| has(found, &by_name)).await?;
    endpoints.delete("by-name", &Value::Null).await?;
    eventually("the Endpoints are made again", || async {
        let found = if endpoints.is_there("by-name").await? {
            endpoints.get("by-name").await?
        } else {
            Value::Null
        };
        Ok(has(&found, &by_name).then_some(()))
    })
    .await
}

async fn empty_slices(api: Api) -> Outcome {
    let services = api.all("v1", "services");
    let port = json!({"name": "example", "port": 80});
    services.create(&service("tried", json!({"matches": "nothing"}), port)).await?;
    let found = slices(&api).until_count(&of("tried"), 1).await?;
    let managed_by = &found[0]["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"];
    ensure(managed_by == "endpointslice-controller.k8s.io", managed_by)?;
    ensure(found[0]["endpoints"].as_array().is_none_or(Vec::is_empty), &found[0])?;
    services.delete("tried", &Value::Null).await?;
    slices(&api).until_count(&of("tried"), 0).await.map(drop)
}

async fn empty_endpoints(api: Api) -> Outcome {
    let (services, endpoints) = (api.all("v1", "services"), api.all("v1", "endpoints"));
    let port = json!({"name": "example", "port": 80});
    services.create(&service("tried", json!({"matches": "nothing"}), port)).await?;
    let made = endpoints.until("tried", "they are made", |_| true).await?;
    ensure(made["subsets"].as_array().is_none_or(Vec::is_empty), made)?;
    services.delete("tried", &Value::Null).await?;
    endpoints.until_gone("tried").await
}

async fn mirrors(api: Api) -> Outcome {
    let (services, endpoints) = (api.all("v1", "services"), api.all("v1", "endpoints"));
    let port = json!({"name": "example", "port": 80});
    services.create(&service("tried", Value::Null, port)).await?;
    let subsets = |ip: &str, port: u16| json!([{"addresses": [{"ip": ip}], "ports": [{"name": "http", "port": port, "protocol": "TCP"}]}]);
    let made = json!({"metadata": {"name": "tried"}, "subsets": subsets("10.1.2.3", 80)});
    endpoints.create(&made).await?;
    until_mirrored(&api, "10.1.2.3", 80).await?;
    endpoints.change("tried", |found| found["subsets"] = subsets("10.2.3.4", 8080)).await?;
    until_mirrored(&api, "10.2.3.4", 8080).await?;
    endpoints.delete("tried", &Value::Null).await?;
    slices(&api).until_count(&of("tried"), 0).await.map(drop)
}

async fn until_mirrored(api: &Api, ip: &str, port: u16) -> Outcome {
    eventually("the slice mirrors the Endpoints", || async {
        let found = slices(api).list(&of("tried")).await?;
        let [slice] = found.as_slice() else { return Ok(None) };
        let endpoints = &slice["endpoints"];
        let is_mirror = endpoints.as_array().is_some_and(|endpoints| endpoints.len() == 1)
            && endpoints[0]["addresses"] == json!([ip])
            && slice["ports"] == json!([{"name": "http", "port": port, "protocol": "TCP"}]);
        if is_mirror { Ok(Some(())) } else { Err(slice.to_string().into()) }
    })
    .await
}

async fn status_lifecycle(api: Api) -> Outcome {
    let services = api.all("v1", "services");
    let mut made = service("tried", json!({"a": "b"}), json!({"name": "http", "port": 80}));
    made["metadata"]["labels"] = json!({"tried": "static"});
    made["spec"]["type"] = json!("LoadBalancer");
    // No controller writes to a Service whose class is somebody else's.
    made["spec"]["loadBalancerClass"] = json!("example.com/internal-vip");
    let mut watch = services.watch_from_now("&labelSelector=tried%3Dstatic").await?;
    services.create(&made).await?;
    watch.until("ADDED", "tried").await?;
    let everywhere =
        api.cluster_wide("v1", "services").list("?labelSelector=tried%3Dstatic").await?;
    ensure(
        everywhere.iter().any(|found| found["metadata"]["namespace"] == *api.namespace),
        "listed",
    )?;
    let read = services.get("tried/status").await?;
    ensure(read["metadata"]["name"] == "tried", read)?;
    let ingress = json!({"ingress": [{"ip": "203.0.113.1"}]});
    let patch = json!({"metadata": {"annotations": {"patched": "true"}}, "status": {"loadBalancer": ingress}});
    services.patch("tried/status", MERGE, &patch).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(contains(&seen, &patch), seen)?;
    let condition = json!({"type": "StatusUpdate", "status": "True", "reason": "Tried", "message": "set",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let add = |found: &mut Value| found["status"]["conditions"] = json!([condition]);
    services.change("tried/status", add).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(contains(&seen["status"]["conditions"], &json!([condition])), seen)?;
    let label = json!({"metadata": {"labels": {"patched": "true"}}});
    services.patch("tried", MERGE, &label).await?;
    let seen = watch.until("MODIFIED", "tried").await?;
    ensure(contains(&seen, &label), seen)?;
    services.delete("tried", &Value::Null).await?;
    watch.until("DELETED", "tried").await.map(drop)
}

async fn collection(api: Api) -> Outcome {
    let services = api.all("v1", "services");
    for (name, value) in [("first", "a"), ("second", "b"), ("third", "b")] {
        let mut made = service(name, json!({"a": "b"}), json!({"name": "http", "port": 80}));
        made["metadata"]["labels"] = json!({"tried": value});
        services.create(&made).await?;
    }
    services.until_count("", 3).await?;
    services.delete_collection("?labelSelector=tried%3Db").await?;
    let left = services.until_count("", 1).await?;
    ensure(left[0]["metadata"]["name"] == "first", &left[0])
}
