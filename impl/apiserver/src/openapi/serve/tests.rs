//! Forms, tags and hashes against what kube-apiserver v1.36.2 answers.

use http::header::{ETAG, HeaderName, VARY};

use super::*;
use crate::entity_tag::header;

fn call(query: &[(&str, &str)], accept: &str, if_none_match: &str) -> Call {
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let (accept, if_none_match) = (accept.to_owned(), if_none_match.to_owned());
    Call { query: query.collect(), accept, if_none_match, ..Call::default() }
}

fn apps(call: &Call) -> Response {
    version_3("apis/apps/v1", call, Timestamp::UNIX_EPOCH).unwrap()
}

fn headers(response: &Response, names: [HeaderName; 3]) -> [Option<&str>; 3] {
    names.map(|name| header(response, name))
}

#[test]
fn the_index_names_each_document_with_the_hash_of_its_content() {
    let response = index(&call(&[], "", ""));
    let index: Value = serde_json::from_slice(&response.body).unwrap();

    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let tag = entity_tag::of(&apps(&call(&[], "", "")).body);
    assert_eq!(tag.len(), 128);
    assert_eq!(address, format!("/openapi/v3/apis/apps/v1?hash={tag}"));
    assert_eq!(response.content_type, JSON);
    let known = super::index(&call(&[], "", header(&response, ETAG).unwrap()));
    assert_eq!((known.code, known.body.is_empty()), (304, true));
}

#[test]
fn a_document_asked_for_by_its_hash_never_changes() {
    let tag = tags()["apis/apps/v1"].clone();

    let plain = apps(&call(&[], "", ""));
    let hashed = apps(&call(&[("hash", &tag)], "", ""));

    let quoted = format!("\"{tag}\"");
    let names = || [ETAG, CACHE_CONTROL, EXPIRES];
    assert_eq!(headers(&plain, names()), [Some(quoted.as_str()), None, None]);
    let expires = Some("Fri, 01 Jan 1971 00:00:00 UTC");
    let for_good = [Some(quoted.as_str()), Some("public, immutable"), expires];
    assert_eq!(headers(&hashed, names()), for_good);
    assert_eq!((hashed.code, header(&hashed, VARY)), (200, Some("Accept")));
    assert_eq!(hashed.body, plain.body);
}

#[test]
fn another_hash_leads_to_the_right_one() {
    let moved = apps(&call(&[("hash", "ABC")], "", ""));

    let tag = &tags()["apis/apps/v1"];
    let address = format!("/openapi/v3/apis/apps/v1?hash={tag}");
    assert_eq!((moved.code, header(&moved, LOCATION)), (301, Some(address.as_str())));
    assert!(moved.body.is_empty());
}

#[test]
fn who_has_the_content_is_not_sent_it_again() {
    let first = version_2(&call(&[], "", ""));
    let tag = header(&first, ETAG).unwrap();

    for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let response = version_2(&call(&[], "", &known));
        assert_eq!((response.code, header(&response, ETAG)), (304, Some(tag)), "{known}");
        assert!(response.body.is_empty());
    }
    assert_eq!(version_2(&call(&[], "", "\"x\"")).code, 200);
    assert_eq!(apps(&call(&[], "", &format!("\"{}\"", tags()["apis/apps/v1"]))).code, 304);
}

#[test]
fn version_2_comes_in_the_form_that_is_accepted() {
    let form = |accept: &str| {
        let response = version_2(&call(&[], accept, ""));
        (response.code, response.content_type)
    };

    assert_eq!(form(""), (200, JSON));
    assert_eq!(form("application/json, */*"), (200, JSON));
    assert_eq!(form(PROTOBUF_DEPRECATED), (200, PROTOBUF));
    assert_eq!(form(PROTOBUF), (200, PROTOBUF));
    assert_eq!(form("text/html"), (406, ""));
}

#[test]
fn version_3_comes_in_the_form_that_is_accepted() {
    let form = |accept: &str| {
        let response = apps(&call(&[], accept, ""));
        (response.code, response.content_type)
    };

    assert_eq!(form("application/json, */*"), (200, JSON));
    assert_eq!(form(PROTOBUF_V3_DEPRECATED), (200, PROTOBUF_V3));
    assert_eq!(form(PROTOBUF_V3), (200, PROTOBUF_V3));
    assert_eq!(form(PROTOBUF), (406, ""));
    let tag = |accept: &str| header(&apps(&call(&[], accept, "")), ETAG).map(str::to_owned);
    assert_eq!(tag(PROTOBUF_V3), tag(JSON), "both are of one content");
    assert_eq!(apps(&call(&[], "text/html", "")).code, 406);
}

#[test]
fn what_is_not_served_has_no_document() {
    let refused = version_3("apis/example.com/v1", &call(&[], "", ""), Timestamp::UNIX_EPOCH);

    assert_eq!(refused, Err(Status::no_such_path()));
}
