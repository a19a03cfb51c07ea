//! What a user of etcdctl types. These trials need etcdctl; without it they are reported as ignored, by
//! name.

mod keys;
mod leases;
mod live;
mod operations;
#[path = "../grpc/support.rs"]
#[expect(dead_code, reason = "the trials of the typed client use more of it")]
mod support;
mod tool;

use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    let arguments = Arguments::from_args();
    let found = tool::is_there();
    let trials: Vec<Trial> =
        [keys::trials(), leases::trials(), live::trials(), operations::trials()]
            .into_iter()
            .flatten()
            .map(|trial| trial.with_ignored_flag(!found))
            .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
