//! Jobs: pods that run to their end.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::{official, with_containers};
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("Job should adopt matching orphans and release non-matching pods", adoption),
        official("Job should apply changes to a job status", status),
        official("Job should delete a job", deletion),
        official("Job should manage the lifecycle of a job", lifecycle),
        with_containers(
            "Job should create pods for an Indexed job with completion indexes and specified hostname",
            indexed,
        ),
        with_containers(
            "Job should run a job to completion when tasks sometimes fail and are locally restarted",
            restarted,
        ),
        with_containers(
            "Job should allow to use the pod failure policy on exit code to fail the job early",
            fails_early,
        ),
        with_containers(
            "Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget \
             condition",
            disrupted,
        ),
        with_containers(
            "Job should execute all indexes despite some failing when using backoffLimitPerIndex",
            limit_per_index,
        ),
        with_containers(
            "Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy",
            fails_index,
        ),
        with_containers(
            "Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes",
            too_many_failed,
        ),
        with_containers(
            "Job with successPolicy should succeeded when all indexes succeeded",
            |api| succeeds(api, "exit 0", json!({"succeededIndexes": "0,1"}), "0,1"),
        ),
        with_containers(
            "Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending",
            |api| succeeds(api, FIRST_ONLY, json!({"succeededIndexes": "0"}), "0"),
        ),
        with_containers(
            "Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending",
            |api| succeeds(api, FIRST_ONLY, json!({"succeededCount": 1}), "0"),
        ),
    ]
}

/// Index 0 succeeds, others go on for ever.
const FIRST_ONLY: &str = "[ $JOB_COMPLETION_INDEX -eq 0 ] || sleep 100000";

/// Even indexes succeed, odd ones fail.
const ODD_FAIL: &str = "exit $((JOB_COMPLETION_INDEX % 2))";

/// A Job `tried` of two completions, both at once.
fn job(script: &str, more: Value) -> Value {
    let container = json!({"name": "c", "image": "busybox:1.35", "command": ["sh", "-c", script]});
    let template = json!({"metadata": {"labels": {"app": "tried"}}, "spec": {"restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1, "containers": [container]}});
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "tried", "labels": {"app": "tried"}},
        "spec": {"parallelism": 2, "completions": 2, "template": template}});
    for (field, value) in more.as_object().into_iter().flatten() {
        job["spec"][field] = value.clone();
    }
    job
}

fn jobs(api: &Api) -> Collection {
    api.all("batch/v1", "jobs")
}

fn pods(api: &Api) -> Collection {
    api.all("v1", "pods")
}

/// The condition of a type that is true, null without one.
fn condition<'a>(job: &'a Value, kind: &str) -> &'a Value {
    let conditions = job["status"]["conditions"].as_array();
    let found = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == kind && condition["status"] == "True");
    found.unwrap_or(&Value::Null)
}

/// Waits until the Job is over, in this way and no other.
async fn until_over(api: &Api, kind: &str) -> Result<Value, Failed> {
    let is_over =
        |job: &Value| !condition(job, "Complete").is_null() || !condition(job, "Failed").is_null();
    let over = jobs(api).until("tried", "it is over", is_over).await?;
    ensure(!condition(&over, kind).is_null(), &over)?;
    Ok(over)
}

