//! Tests of answers in each encoding: they say the same.

use http::Method;
use serde_json::{Value, json};
use store::Store;

use crate::call::{Call, Context, Decision, Response};
use crate::testing::Client;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// A store with two ConfigMaps.
fn store() -> Store {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    for name in ["x", "y"] {
        let map = json!({"metadata": {"name": name}, "data": {"k": "v"}});
        client.created("/api/v1/namespaces/a/configmaps", &map);
    }
    client.store
}

fn get(path: &str, query: &[(&str, &str)], accept: &str) -> Decision {
    let mut call = Call::of_tests(Method::GET, path, &Value::Null);
    call.body.clear();
    call.accept = accept.to_owned();
    call.query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    crate::decide(&store(), &call, &Context::of_tests())
}

fn answer(path: &str, accept: &str) -> Response {
    let Decision::Respond(response) = get(path, &[], accept) else { panic!("{path} answers") };
    response
}

fn json_of(path: &str) -> Value {
    serde_json::from_slice(&answer(path, "application/json").body).expect("it is JSON")
}

const PATHS: [&str; 4] = [
    "/api/v1/namespaces/a/configmaps/x",
    "/api/v1/namespaces/a/configmaps",
    "/api/v1/namespaces/a/configmaps/nope",
    "/api/v1/nope",
];

#[test]
fn yaml_says_the_same_as_json() {
    for path in PATHS {
        let response = answer(path, "application/yaml");

        assert_eq!(response.content_type, "application/yaml");
        assert_eq!(api::decode::parse_yaml(&response.body).unwrap().value, json_of(path), "{path}");
    }
}

#[test]
fn protobuf_says_the_same_as_json() {
    for path in PATHS {
        let response = answer(path, PROTOBUF);

        assert_eq!(response.content_type, PROTOBUF);
        let decoded = api::protobuf::decode_any(&response.body).unwrap();
        let expected = api::protobuf::encode(&json_of(path)).unwrap();
        assert_eq!(decoded, api::protobuf::decode_any(&expected).unwrap(), "{path}");
        assert_eq!(decoded["kind"], json_of(path)["kind"], "{path}");
    }
}

#[test]
fn a_watch_in_protobuf_tells_the_same_in_frames() {
    let path = "/api/v1/namespaces/a/configmaps";
    let bookmarks = ("allowWatchBookmarks", "true");
    let Decision::Watch(mut watch) = get(path, &[("watch", "1"), bookmarks], PROTOBUF) else {
        panic!("it is a watch");
    };

    assert_eq!(watch.content_type(), "application/vnd.kubernetes.protobuf;stream=watch");
    let expected = ["x", "y"].map(|name| {
        let object = json_of(&format!("{path}/{name}"));
        api::protobuf::watch_event("ADDED", &object).unwrap()
    });
    let context = Context::of_tests();
    let mut told = watch.lines(&store(), context.now, usize::MAX).unwrap();
    let end = told.pop().unwrap();
    assert_eq!(told, expected);
    let mut metadata = json!({"resourceVersion": "4", "creationTimestamp": null});
    let bookmark = |metadata: &Value| {
        let bookmark = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        api::protobuf::watch_event("BOOKMARK", &bookmark).unwrap()
    };
    assert_eq!(watch.bookmark(), bookmark(&metadata));
    metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    assert_eq!(end, bookmark(&metadata));
}

#[test]
fn a_table_is_never_protobuf() {
    let table = "as=Table;g=meta.k8s.io;v=v1";
    let path = "/api/v1/namespaces/a/configmaps";

    let either = answer(path, &format!("{PROTOBUF};{table},application/json;{table}"));
    let refused = answer(path, &format!("{PROTOBUF};{table}"));

    let kind = |response: &Response| {
        let value: Value = serde_json::from_slice(&response.body).unwrap();
        value["kind"].clone()
    };
    assert_eq!((either.code, kind(&either)), (200, json!("Table")));
    assert_eq!((refused.code, kind(&refused)), (406, json!("Status")));
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/a/deployments";

/// The answer to a GET of a store with a deployment of three, in a form.
fn shown(path: &str, form: &str) -> (u16, Value) {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    let pod = json!({"containers": [{"name": "c", "image": "i"}]});
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod});
    let spec =
        json!({"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template});
    client.created(DEPLOYMENTS, &json!({"metadata": {"name": "web"}, "spec": spec}));
    let mut call = Call::of_tests(Method::GET, path, &Value::Null);
    call.body.clear();
    call.accept = format!("application/json;{form};g=meta.k8s.io");
    let decision = crate::decide(&client.store, &call, &client.context);
    let Decision::Respond(response) = decision else { panic!("{path} answers") };
    (response.code, serde_json::from_slice(&response.body).unwrap())
}

#[test]
fn a_scale_is_shown_in_every_form() {
    let scale = format!("{DEPLOYMENTS}/web/scale");

    let (_, table) = shown(&scale, "as=Table;v=v1");
    let (_, partial) = shown(&scale, "as=PartialObjectMetadata;v=v1");

    assert_eq!(table["columnDefinitions"][2]["name"], "Available");
    assert_eq!(table["rows"][0]["cells"], json!(["web", 3, 0, "0s"]));
    assert_eq!(table["rows"][0]["object"]["metadata"]["name"], "web");
    assert_eq!(partial["kind"], "PartialObjectMetadata");
    assert_eq!(partial["metadata"]["uid"], "1");
}

#[test]
fn forms_are_of_the_version_that_is_asked_for() {
    let one = format!("{DEPLOYMENTS}/web");
    for version in ["v1", "v1beta1"] {
        let group = format!("meta.k8s.io/{version}");
        let (_, table) = shown(DEPLOYMENTS, &format!("as=Table;v={version}"));
        let (_, partial) = shown(&one, &format!("as=PartialObjectMetadata;v={version}"));
        let list = format!("as=PartialObjectMetadataList;v={version}");
        let (_, list) = shown(DEPLOYMENTS, &list);

        let versions = [&table, &table["rows"][0]["object"], &partial, &list, &list["items"][0]];
        for object in versions {
            assert_eq!(object["apiVersion"], group, "{object}");
        }
    }
    assert_eq!(shown(&one, "as=Table;v=v1alpha1").0, 406);
}

#[test]
fn metadata_of_several_are_a_list_and_of_one_are_none() {
    let one = format!("{DEPLOYMENTS}/web");

    let (code, of_list) = shown(DEPLOYMENTS, "as=PartialObjectMetadata;v=v1");
    let (_, of_one) = shown(&one, "as=PartialObjectMetadataList;v=v1");

    let list = "you requested PartialObjectMetadata, but the requested object is a list (*apps.DeploymentList)";
    assert_eq!((code, &of_list["message"]), (406, &json!(list)));
    let none = "you requested PartialObjectMetadataList, but the requested object is not a list (*apps.Deployment)";
    assert_eq!(of_one["message"], none);
}
