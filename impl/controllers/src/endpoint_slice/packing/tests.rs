//! How endpoints are fitted into slices.

use serde_json::json;

use super::*;

fn endpoint(index: usize) -> Endpoint {
    let address = format!("10.0.{}.{}", index / 250, index % 250);
    serde_json::from_value(json!({"addresses": [address], "conditions": {"ready": true}})).unwrap()
}

fn slice(name: &str, endpoints: impl Iterator<Item = usize>) -> Arc<EndpointSlice> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let endpoints = Some(endpoints.map(endpoint).collect());
    Arc::new(EndpointSlice { metadata, endpoints, ..EndpointSlice::default() })
}

/// The sizes of new slices, the names and sizes of those written anew, and the names of those that go.
type Sizes = (Vec<usize>, Vec<(String, usize)>, Vec<String>);

fn packed(existing: &[Arc<EndpointSlice>], wanted: impl Iterator<Item = usize>) -> Sizes {
    let mut groups = Groups::default();
    let group = groups.of(vec![]);
    wanted.for_each(|index| group.insert(endpoint(index)));
    let existing: Vec<_> = existing.iter().collect();

    let changes = pack(&EndpointSlice::default(), &existing, groups);

    let name = |slice: &EndpointSlice| slice.metadata.name.clone().unwrap_or_default();
    (
        changes.create.iter().map(count).collect(),
        changes.update.iter().map(|slice| (name(slice), count(slice))).collect(),
        changes.delete.iter().map(|slice| name(slice)).collect(),
    )
}

#[test]
fn new_endpoints_fill_slices_of_a_hundred() {
    assert_eq!(packed(&[], 0..250), (vec![100, 100, 50], vec![], vec![]));
}

#[test]
fn what_stays_is_not_written() {
    let existing = [slice("a", 0..100), slice("b", 100..150)];

    assert_eq!(packed(&existing, 0..150), (vec![], vec![], vec![]));
}

#[test]
fn new_endpoints_fill_a_slice_that_is_written_anyway() {
    let existing = [slice("a", 0..60), slice("b", 100..150)];

    let packed = packed(&existing, (1..60).chain(100..150).chain(200..210));

    assert_eq!(packed, (vec![], vec![("a".to_owned(), 69)], vec![]));
}

#[test]
fn new_endpoints_go_to_the_fullest_slice_with_room() {
    let existing = [slice("a", 0..95), slice("b", 100..190), slice("c", 200..250)];

    let packed = packed(&existing, (0..95).chain(100..190).chain(200..250).chain(300..310));

    assert_eq!(packed, (vec![], vec![("b".to_owned(), 100)], vec![]));
}

#[test]
fn more_than_fit_into_one_slice_begin_a_new_one() {
    let existing = [slice("a", 0..95)];

    assert_eq!(packed(&existing, 0..110), (vec![15], vec![], vec![]));
}

#[test]
fn a_slice_whose_endpoints_are_gone_goes() {
    let existing = [slice("a", 0..2), slice("b", 2..4)];

    assert_eq!(packed(&existing, 2..4), (vec![], vec![], vec!["a".to_owned()]));
}

#[test]
fn an_endpoint_that_changes_is_written_where_it_is() {
    let mut groups = Groups::default();
    let mut changed = endpoint(1);
    changed.conditions = Some(serde_json::from_value(json!({"ready": false})).unwrap());
    groups.of(vec![]).insert(endpoint(0));
    groups.of(vec![]).insert(changed.clone());

    let changes = pack(&EndpointSlice::default(), &[&slice("a", 0..2)], groups);

    assert_eq!(changes.update[0].endpoints, Some(vec![endpoint(0), changed]));
}