async fn until_active(api: &Api, count: usize) -> Result<Vec<Value>, Failed> {
    let has_ready =
        |job: &Value| job["status"]["active"] == count && job["status"]["ready"] == count;
    jobs(api).until("tried", &format!("{count} pods run"), has_ready).await?;
    pods(api).until_count("?labelSelector=batch.kubernetes.io/job-name%3Dtried", count).await
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn owners(object: &Value) -> &Value {
    &object["metadata"]["ownerReferences"]
}

async fn adoption(api: Api) -> Outcome {
    jobs(&api).create(&job("sleep 100000", json!({}))).await?;
    let made = until_active(&api, 2).await?;
    let pod = name(&made[0]);
    let no_owner = json!({"metadata": {"ownerReferences": null}});
    let orphan = pods(&api).patch(pod, MERGE, &no_owner).await?;
    ensure(owners(&orphan).is_null(), orphan)?;
    pods(&api).until(pod, "it is adopted again", |pod| owners(pod)[0]["name"] == "tried").await?;
    let no_labels = json!({"metadata": {"labels": null}});
    pods(&api).patch(pod, MERGE, &no_labels).await?;
    pods(&api).until(pod, "it is released", |pod| owners(pod).is_null()).await.map(drop)
}

async fn status(api: Api) -> Outcome {
    jobs(&api).create(&job("sleep 100000", json!({}))).await?;
    until_active(&api, 2).await?;
    let patch = json!({"metadata": {"annotations": {"patched": "true"}}, "status": {"ready": 1}});
    let patched = jobs(&api).patch("tried/status", MERGE, &patch).await?;
    ensure(patched["metadata"]["annotations"]["patched"] == "true", &patched)?;
    let replaced = jobs(&api)
        .change("tried/status", |job| {
            job["metadata"]["annotations"]["updated"] = "true".into();
            job["status"]["ready"] = 0.into();
        })
        .await?;
    ensure(replaced["metadata"]["annotations"]["updated"] == "true", &replaced)?;
    let read = jobs(&api).get("tried/status").await?;
    ensure(read["metadata"]["uid"] == replaced["metadata"]["uid"], &read)?;
    // The controller says again what it sees.
    until_active(&api, 2).await.map(drop)
}

async fn deletion(api: Api) -> Outcome {
    jobs(&api).create(&job("sleep 100000", json!({}))).await?;
    until_active(&api, 2).await?;
    jobs(&api).delete("tried", &json!({"propagationPolicy": "Foreground"})).await?;
    jobs(&api).until_gone("tried").await?;
    pods(&api).until_count("", 0).await.map(drop)
}

async fn lifecycle(api: Api) -> Outcome {
    let suspended = job("sleep 100000", json!({"suspend": true}));
    let mut watch = jobs(&api).watch_from_now("&labelSelector=app%3Dtried").await?;
    jobs(&api).create(&suspended).await?;
    watch.expect("ADDED", "tried").await?;
    let is_suspended = |job: &Value| !condition(job, "Suspended").is_null();
    jobs(&api).until("tried", "it is suspended", is_suspended).await?;
    ensure(pods(&api).list("").await?.is_empty(), "a suspended Job has no pods")?;
    let label = json!({"metadata": {"labels": {"patched": "true"}}});
    let patched = jobs(&api).patch("tried", MERGE, &label).await?;
    ensure(patched["metadata"]["labels"]["patched"] == "true", patched)?;
    let resumed = jobs(&api)
        .change("tried", |job| {
            job["spec"]["suspend"] = false.into();
            job["metadata"]["annotations"]["updated"] = "true".into();
        })
        .await?;
    ensure(resumed["metadata"]["annotations"]["updated"] == "true", resumed)?;
    until_active(&api, 2).await?;
    let everywhere =
        api.cluster_wide("batch/v1", "jobs").list("?labelSelector=patched%3Dtrue").await?;
    let ours = everywhere.iter().filter(|job| job["metadata"]["namespace"] == *api.namespace);
    ensure(ours.count() == 1, "it is listed")?;
    jobs(&api).delete_collection("?labelSelector=patched%3Dtrue").await?;
    watch.until("DELETED", "tried").await.map(drop)
}

async fn indexed(api: Api) -> Outcome {
    let script = "[ $(hostname) = tried-$JOB_COMPLETION_INDEX ]";
    jobs(&api).create(&job(script, json!({"completionMode": "Indexed", "completions": 4}))).await?;
    let done = until_over(&api, "Complete").await?;
    ensure(done["status"]["completedIndexes"] == "0-3" && done["status"]["succeeded"] == 4, &done)?;
    let mut indexes: Vec<String> = vec![];
    for pod in pods(&api).list("").await? {
        let index = pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
            .as_str()
            .unwrap_or_default();
        ensure(pod["spec"]["hostname"] == format!("tried-{index}"), &pod)?;
        indexes.push(index.to_owned());
    }
    indexes.sort();
    ensure(indexes == ["0", "1", "2", "3"], format!("{indexes:?}"))
}

async fn restarted(api: Api) -> Outcome {
    let mut sometimes = job("[ -f /data/marker ] || { touch /data/marker; exit 1; }", json!({}));
    let spec = &mut sometimes["spec"]["template"]["spec"];
    spec["restartPolicy"] = "OnFailure".into();
    spec["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    jobs(&api).create(&sometimes).await?;
    let done = until_over(&api, "Complete").await?;
    ensure(done["status"]["succeeded"] == 2 && done["status"]["failed"].is_null(), &done)?;
    let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"] == 1;
    ensure(pods(&api).list("").await?.iter().all(restarts), "each was restarted in its place")
}

fn exit_code_policy(action: &str, code: i32) -> Value {
    json!({"rules": [{"action": action, "onExitCodes": {"operator": "In", "values": [code]}}]})
}

async fn fails_early(api: Api) -> Outcome {
    let script = "[ $JOB_COMPLETION_INDEX -eq 0 ] && exit 42; sleep 100000";
    let policy = exit_code_policy("FailJob", 42);
    jobs(&api)
        .create(&job(script, json!({"completionMode": "Indexed", "podFailurePolicy": policy})))
        .await?;
    let failed = until_over(&api, "Failed").await?;
    ensure(condition(&failed, "Failed")["reason"] == "PodFailurePolicy", &failed)?;
    ensure(condition(&failed, "FailureTarget")["reason"] == "PodFailurePolicy", failed)
}

/// The pods of both indexes are evicted once, which would be too often if it counted.
async fn disrupted(api: Api) -> Outcome {
    let condition = json!({"type": "DisruptionTarget", "status": "True"});
    let policy = json!({"rules": [{"action": "Ignore", "onPodConditions": [condition]},
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0]}}]});
    let more = json!({"completionMode": "Indexed", "backoffLimit": 0, "podFailurePolicy": policy});
    let mut evicted = job(
        "[ -f /data/marker$JOB_COMPLETION_INDEX ] && exit 0; \
        touch /data/marker$JOB_COMPLETION_INDEX; sleep 100000",
        more,
    );
    let folder = tempfile::tempdir()?;
    let spec = &mut evicted["spec"]["template"]["spec"];
    spec["volumes"] = json!([{"name": "data", "hostPath": {"path": folder.path()}}]);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
    jobs(&api).create(&evicted).await?;
    for pod in until_active(&api, 2).await? {
        let index = pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"]
            .as_str()
            .unwrap_or_default();
        let marker = folder.path().join(format!("marker{index}"));
        crate::support::eventually("it has made its mark", || async {
            Ok(marker.exists().then_some(()))
        })
        .await?;
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": name(&pod), "namespace": api.namespace}});
        let path = format!("{}/{}/eviction", pods(&api).path, name(&pod));
        let header = [("content-type", "application/json")];
        let (code, answer) = api.send(http::Method::POST, &path, &header, Some(&eviction)).await?;
        ensure(code == 201, format!("{code} {answer}"))?;
    }
    let done = until_over(&api, "Complete").await?;
    ensure(done["status"]["failed"].is_null() && done["status"]["succeeded"] == 2, done)
}

