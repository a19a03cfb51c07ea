//! What a user of etcdctl types. These trials need etcdctl, those of snapshots etcd, too; without it they are
//! reported as ignored, by name.

mod keys;
mod leases;
mod live;
mod operations;
#[path = "../like_etcd/real.rs"]
mod real;
#[path = "../like_etcd/script.rs"]
mod script;
mod snapshots;
#[path = "../grpc/support.rs"]
#[expect(dead_code, reason = "the trials of the typed client use more of it")]
mod support;
mod tool;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    let arguments = Arguments::from_args();
    let found = tool::is_there();
    let trials = [keys::trials(), leases::trials(), live::trials(), operations::trials()];
    let mut trials: Vec<Trial> =
        trials.into_iter().flatten().map(|trial| trial.with_ignored_flag(!found)).collect();
    let found = found && real::is_there();
    trials.extend(snapshots::trials().into_iter().map(|trial| trial.with_ignored_flag(!found)));
    libtest_mimic::run(&arguments, trials).exit_code()
}
