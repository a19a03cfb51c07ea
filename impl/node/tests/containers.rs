//! Starts real containers. Without root every trial is reported as skipped, never as passed.

#[path = "containers/layout.rs"]
mod layout;
#[path = "containers/machine.rs"]
mod machine;
#[path = "containers/trials.rs"]
mod trials;

use libtest_mimic::{Arguments, Trial};

fn main() {
    node::shim::main_if_shim();
    let mut arguments = Arguments::from_args();
    // Trials share the host's network and cgroups.
    arguments.test_threads = Some(1);
    let root = std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let trials = trials::ALL.iter().map(|(name, run)| {
        let run = *run;
        Trial::test(*name, move || {
            run();
            Ok(())
        })
        .with_ignored_flag(!root)
    });
    let trials: Vec<Trial> = trials.collect();
    if !root {
        for trial in &trials {
            println!("skipped: needs root: {}", trial.name());
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let (passed, failed, skipped) =
        (conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored);
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    conclusion.exit();
}
