//! The power fails at every point of a run, and takes what it likes of what was not synced.

mod device;
pub(crate) mod run;

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use store::Store;

use self::device::{Device, Kept, Left};
use self::run::{Deed, Run, SHORT, busy, folder_in, position, put};
use crate::backup::Backup;
use crate::disk::Disk;
use crate::recorded::{Call, Fails, Recorder};
use crate::{Identity, tools};

/// What was done in a folder, and what the store there held after each change.
#[derive(Debug)]
struct Recording {
    calls: Vec<Call>,
    past: Vec<Store>,
}

impl Recording {
    fn of(run: &Run) -> Self {
        let calls = run.recorder.calls();
        let left = device_after(&calls).left(&Kept::All);
        assert_eq!(Left::of(run.recorder.path()), left, "nothing was done that is not recorded");
        Self { calls, past: run.past.clone() }
    }

    /// The disk after so many calls, and what the store may hold from then on.
    fn after(&self, calls: usize) -> (Device, &[Store]) {
        let calls = &self.calls[..calls];
        (device_after(calls), &self.past[noted(calls)..])
    }
}

fn noted(calls: &[Call]) -> usize {
    calls.iter().rev().find_map(Call::noted).unwrap_or(0)
}

fn device_after(calls: &[Call]) -> Device {
    let mut device = Device::default();
    calls.iter().for_each(|call| device.perform(call));
    device
}

static BUSY: LazyLock<Recording> = LazyLock::new(|| {
    let mut run = Run::new();
    busy().iter().for_each(|deed| run.perform(deed));
    run.close();
    Recording::of(&run)
});

/// A store that is opened after the power has failed holds what it should, takes a write, and does not lose that or
/// anything else when the power fails again.
fn survives(left: &Left, expected: &[Store]) -> Result<(), String> {
    let (recorder, mut disk, mut store) = opened(left)?;
    let revisions: Vec<_> = expected.iter().map(Store::revision).collect();
    let unexpected = || format!("{} is there, and not as in {revisions:?}", store.revision());
    position(&store, expected).ok_or_else(unexpected)?;
    let record = store.commit(&put("later", vec![1])).ok().and_then(|committed| committed.record);
    disk.append(&[record.expect("it writes")]).map_err(|error| format!("{error:?}"))?;
    let left = device_after(&recorder.calls()).left(&Kept::Nothing);
    let (_recorder, _disk, again) = opened(&left)?;
    position(&again, &[store]).map(drop).ok_or(format!("then {} is there", again.revision()))
}

fn opened(left: &Left) -> Result<(Recorder, Disk, Store), String> {
    let recorder = Recorder::new();
    left.lay_out(&recorder);
    let opened = Disk::open(&folder_in(&recorder), SHORT);
    let (disk, store) = opened.map_err(|error| error.to_string())?;
    Ok((recorder, disk, store))
}

/// Has the power fail after each call from one on, in each way that was not tried yet.
fn check_each_point(
    Recording { calls, past }: &Recording,
    first: usize,
    tried: &mut HashSet<(Left, usize)>,
    check: impl Fn(&Left, &[Store]) -> Result<(), String>,
) {
    let (mut device, mut certain) = (device_after(&calls[..first]), noted(&calls[..first]));
    for call in &calls[first..] {
        device.perform(call);
        certain = call.noted().unwrap_or(certain);
        for kept in Kept::few(device.pending()) {
            let left = device.left(&kept);
            if tried.insert((left.clone(), past.len() - certain)) {
                let checked = check(&left, &past[certain..]);
                checked.unwrap_or_else(|why| panic!("{kept:?} after {call:?}: {why}"));
            }
        }
    }
}

#[test]
fn a_store_survives_that_the_power_fails_at_any_point() {
    let mut tried = HashSet::new();

    check_each_point(&BUSY, 0, &mut tried, survives);

    let parts =
        BUSY.calls.iter().filter(|call| matches!(call, Call::Create(path, _) if is_part(path)));
    assert!(tried.len() > 100 && parts.count() > 4, "{} states", tried.len());
}

fn is_part(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("wal-"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_store_survives_whichever_sectors_are_lost(
        calls in any::<Index>(),
        choices in proptest::collection::vec(any::<u8>(), 1..8),
    ) {
        let (device, expected) = BUSY.after(calls.index(BUSY.calls.len()));

        prop_assert_eq!(survives(&device.left(&Kept::Some(choices)), expected), Ok(()));
    }
}

#[test]
fn a_store_survives_that_any_call_fails_and_the_power_at_any_point_later() {
    let (deeds, mut tried) = (busy(), HashSet::new());
    for call in 0.. {
        let mut run = Run::new();
        run.recorder.fail(Fails::once(call));
        deeds[..20].iter().for_each(|deed| run.perform(deed));
        run.close();

        check_each_point(&Recording::of(&run), 0, &mut tried, survives);
        if run.recorder.made() <= call {
            break;
        }
    }
}

/// What was there when a process was killed is not all durable, and the next process takes it for durable.
#[test]
fn a_store_survives_that_a_process_is_killed_and_the_power_fails_then() {
    let (deeds, mut tried) = (busy(), HashSet::new());
    for call in 0.. {
        let mut run = Run::new();
        run.recorder.fail(Fails::from(call));
        deeds[..20].iter().for_each(|deed| run.perform(deed));
        run.close();
        let (was_killed, calls) = (run.recorder.made() > call, run.recorder.calls().len());
        run.recorder.fail(Fails::default());

        run.perform(&Deed::Commit(vec![put("a b", vec![1; 700])]));
        run.close();

        check_each_point(&Recording::of(&run), calls, &mut tried, survives);
        if !was_killed {
            break;
        }
    }
}

#[test]
fn a_store_is_restored_whole_or_not_at_all() {
    let recorder = Recorder::new();
    let busy = BUSY.past.last().expect("it was written to");
    let identity = Identity { cluster: 1, member: 2 };
    let file: Vec<u8> = Backup::of(busy, identity).blobs().flatten().collect();

    let restored = tools::restore(&folder_in(&recorder), &file).expect("the folder is new");
    recorder.note(1);
    let past = vec![Store::default(), restored];

    let recording = Recording { calls: recorder.calls(), past };
    check_each_point(&recording, 0, &mut HashSet::new(), |left, expected| {
        match opened(left) {
            Ok(_) => survives(left, expected),
            Err(why) if expected.len() == 1 => Err(why),
            // It is known that it was not restored.
            Err(_) => Ok(()),
        }
    });
}
