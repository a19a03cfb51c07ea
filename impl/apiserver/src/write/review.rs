//! Reviews: a POST that is answered, and nothing is stored. Who am I, what may I do, whose is this token.
//!
//! Source: `pkg/registry/authentication` and `pkg/registry/authorization` (v1.36).

use api::object::{at, text};
use api::status::Cause;
use api::{ApiResource, Status, resources};
use http::Method;
use serde_json::{Value, json};

use crate::call::{Decision, User};
use crate::negotiate;
use crate::write::{Write, body, create};
use crate::{authorization, token};

/// Decides about a review.
pub(crate) fn review(write: Write<'_>) -> Result<Decision, Status> {
    let Write { call, target, context, .. } = write;
    if call.method != Method::POST || target.name.is_some() {
        return Err(Status::method_not_allowed());
    }
    let format = negotiate::format(call, target)?;
    let body::Body { mut object, warnings } = body::object(call, target)?;
    create::set_type(target.resource, &mut object);
    if target.resource == &resources::LOCAL_SUBJECT_ACCESS_REVIEWS {
        create::set_namespace(write, &mut object)?;
    }
    let causes = validate(target.resource, &object);
    if !causes.is_empty() {
        return Err(Status::invalid(target.resource, "", causes));
    }
    object["status"] = status(write, &object)?;
    if target.resource == &resources::SELF_SUBJECT_REVIEWS {
        let now = json!(api::time::text(context.now));
        api::object::metadata_mut(&mut object).insert("creationTimestamp".to_owned(), now);
    }
    Ok(write.unchanged(&object, 201, format, warnings))
}

fn status(write: Write<'_>, review: &Value) -> Result<Value, Status> {
    let user = &write.call.user;
    match write.target.resource.kind {
        "SelfSubjectReview" => Ok(json!({"userInfo": user.info()})),
        "TokenReview" => token::review(write.store, review, write.context),
        "SelfSubjectRulesReview" if text(review, &["spec", "namespace"]).is_empty() => {
            Err(Status::bad_request("no namespace on request"))
        }
        "SelfSubjectRulesReview" => Ok(rules(user)),
        "SelfSubjectAccessReview" => Ok(access(user, review)),
        _ => Ok(access(&subject(review), review)),
    }
}

/// Whom a review asks about.
fn subject(review: &Value) -> User {
    let groups = at(review, &["spec", "groups"]).and_then(Value::as_array);
    let groups = groups.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let name = text(review, &["spec", "user"]).to_owned();
    User { name, groups: groups.collect(), ..User::default() }
}

fn access(user: &User, review: &Value) -> Value {
    let (verb, path) = match at(review, &["spec", "nonResourceAttributes"]) {
        Some(attributes) => (text(attributes, &["verb"]), Some(text(attributes, &["path"]))),
        None => (text(review, &["spec", "resourceAttributes", "verb"]), None),
    };
    json!({"allowed": authorization::allows(user, verb, path)})
}

fn rules(user: &User) -> Value {
    let everything = json!(["*"]);
    if user.is_anonymous() {
        return json!({"resourceRules": [], "nonResourceRules": [], "incomplete": false});
    }
    json!({
        "resourceRules": [{"verbs": everything, "apiGroups": everything, "resources": everything}],
        "nonResourceRules": [{"verbs": everything, "nonResourceURLs": everything}],
        "incomplete": false,
    })
}

/// What a question about access breaks.
fn validate(resource: &ApiResource, review: &Value) -> Vec<Cause> {
    if !resource.kind.ends_with("SubjectAccessReview") {
        return vec![];
    }
    let mut causes: Vec<Cause> = attribute_cause(review).into_iter().collect();
    if resource.kind != "SelfSubjectAccessReview" {
        causes.extend(subject_cause(review));
    }
    if resource.kind == "LocalSubjectAccessReview" {
        causes.extend(local_cause(review));
    }
    causes
}

