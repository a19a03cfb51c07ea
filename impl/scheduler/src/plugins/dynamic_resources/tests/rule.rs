//! The search finds devices exactly where there are some: it is held against all ways to give out devices.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A device: its color, what it consumes of the one counter, whether it is tainted, and whether somebody has it.
type Part = (bool, i64, bool, bool);

/// One way to meet a request: of a color or of any, how many or all.
type Way = (Option<bool>, Option<usize>);

/// What is asked for: by requests, the ways to meet each; and whether colors must be the same, or must differ.
#[derive(Clone, Debug)]
struct Asked {
    requests: Vec<Vec<Way>>,
    same: Option<bool>,
}

const COUNTER: i64 = 6;

fn part() -> impl Strategy<Value = Part> {
    (any::<bool>(), 0..4_i64, prop::bool::weighted(0.2), prop::bool::weighted(0.2))
}

fn way() -> impl Strategy<Value = Way> {
    (prop::option::of(any::<bool>()), prop::option::weighted(0.8, 1..3_usize))
}

fn asked() -> impl Strategy<Value = Asked> {
    let requests = prop::collection::vec(prop::collection::vec(way(), 1..3), 1..4);
    (requests, prop::option::of(any::<bool>())).prop_map(|(requests, same)| {
        // That all devices break a constraint is an error, which another test shows.
        let has_all = requests.iter().flatten().any(|(_, count)| count.is_none());
        Asked { requests, same: same.filter(|_| !has_all) }
    })
}

fn color(color: bool) -> &'static str {
    if color { "red" } else { "blue" }
}

fn world(parts: &[Part]) -> World {
    let mut world = World::default();
    world.hear(crate::testing::device_class());
    let pool = json!({"name": "a", "generation": 1, "resourceSliceCount": 2});
    let devices: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(index, (is_red, consumes, is_tainted, _))| {
            let counters = json!({"memory": {"value": consumes.to_string()}});
            let taint = json!({"key": "x", "effect": "NoSchedule"});
            json!({
                "name": format!("{index}"),
                "attributes": {"color": {"string": color(*is_red)}},
                "taints": if *is_tainted { json!([taint]) } else { json!([]) },
                "consumesCounters": [{"counterSet": "card", "counters": counters}],
            })
        })
        .collect();
    let card = json!([{"name": "card", "counters": {"memory": {"value": COUNTER.to_string()}}}]);
    for (name, spec) in [("c", json!({"sharedCounters": card})), ("d", json!({"devices": devices}))]
    {
        let mut spec = spec;
        (spec["driver"], spec["pool"], spec["nodeName"]) =
            (json!("dra.example.com"), pool.clone(), json!("a"));
        let slice = json!({"metadata": {"name": name}, "spec": spec});
        world.hear(stored(&resources::RESOURCE_SLICES, slice));
    }
    for (index, _) in parts.iter().enumerate().filter(|(_, part)| part.3) {
        world.allocated(&format!("other-{index}"), json!({"device": format!("{index}")}));
    }
    world
}

fn claim(asked: &Asked) -> Value {
    let requests: Vec<Value> = asked
        .requests
        .iter()
        .enumerate()
        .map(|(index, options)| {
            let alternatives: Vec<Value> = options
                .iter()
                .enumerate()
                .map(|(index, (of, count))| {
                    let mut one = json!({"name": format!("o{index}"), "deviceClassName": "gpu"});
                    if let Some(of) = of {
                        let own = "device.attributes['dra.example.com'].color";
                        one["selectors"] = selector(&format!("{own} == '{}'", color(*of)));
                    }
                    match count {
                        Some(count) => one["count"] = json!(count),
                        None => one["allocationMode"] = json!("All"),
                    }
                    one
                })
                .collect();
            json!({"name": format!("r{index}"), "firstAvailable": alternatives})
        })
        .collect();
    let constraint = asked.same.map(|same| {
        let kind = if same { "matchAttribute" } else { "distinctAttribute" };
        json!([{kind: "dra.example.com/color"}])
    });
    json!({"requests": requests, "constraints": constraint})
}

/// Every set of devices that meets an option by itself.
fn sets(parts: &[Part], (of, count): Way) -> Vec<BTreeSet<usize>> {
    let meant = |index: &usize| of.is_none_or(|of| parts[*index].0 == of);
    let all: BTreeSet<usize> = (0..parts.len()).filter(meant).collect();
    let Some(count) = count else {
        return if all.is_empty() { vec![] } else { vec![all] };
    };
    let every = (0_u32..1 << parts.len()).map(|bits| -> BTreeSet<usize> {
        (0..parts.len()).filter(|index| bits & (1 << index) != 0).collect()
    });
    every.filter(|set| set.len() == count && set.is_subset(&all)).collect()
}

/// Whether one claim may have these devices for its requests.
fn may_have(parts: &[Part], given: &[BTreeSet<usize>], same: Option<bool>) -> bool {
    let all: Vec<usize> = given.iter().flatten().copied().collect();
    let distinct: BTreeSet<usize> = all.iter().copied().collect();
    let taken = parts.iter().enumerate().filter(|(index, part)| part.3 || distinct.contains(index));
    let colors: BTreeSet<bool> = all.iter().map(|index| parts[*index].0).collect();
    distinct.len() == all.len()
        && all.iter().all(|index| !parts[*index].2 && !parts[*index].3)
        && taken.map(|(_, part)| part.1).sum::<i64>() <= COUNTER
        && match same {
            None => true,
            Some(true) => colors.len() <= 1,
            Some(false) => colors.len() == all.len(),
        }
}

/// Whether there is any way at all, by trying every set of devices for each request.
fn is_possible(parts: &[Part], asked: &Asked, given: &mut Vec<BTreeSet<usize>>) -> bool {
    let Some(options) = asked.requests.get(given.len()) else {
        return may_have(parts, given, asked.same);
    };
    options.iter().flat_map(|option| sets(parts, *option)).any(|set| {
        given.push(set);
        let found = is_possible(parts, asked, given);
        given.pop();
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn devices_are_found_exactly_where_there_are_some(
        parts in prop::collection::vec(part(), 0..5),
        asked in asked(),
    ) {
        let mut world = world(&parts);

        let found = world.try_claim(claim(&asked));

        let is_possible = is_possible(&parts, &asked, &mut vec![]);
        prop_assert_eq!(found.is_ok(), is_possible, "{:?}", found);
        let Ok(found) = found else { return Ok(()) };
        let mut given = vec![BTreeSet::new(); asked.requests.len()];
        for one in &found {
            let (request, device) = one.split_once('=').unwrap();
            let (request, option) = request.split_once('/').unwrap();
            let (request, option): (usize, usize) =
                (request[1..].parse().unwrap(), option[1..].parse().unwrap());
            let device: usize = device.parse().unwrap();
            let of = asked.requests[request][option].0;
            prop_assert!(of.is_none_or(|of| parts[device].0 == of));
            given[request].insert(device);
        }
        prop_assert!(may_have(&parts, &given, asked.same));
        let meets = |(options, set): (&Vec<Way>, &BTreeSet<usize>)| {
            options.iter().any(|option| sets(&parts, *option).contains(set))
        };
        prop_assert!(asked.requests.iter().zip(&given).all(meets));
    }
}
