//! Pods whose devices must become ready before they are bound.

use super::*;

/// A device that must become ready, as the claim of `web` has it.
fn unready() -> Scheduler {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, device_class(), 0);
    let device = json!([{"name": "gpu-0", "bindingConditions": ["Attached"], "bindingFailureConditions": ["Broken"]}]);
    hear(&mut scheduler, devices_on("a", device), 0);
    add_pod(&mut scheduler, "web");
    scheduler
}

/// The claim as it is when its device says this of itself.
fn saying(written: &Request, condition: &str) -> AnyObject {
    let mut claim = written.body.clone().unwrap();
    claim["metadata"]["resourceVersion"] = json!("4");
    let condition = json!({"type": condition, "status": "True", "reason": "R", "message": "m", "lastTransitionTime": "1970-01-01T00:00:12Z"});
    claim["status"]["devices"] = json!([{"driver": "dra.example.com", "pool": "a", "device": "gpu-0", "conditions": [condition]}]);
    stored(CLAIMS, claim)
}

#[test]
fn a_pod_is_bound_only_once_its_device_is_ready() {
    let mut scheduler = unready();
    let first = schedule(&mut scheduler, 10);
    let begins = of_claims(&first.requests)[0].clone();
    let writes = grant(&mut scheduler, "web", &begins, "2");

    let told = grant(&mut scheduler, "web", &writes[0], "3");
    let before = scheduler.schedule_one(7, at(11));
    hear(&mut scheduler, saying(&writes[0], "Attached"), 12);
    let bound = schedule(&mut scheduler, 12);

    let event = told[0].body.as_ref().unwrap();
    assert_eq!(event["reason"], "BindingConditionsPending");
    assert_eq!(event["message"], "waiting for binding conditions for device on node a");
    assert_eq!(before, None);
    assert_eq!(chosen(&bound), "a");
}

#[test]
fn a_device_that_fails_or_takes_too_long_is_given_up() {
    let given_up = |condition: Option<&str>, seconds: i64| {
        let mut scheduler = unready();
        let first = schedule(&mut scheduler, 10);
        let begins = of_claims(&first.requests)[0].clone();
        let writes = grant(&mut scheduler, "web", &begins, "2");
        grant(&mut scheduler, "web", &writes[0], "3");
        if let Some(condition) = condition {
            hear(&mut scheduler, saying(&writes[0], condition), 12);
        }
        let deadline = scheduler.next_deadline();
        (deadline, schedule(&mut scheduler, seconds))
    };

    let (_, failed) = given_up(Some("Broken"), 12);
    let (_, late) = given_up(Some("Other"), 610);
    let why = "running PreBind plugin \"DynamicResources\": device binding";

    assert_eq!(message(&failed), format!("{why} failed: claim=web, reason=R, message=\"m\""));
    assert_eq!(message(&late), format!("{why} timeout: context deadline exceeded"));
    assert_eq!(failed.requests[0].verb, Verb::StrategicMergePatch);
}