/// Exactly one kind of attributes must be asked about.
fn attribute_cause(review: &Value) -> Option<Cause> {
    let attributes = |kind| at(review, &["spec", kind]);
    let invalid =
        |kind: &str, value: &Value, rule| Some(Cause::invalid(format!("spec.{kind}"), value, rule));
    match (attributes("resourceAttributes"), attributes("nonResourceAttributes")) {
        (Some(_), Some(both)) => invalid(
            "nonResourceAttributes",
            both,
            "cannot be specified in combination with resourceAttributes",
        ),
        (None, None) => invalid(
            "resourceAttributes",
            &Value::Null,
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

fn subject_cause(review: &Value) -> Option<Cause> {
    let subject = subject(review);
    let rule = "at least one of user or group must be specified";
    let nobody = subject.name.is_empty() && subject.groups.is_empty();
    nobody.then(|| Cause::invalid("spec.user", &json!(""), rule))
}

/// A local review asks about objects of its own namespace.
fn local_cause(review: &Value) -> Option<Cause> {
    let Some(attributes) = at(review, &["spec", "resourceAttributes"]) else {
        let asked = at(review, &["spec", "nonResourceAttributes"])?;
        let rule = "disallowed on this kind of request";
        return Some(Cause::invalid("spec.nonResourceAttributes", asked, rule));
    };
    let asked = text(attributes, &["namespace"]);
    let rule = "must match metadata.namespace";
    let field = "spec.resourceAttributes.namespace";
    let is_other = asked != text(review, &["metadata", "namespace"]);
    is_other.then(|| Cause::invalid(field, &json!(asked), rule))
}

#[cfg(test)]
mod tests {
    use store::Store;

    use super::*;
    use crate::call::{Call, Context};

    fn asked(path: &str, spec: &Value) -> Value {
        let call = Call::of_tests(Method::POST, path, &json!({"spec": spec}));
        let decision = crate::decide(&Store::default(), &call, &Context::of_tests());
        let Decision::Respond(response) = decision else { panic!("a review is answered") };
        serde_json::from_slice(&response.body).expect("an answer is JSON")
    }

    const ACCESS: &str = "/apis/authorization.k8s.io/v1";

    #[test]
    fn everybody_learns_who_they_are() {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

        let review = asked(path, &json!({}));

        let expected = json!({"username": "ada", "groups": ["admins"]});
        assert_eq!(review["status"]["userInfo"], expected);
        assert_eq!(review["kind"], "SelfSubjectReview");
    }

    #[test]
    fn who_has_a_certificate_may_do_everything_and_others_see_the_version() {
        let path = format!("{ACCESS}/subjectaccessreviews");
        let pods = |name: &str| json!({"user": name, "resourceAttributes": {"verb": "list", "resource": "pods"}});
        let version = json!({"user": "system:anonymous",
            "nonResourceAttributes": {"verb": "get", "path": "/version"}});
        let ask = |spec| asked(&path, &spec)["status"]["allowed"].clone();

        assert_eq!(ask(pods("ada")), true);
        assert_eq!(ask(pods("system:anonymous")), false);
        assert_eq!(ask(version), true);
    }

    #[test]
    fn questions_that_make_no_sense_are_refused() {
        let both = json!({"resourceAttributes": {}, "nonResourceAttributes": {}});
        let elsewhere = json!({"user": "a", "resourceAttributes": {"namespace": "b"}});
        let table = [
            ("selfsubjectaccessreviews", json!({}), "exactly one of"),
            ("selfsubjectaccessreviews", both, "cannot be specified in combination"),
            ("subjectaccessreviews", json!({"resourceAttributes": {}}), "at least one of user"),
            ("namespaces/a/localsubjectaccessreviews", elsewhere, "must match metadata.namespace"),
            ("selfsubjectrulesreviews", json!({}), "no namespace on request"),
        ];
        for (path, spec, expected) in table {
            let refusal = asked(&format!("{ACCESS}/{path}"), &spec);
            let message = refusal["message"].as_str().unwrap_or_default();
            assert!(message.contains(expected), "{path}: {message}");
        }
    }
}