async fn limit_per_index(api: Api) -> Outcome {
    let more = json!({"completionMode": "Indexed", "completions": 4, "backoffLimitPerIndex": 1});
    jobs(&api).create(&job(ODD_FAIL, more)).await?;
    let failed = until_over(&api, "Failed").await?;
    let status = &failed["status"];
    ensure(condition(&failed, "Failed")["reason"] == "FailedIndexes", &failed)?;
    ensure(status["failedIndexes"] == "1,3" && status["completedIndexes"] == "0,2", &failed)?;
    ensure(status["failed"] == 4 && status["succeeded"] == 2, failed)
}

async fn fails_index(api: Api) -> Outcome {
    let policy = exit_code_policy("FailIndex", 1);
    let more = json!({"completionMode": "Indexed", "backoffLimitPerIndex": 1,
        "podFailurePolicy": policy});
    jobs(&api).create(&job(ODD_FAIL, more)).await?;
    let failed = until_over(&api, "Failed").await?;
    let status = &failed["status"];
    ensure(status["failedIndexes"] == "1" && status["completedIndexes"] == "0", &failed)?;
    ensure(status["failed"] == 1 && status["succeeded"] == 1, failed)
}

async fn too_many_failed(api: Api) -> Outcome {
    let script = "[ $JOB_COMPLETION_INDEX -lt 2 ] && exit 1; sleep 100000";
    let more = json!({"completionMode": "Indexed", "completions": 4, "parallelism": 3,
        "backoffLimitPerIndex": 0, "maxFailedIndexes": 1});
    jobs(&api).create(&job(script, more)).await?;
    let failed = until_over(&api, "Failed").await?;
    ensure(condition(&failed, "Failed")["reason"] == "MaxFailedIndexesExceeded", &failed)?;
    ensure(failed["status"]["failedIndexes"] == "0,1", &failed)?;
    ensure(failed["status"]["active"].is_null(), failed)
}

/// A Job with a success policy of one rule succeeds, and these indexes have.
async fn succeeds(api: Api, script: &str, rule: Value, completed: &str) -> Outcome {
    let more = json!({"completionMode": "Indexed", "successPolicy": {"rules": [rule]}});
    jobs(&api).create(&job(script, more)).await?;
    let done = until_over(&api, "Complete").await?;
    for kind in ["SuccessCriteriaMet", "Complete"] {
        ensure(condition(&done, kind)["reason"] == "SuccessPolicy", &done)?;
    }
    ensure(done["status"]["completedIndexes"] == completed, done)
}
