//! Files that come true, files that do not, and files that cannot be played.

use super::*;

const CREATED: &str = "# A comment.
create
apiVersion: v1
kind: ConfigMap
metadata: {name: facts}
data: {answer: '42'}
----
configmap/facts created
";

#[test]
fn a_file_that_comes_true_is_played_as_it_stands() {
    assert_eq!(play(CREATED), Ok(CREATED.to_owned()));
}

#[test]
fn what_comes_true_replaces_what_was_expected() {
    let wrong = CREATED.replace("configmap/facts created", "nothing at all");

    let played = play(&wrong).unwrap();

    assert_eq!(played, CREATED);
    assert_eq!(first_difference(&wrong, &played), Some(8));
}

#[test]
fn a_command_that_does_not_exist_is_told_with_its_line() {
    let cases = [
        ("create\n", 1, "no line ---- follows the command"),
        ("# why\n\nexplode\n----\n", 3, "\"explode\" is no command"),
        ("wait soon\n----\n", 1, "\"soon\" is no duration"),
        ("get gadgets\n----\n", 1, "the server doesn't have a resource type \"gadgets\""),
        ("get pods --shiny\n----\n", 1, "unknown flag: --shiny"),
        ("settle\nnow\n----\n", 1, "\"settle\" takes no lines below it"),
        ("settle\n----\n\nseed 7\n----\n", 4, "this stands before everything that happens"),
        ("load app=web much\n----\n", 1, "\"much\" is no quantity"),
        ("feature-gates Shiny=true\n----\n", 1, "unrecognized feature gate: Shiny"),
        (
            "settle\n----\n\nkill node-9\n----\n",
            4,
            "there is no machine and no component \"node-9\"",
        ),
    ];
    for (text, line, why) in cases {
        assert_eq!(play(text), Err(Failure::Command { line, why: why.to_owned() }), "{text}");
    }
}

#[test]
fn the_order_of_things_does_not_show_in_names() {
    let text = "create
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'registry.example/main:1'}]}
----

settle
----

get pods
----
";
    let played = play(text).unwrap();

    assert!(played.contains("web-b4x7k   1/1     Running   0          1s\n"), "{played}");
    for seed in 1..5 {
        assert_eq!(play_in_order(text, seed).as_ref(), Ok(&played));
    }
}

#[test]
fn columns_are_three_spaces_apart() {
    let rows = [["A", "LONG", "Z"], ["value", "b", ""]].map(|row| row.map(str::to_owned).to_vec());

    assert_eq!(table::aligned(&rows), "A       LONG   Z\nvalue   b");
}
