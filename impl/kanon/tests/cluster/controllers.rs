//! Controllers that no official test asks for, on a whole cluster: what each makes of objects that anyone can
//! create.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::metrics::samples;
use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_aggregated_cluster_role_gets_the_rules_of_the_roles_it_selects", aggregation),
        trial("a_node_that_is_created_gets_a_range_for_its_pods_and_a_ttl", node),
        trial("a_service_of_type_load_balancer_gets_the_nodes_addresses", load_balancer),
        trial("a_service_cidr_goes_when_no_address_needs_it", service_cidr),
        trial("a_cluster_ip_that_somebody_deletes_is_given_to_its_service_again", ip_address),
        trial("a_pod_gets_the_claim_of_its_template_and_gives_it_back", resource_claim),
        trial("a_cluster_in_which_nothing_happens_writes_nothing_but_heartbeats", idle),
    ]
}

/// Reads a path until something is said of what is there.
async fn until(raw: &Raw, path: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
    let holds = &holds;
    eventually(path, || async move { Ok(Some(raw.get(path).await?).filter(holds)) }).await
}

/// Waits until a path is not found.
async fn until_gone(raw: &Raw, path: &str) -> Outcome {
    eventually(path, || async {
        let answer = raw.refused("GET", path, &Value::Null).await?;
        Ok(Some(()).filter(|()| answer.0 == 404))
    })
    .await
}

/// The reasons of the events about an object, in the order in which they came.
async fn reasons(raw: &Raw, name: &str) -> Result<Vec<String>, Failed> {
    let path = format!("/api/v1/events?fieldSelector=involvedObject.name%3D{name}");
    let list = raw.get(&path).await?;
    let events = list["items"].as_array().cloned().unwrap_or_default();
    Ok(events.iter().filter_map(|event| event["reason"].as_str()).map(str::to_owned).collect())
}

/// Renewals of a node's Lease, a second apart, in which nobody may write anything else.
const QUIET_RENEWALS: usize = 15;

/// How often a cluster may still have had something to do.
const UNQUIET_MAX: usize = 4;

async fn idle() -> Outcome {
    let cluster = Cluster::simulated(&["--node-lease-renew-interval", "1"])?;
    let raw = Raw(cluster.client().await?);
    for (path, object) in of_every_kind() {
        raw.post(path, &object).await?;
    }
    until(&raw, "/apis/apps/v1/namespaces/default/daemonsets/agent", |set| {
        set["status"]["numberReady"] == 1
    })
    .await?;

    let mut wrote = vec![];
    for _ in 0..UNQUIET_MAX {
        let before = writes(&raw).await?;
        ensure(!before.is_empty(), "writes are counted")?;
        renewed(&raw, QUIET_RENEWALS).await?;
        let after = writes(&raw).await?;
        wrote =
            after.into_iter().filter(|(series, count)| before.get(series) != Some(count)).collect();
        if wrote.is_empty() {
            return Ok(());
        }
    }
    Err(format!("still written: {wrote:?}").into())
}

/// How often each resource was written, but for what tells that nodes and leaders live.
async fn writes(raw: &Raw) -> Result<BTreeMap<String, u64>, Failed> {
    let samples = samples(&raw.0).await?;
    let heartbeats = ["resource=\"leases\"", "resource=\"nodes\""];
    let is_counted = |series: &str| {
        series.starts_with("etcd_requests_total{")
            && !heartbeats.iter().any(|label| series.contains(label))
    };
    let counted = samples.into_iter().filter(|(series, _)| is_counted(series));
    Ok(counted.map(|(series, count)| (series, count as u64)).collect())
}

/// Waits until the Lease of the node has been renewed so often.
async fn renewed(raw: &Raw, times: usize) -> Outcome {
    const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1";
    let mut last = raw.get(LEASE).await?["spec"]["renewTime"].clone();
    for _ in 0..times {
        let lease = until(raw, LEASE, |lease| lease["spec"]["renewTime"] != last).await?;
        last = lease["spec"]["renewTime"].clone();
    }
    Ok(())
}

