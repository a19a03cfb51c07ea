//! CronJobs: Jobs on a schedule. The shortest has a minute between two, so these trials take minutes.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection};
use super::official;
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("CronJob should schedule multiple jobs concurrently", allowed),
        official("CronJob should not schedule jobs when suspended [Slow]", suspended),
        official("CronJob should not schedule new jobs when ForbidConcurrent [Slow]", forbidden),
        official("CronJob should replace jobs when ReplaceConcurrent", replaced),
    ]
}

/// A CronJob of every minute, whose Jobs go on for a long time.
fn cron_job(name: &str, policy: &str) -> Value {
    let container = json!({"name": "c", "image": "busybox:1.35", "command": ["sleep", "300"]});
    let pod = json!({"spec": {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 1,
        "containers": [container]}});
    json!({"metadata": {"name": name}, "spec": {"schedule": "*/1 * * * ?",
        "concurrencyPolicy": policy, "jobTemplate": {"spec": {"template": pod}}}})
}

fn cron_jobs(api: &Api) -> Collection {
    api.all("batch/v1", "cronjobs")
}

fn jobs(api: &Api) -> Collection {
    api.all("batch/v1", "jobs")
}

/// How many Jobs the CronJob says are active.
fn active(cron_job: &Value) -> usize {
    cron_job["status"]["active"].as_array().map_or(0, Vec::len)
}

/// Asks until there is an answer, for more than a minute.
async fn next_minute<T, F>(what: &str, mut ask: impl FnMut() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<Option<T>, Failed>>,
{
    match eventually(what, &mut ask).await {
        Ok(found) => Ok(found),
        Err(_) => eventually(what, ask).await,
    }
}

/// Waits until so many Jobs of a CronJob are active. The Jobs.
async fn until_active(api: &Api, name: &str, count: usize) -> Result<Vec<Value>, Failed> {
    for expected in 1..=count {
        next_minute(&format!("{expected} are active"), || async {
            let found = cron_jobs(api).get(name).await?;
            Ok((active(&found) >= expected).then_some(()))
        })
        .await?;
    }
    let found = jobs(api).list("").await?;
    let owner = |job: &Value| job["metadata"]["ownerReferences"][0]["name"].clone();
    Ok(found.into_iter().filter(|job| owner(job) == name).collect())
}

async fn end(api: &Api, name: &str) -> Outcome {
    cron_jobs(api).delete(name, &json!({"propagationPolicy": "Background"})).await?;
    jobs(api).until_count("", 0).await.map(drop)
}

async fn allowed(api: Api) -> Outcome {
    cron_jobs(&api).create(&cron_job("concurrent", "Allow")).await?;
    let found = until_active(&api, "concurrent", 2).await?;
    let running = found.iter().filter(|job| job["status"]["completionTime"].is_null());
    ensure(running.count() >= 2, format!("{found:?}"))?;
    end(&api, "concurrent").await
}

/// Another of the same schedule shows that the time has come.
async fn suspended(api: Api) -> Outcome {
    let mut suspended = cron_job("suspended", "Allow");
    suspended["spec"]["suspend"] = true.into();
    cron_jobs(&api).create(&suspended).await?;
    cron_jobs(&api).create(&cron_job("other", "Allow")).await?;
    until_active(&api, "other", 1).await?;
    let found = cron_jobs(&api).get("suspended").await?;
    ensure(active(&found) == 0 && found["status"]["lastScheduleTime"].is_null(), &found)?;
    let of_other = jobs(&api)
        .list("")
        .await?
        .iter()
        .all(|job| job["metadata"]["ownerReferences"][0]["name"] == "other");
    ensure(of_other, "the suspended one has no Job")?;
    cron_jobs(&api).delete("suspended", &Value::Null).await?;
    end(&api, "other").await
}

/// An event shows that the next was due.
async fn forbidden(api: Api) -> Outcome {
    cron_jobs(&api).create(&cron_job("forbid", "Forbid")).await?;
    let first = until_active(&api, "forbid", 1).await?;
    ensure(first.len() == 1, format!("{first:?}"))?;
    let events = api.all("v1", "events");
    next_minute("the next is refused", || async {
        let found = events.list("?fieldSelector=reason%3DJobAlreadyActive").await?;
        Ok((!found.is_empty()).then_some(()))
    })
    .await?;
    let found = cron_jobs(&api).get("forbid").await?;
    ensure(active(&found) == 1, &found)?;
    ensure(jobs(&api).list("").await?.len() == 1, "there is one Job")?;
    end(&api, "forbid").await
}

async fn replaced(api: Api) -> Outcome {
    cron_jobs(&api).create(&cron_job("replace", "Replace")).await?;
    let first = until_active(&api, "replace", 1).await?;
    ensure(first.len() == 1, format!("{first:?}"))?;
    let uid = first[0]["metadata"]["uid"].clone();
    let name = first[0]["metadata"]["name"].as_str().unwrap_or_default();
    next_minute("it is gone", || async { Ok((!jobs(&api).is_there(name).await?).then_some(())) })
        .await?;
    let is_another =
        |found: &Value| active(found) == 1 && found["status"]["active"][0]["uid"] != uid;
    cron_jobs(&api).until("replace", "another is active", is_another).await?;
    let found = jobs(&api).list("").await?;
    ensure(found.len() == 1, format!("{found:?}"))?;
    end(&api, "replace").await
}
