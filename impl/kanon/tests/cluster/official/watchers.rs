//! Watches of ConfigMaps.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, MERGE, Watch};
use super::official;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official(
            "Watchers should observe add, update, and delete watch notifications on configmaps",
            several_watchers,
        ),
        official(
            "Watchers should be able to start watching from a specific resource version",
            from_a_version,
        ),
        official(
            "Watchers should be able to restart watching from the last resource version observed by the \
             previous watch",
            restarted,
        ),
        official(
            "Watchers should observe an object deletion if it stops meeting the requirements of the selector",
            deselected,
        ),
        official("Watchers should receive events on concurrent watches in same order", in_order),
    ]
}

fn map(name: &str, label: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"watched": label}}})
}

fn data(value: usize) -> Value {
    json!({"data": {"value": value.to_string()}})
}

fn label(value: &str) -> Value {
    json!({"metadata": {"labels": {"watched": value}}})
}

fn version(object: &Value) -> Result<String, Failed> {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.map(str::to_owned).ok_or_else(|| format!("no version: {object}").into())
}

async fn several_watchers(api: Api) -> Outcome {
    let maps = api.all("v1", "configmaps");
    let mut a = maps.watch_from_now("&labelSelector=watched%3Da").await?;
    let mut b = maps.watch_from_now("&labelSelector=watched%3Db").await?;
    let mut both = maps.watch_from_now("&labelSelector=watched+in+(a,b)").await?;
    let expect = async |watches: [&mut Watch; 2], kind: &str, name: &str| -> Outcome {
        for watch in watches {
            watch.expect(kind, name).await?;
        }
        Ok(())
    };

    maps.create(&map("of-a", "a")).await?;
    expect([&mut a, &mut both], "ADDED", "of-a").await?;
    for value in 1..3 {
        maps.patch("of-a", MERGE, &data(value)).await?;
        expect([&mut a, &mut both], "MODIFIED", "of-a").await?;
    }
    maps.delete("of-a", &Value::Null).await?;
    expect([&mut a, &mut both], "DELETED", "of-a").await?;
    // What the watch of the other label is told next shows that it was told of none of these.
    maps.create(&map("of-b", "b")).await?;
    expect([&mut b, &mut both], "ADDED", "of-b").await?;
    maps.delete("of-b", &Value::Null).await?;
    expect([&mut b, &mut both], "DELETED", "of-b").await?;
    maps.create(&map("of-a-again", "a")).await?;
    expect([&mut a, &mut both], "ADDED", "of-a-again").await
}

async fn from_a_version(api: Api) -> Outcome {
    let maps = api.all("v1", "configmaps");
    maps.create(&map("tried", "a")).await?;
    let first = maps.patch("tried", MERGE, &data(1)).await?;
    maps.patch("tried", MERGE, &data(2)).await?;
    maps.delete("tried", &Value::Null).await?;

    let from = format!("&labelSelector=watched%3Da&resourceVersion={}", version(&first)?);
    let mut watch = maps.watch(&from).await?;

    let seen = watch.expect("MODIFIED", "tried").await?;
    ensure(seen["data"]["value"] == "2", seen)?;
    watch.expect("DELETED", "tried").await.map(drop)
}

async fn restarted(api: Api) -> Outcome {
    let maps = api.all("v1", "configmaps");
    let mut watch = maps.watch_from_now("&labelSelector=watched%3Da").await?;
    maps.create(&map("tried", "a")).await?;
    maps.patch("tried", MERGE, &data(1)).await?;
    watch.expect("ADDED", "tried").await?;
    let last = version(&watch.expect("MODIFIED", "tried").await?)?;
    drop(watch);
    maps.patch("tried", MERGE, &data(2)).await?;
    maps.delete("tried", &Value::Null).await?;

    let from = format!("&labelSelector=watched%3Da&resourceVersion={last}");
    let mut watch = maps.watch(&from).await?;

    let seen = watch.expect("MODIFIED", "tried").await?;
    ensure(seen["data"]["value"] == "2", seen)?;
    watch.expect("DELETED", "tried").await.map(drop)
}

async fn deselected(api: Api) -> Outcome {
    let maps = api.all("v1", "configmaps");
    let mut watch = maps.watch_from_now("&labelSelector=watched%3Da").await?;
    maps.create(&map("tried", "a")).await?;
    maps.patch("tried", MERGE, &data(1)).await?;
    maps.patch("tried", MERGE, &label("other")).await?;
    maps.patch("tried", MERGE, &data(2)).await?;
    maps.patch("tried", MERGE, &label("a")).await?;
    maps.patch("tried", MERGE, &data(3)).await?;
    maps.delete("tried", &Value::Null).await?;

    for (kind, value) in [
        ("ADDED", Value::Null),
        ("MODIFIED", "1".into()),
        ("DELETED", "1".into()),
        ("ADDED", "2".into()),
        ("MODIFIED", "3".into()),
        ("DELETED", "3".into()),
    ] {
        let seen = watch.expect(kind, "tried").await?;
        ensure(seen["data"]["value"] == value, format!("{kind}: {seen}"))?;
    }
    Ok(())
}

/// A watch is begun at the version of each event of a first one; all tell the rest alike.
async fn in_order(api: Api) -> Outcome {
    const WRITES: usize = 40;
    let maps = api.all("v1", "configmaps");
    let mut first = maps.watch_from_now("").await?;
    let writer = tokio::spawn({
        let maps = maps.clone();
        async move {
            for write in 0..WRITES {
                let name = format!("tried-{}", write % 5);
                match write / 5 % 3 {
                    0 => maps.create(&map(&name, "a")).await,
                    1 => maps.patch(&name, MERGE, &data(write)).await,
                    _ => maps.delete(&name, &Value::Null).await,
                }
                .map_err(|failed| format!("{failed:?}"))?;
            }
            Ok::<_, String>(())
        }
    });
    // Every namespace is given a ConfigMap by a controller, which may be seen before or among these.
    let of_trial = |event: &Value| {
        event["object"]["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("tried"))
    };
    let mut told = vec![];
    let mut others = vec![];
    while told.len() < WRITES {
        let event = first.next().await?;
        if !of_trial(&event) {
            continue;
        }
        let version = version(&event["object"])?;
        others.push(maps.watch(&format!("&resourceVersion={version}")).await?);
        told.push(version);
    }
    writer.await??;
    for (place, watch) in others.iter_mut().enumerate() {
        let mut next = place + 1;
        while next < told.len() {
            let event = watch.next().await?;
            if of_trial(&event) {
                let seen = version(&event["object"])?;
                ensure(seen == told[next], format!("{seen} instead of {}", told[next]))?;
                next += 1;
            }
        }
    }
    Ok(())
}