/// Objects with something for most controllers to do, once.
fn of_every_kind() -> Vec<(&'static str, Value)> {
    let template = |app: &str| {
        json!({"metadata": {"labels": {"app": app}},
            "spec": {"containers": [{"name": "main", "image": "busybox:1.35"}]}})
    };
    let selector = |app: &str| json!({"matchLabels": {"app": app}});
    let named = |name: &str, spec: Value| json!({"metadata": {"name": name}, "spec": spec});
    let work = json!({"suspend": true, "template": {"spec": {"restartPolicy": "Never",
        "containers": [{"name": "main", "image": "busybox:1.35"}]}}});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "none",
        "resources": {"requests": {"storage": "1Gi"}}});
    let address = json!({"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]});
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    vec![
        (
            "/apis/apps/v1/namespaces/default/deployments",
            named(
                "web",
                json!({"replicas": 2, "selector": selector("web"), "template": template("web")}),
            ),
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            named(
                "db",
                json!({"serviceName": "db", "selector": selector("db"), "template": template("db")}),
            ),
        ),
        (
            "/apis/apps/v1/namespaces/default/daemonsets",
            named("agent", json!({"selector": selector("agent"), "template": template("agent")})),
        ),
        ("/apis/batch/v1/namespaces/default/jobs", named("work", work.clone())),
        (
            "/apis/batch/v1/namespaces/default/cronjobs",
            named("yearly", json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": work}})),
        ),
        (
            "/api/v1/namespaces/default/services",
            named(
                "web",
                json!({"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}),
            ),
        ),
        (
            "/api/v1/namespaces/default/endpoints",
            json!({"metadata": {"name": "by-hand"}, "subsets": [address]}),
        ),
        ("/api/v1/namespaces/default/services", named("by-hand", json!({"ports": [{"port": 80}]}))),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            named("web", json!({"minAvailable": 1, "selector": selector("web")})),
        ),
        ("/api/v1/namespaces/default/resourcequotas", named("q", json!({"hard": {"pods": "20"}}))),
        ("/api/v1/namespaces/default/persistentvolumeclaims", named("waits", claim)),
        (
            "/apis/networking.k8s.io/v1/servicecidrs",
            named("more", json!({"cidrs": ["10.200.0.0/24"]})),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            json!({"metadata": {"name": "part", "labels": {"part": "true"}}, "rules": rules}),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            json!({"metadata": {"name": "whole"}, "rules": [], "aggregationRule":
                {"clusterRoleSelectors": [{"matchLabels": {"part": "true"}}]}}),
        ),
        ("/api/v1/namespaces", json!({"metadata": {"name": "other"}})),
    ]
}

async fn aggregation() -> Outcome {
    const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let rule = |verb: &str| json!({"apiGroups": [""], "resources": ["pods"], "verbs": [verb]});
    let part = |name: &str| {
        let labels = json!({"part": "true"});
        json!({"metadata": {"name": name, "labels": labels}, "rules": [rule(name)]})
    };
    let selectors = json!([{"matchLabels": {"part": "true"}}]);
    raw.post(ROLES, &part("get")).await?;
    raw.post(
        ROLES,
        &json!({"metadata": {"name": "whole"}, "rules": [],
            "aggregationRule": {"clusterRoleSelectors": selectors}}),
    )
    .await?;
    let path = format!("{ROLES}/whole");

    let one = until(&raw, &path, |role| role["rules"] == json!([rule("get")])).await?;
    raw.post(ROLES, &part("list")).await?;
    until(&raw, &path, |role| role["rules"] == json!([rule("get"), rule("list")])).await?;
    raw.delete(&format!("{ROLES}/get")).await?;
    until(&raw, &path, |role| role["rules"] == json!([rule("list")])).await?;

    let fields = one["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let is_applied = fields.iter().any(|entry| {
        entry["manager"] == "clusterrole-aggregation-controller" && entry["operation"] == "Apply"
    });
    ensure(is_applied, one)
}

async fn ip_address() -> Outcome {
    const SERVICES: &str = "/api/v1/namespaces/default/services";
    let cluster = Cluster::simulated(&["--nodes", "0", "--components", "api-server"])?;
    let raw = Raw(cluster.client().await?);
    let ports = json!([{"port": 80}]);
    let web =
        raw.post(SERVICES, &json!({"metadata": {"name": "web"}, "spec": {"ports": ports}})).await?;
    let ip = web["spec"]["clusterIP"].as_str().unwrap_or_default();
    let path = format!("/apis/networking.k8s.io/v1/ipaddresses/{ip}");
    let before = raw.get(&path).await?;

    raw.delete(&path).await?;
    let after = until(&raw, &path, |found| {
        found["metadata"]["uid"].is_string()
            && found["metadata"]["uid"] != before["metadata"]["uid"]
    })
    .await?;

    ensure(after["spec"] == before["spec"], &after)?;
    let labels = |address: &Value| address["metadata"]["labels"].clone();
    ensure(labels(&after) == labels(&before), &after)?;
    eventually("the event", || async {
        let reasons = reasons(&raw, "web").await?;
        Ok((reasons == ["ClusterIPNotAllocated"]).then_some(()))
    })
    .await?;
    let rival = json!({"metadata": {"name": "rival"}, "spec": {"ports": ports, "clusterIP": ip}});
    let (code, _) = raw.refused("POST", SERVICES, &rival).await?;
    ensure(code == 422, code)?;
    raw.delete(&format!("{SERVICES}/web")).await?;
    until_gone(&raw, &path).await
}

async fn node() -> Outcome {
    const NODES: &str = "/api/v1/nodes";
    let cluster = Cluster::simulated(&["--nodes", "1"])?;
    let raw = Raw(cluster.client().await?);
    raw.post(NODES, &json!({"metadata": {"name": "made-up"}})).await?;

    let has_range = |node: &Value| !node["spec"]["podCIDR"].is_null();
    let made_up = until(&raw, &format!("{NODES}/made-up"), has_range).await?;
    let annotation = "node.alpha.kubernetes.io/ttl";
    let is_told = |node: &Value| node["metadata"]["annotations"][annotation] == "0";
    until(&raw, &format!("{NODES}/made-up"), is_told).await?;

    let list = raw.get(NODES).await?;
    let ranges: Vec<&Value> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|node| &node["spec"]["podCIDR"])
        .collect();
    ensure(ranges.len() == 2 && ranges[0] != ranges[1], &list)?;
    let cidr = made_up["spec"]["podCIDR"].as_str().unwrap_or_default();
    ensure(cidr.starts_with("10.") && cidr.ends_with(".1.0/24"), cidr)?;
    ensure(made_up["spec"]["podCIDRs"] == json!([cidr]), &made_up)
}

async fn load_balancer() -> Outcome {
    const SERVICES: &str = "/api/v1/namespaces/default/services";
    let cluster = Cluster::simulated(&["--nodes", "1"])?;
    let raw = Raw(cluster.client().await?);
    let spec = json!({"type": "LoadBalancer", "ports": [{"port": 80}]});
    raw.post(SERVICES, &json!({"metadata": {"name": "web"}, "spec": spec})).await?;
    let path = format!("{SERVICES}/web");

    let ingress = |service: &Value| service["status"]["loadBalancer"]["ingress"][0]["ip"].clone();
    let web = until(&raw, &path, |service| ingress(service).is_string()).await?;
    let node = raw.get("/api/v1/nodes").await?["items"][0].clone();
    let addresses = node["status"]["addresses"].as_array().cloned().unwrap_or_default();
    let is_nodes =
        addresses.iter().any(|one| one["type"] == "InternalIP" && one["address"] == ingress(&web));
    ensure(is_nodes, &web)?;
    let finalizers = &web["metadata"]["finalizers"];
    ensure(finalizers == &json!(["service.kubernetes.io/load-balancer-cleanup"]), &web)?;
    eventually("both events", || async {
        let found = reasons(&raw, "web").await?;
        let has = |reason: &str| found.iter().any(|found| found == reason);
        Ok((has("EnsuringLoadBalancer") && has("EnsuredLoadBalancer")).then_some(()))
    })
    .await?;

    raw.patch(&path, &json!({"spec": {"type": "ClusterIP"}})).await?;
    until(&raw, &path, |service| {
        ingress(service).is_null() && service["metadata"]["finalizers"].is_null()
    })
    .await?;
    raw.patch(&path, &json!({"spec": {"type": "LoadBalancer"}})).await?;
    until(&raw, &path, |service| ingress(service).is_string()).await?;
    raw.delete(&path).await?;
    until_gone(&raw, &path).await
}

async fn service_cidr() -> Outcome {
    const CIDRS: &str = "/apis/networking.k8s.io/v1/servicecidrs";
    const SERVICES: &str = "/api/v1/namespaces/default/services";
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let spec = json!({"cidrs": ["10.200.0.0/28"]});
    raw.post(CIDRS, &json!({"metadata": {"name": "more"}, "spec": spec})).await?;
    let path = format!("{CIDRS}/more");
    let says = |status: &'static str| {
        move |cidr: &Value| {
            let condition = &cidr["status"]["conditions"][0];
            condition["type"] == "Ready" && condition["status"] == status
        }
    };
    until(&raw, &path, says("True")).await?;
    let spec = json!({"clusterIP": "10.200.0.7", "ports": [{"port": 80}]});
    raw.post(SERVICES, &json!({"metadata": {"name": "web"}, "spec": spec})).await?;

    raw.delete(&path).await?;
    let kept = until(&raw, &path, says("False")).await?;
    ensure(kept["status"]["conditions"][0]["reason"] == "Terminating", &kept)?;
    raw.delete(&format!("{SERVICES}/web")).await?;

    until_gone(&raw, &path).await
}

async fn resource_claim() -> Outcome {
    const PODS: &str = "/api/v1/namespaces/default/pods";
    const GROUP: &str = "/apis/resource.k8s.io/v1/namespaces/default";
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let raw = Raw(cluster.client().await?);
    let claims = json!([{"name": "gpu", "resourceClaimTemplateName": "gpus"}]);
    let containers = json!([{"name": "c", "image": "busybox:1.35"}]);
    let spec = json!({"containers": containers, "resourceClaims": claims});
    raw.post(PODS, &json!({"metadata": {"name": "web"}, "spec": spec})).await?;
    eventually("that there is no template is told", || async {
        let found = reasons(&raw, "web").await?;
        Ok(found.iter().any(|reason| reason == "FailedResourceClaimCreation").then_some(()))
    })
    .await?;

    let request = json!({"name": "one", "exactly": {"deviceClassName": "gpu.example.com"}});
    let spec = json!({"spec": {"devices": {"requests": [request]}}});
    let template = json!({"metadata": {"name": "gpus"}, "spec": spec});
    raw.post(&format!("{GROUP}/resourceclaimtemplates"), &template).await?;
    let path = format!("{PODS}/web");
    let name = |pod: &Value| pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"].clone();
    let pod = until(&raw, &path, |pod| name(pod).is_string()).await?;

    let made = name(&pod);
    let claim = format!("{GROUP}/resourceclaims/{}", made.as_str().unwrap_or_default());
    let found = raw.get(&claim).await?;
    let is_its = found["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
        && found["spec"]["devices"]["requests"][0]["name"] == "one";
    ensure(is_its, &found)?;
    let all = raw.get(&format!("{GROUP}/resourceclaims")).await?;
    ensure(all["items"].as_array().map(Vec::len) == Some(1), all)?;
    raw.delete(&path).await?;
    until_gone(&raw, &claim).await
}
