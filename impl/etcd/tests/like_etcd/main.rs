//! The same requests to a store of ours and to Debian's etcd, and the answers side by side.
//!
//! Half-way, both are restarted: ours as it is stopped, etcd with `kill -9`. Where they differ, ours is wrong. The trials need `etcd`; without it they are reported as ignored, by
//! name. A trial that fails prints its seed and the request.

mod hashes;
mod real;
mod script;
#[path = "../grpc/support.rs"]
#[expect(dead_code, reason = "the trials of the typed client use more of it")]
mod support;

use std::process::ExitCode;

use etcd_client::{Client, PutOptions};
use libtest_mimic::{Arguments, Failed, Trial};

use real::Real;
use script::{Random, Step};
use support::Server;

/// How many requests each trial sends.
const STEPS: usize = 1_500;

fn main() -> ExitCode {
    let found = real::is_there();
    let trial = |seed: u64| {
        let run = move || compare(seed).map_err(Failed::from);
        let name = format!("a_store_answers_like_etcd_with_seed_{seed}");
        Trial::test(name, run).with_ignored_flag(!found)
    };
    let mut trials: Vec<_> = (1..=3).map(trial).collect();
    trials.extend(hashes::trials().into_iter().map(|trial| trial.with_ignored_flag(!found)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn compare(seed: u64) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (mut ours, mut theirs) = (Server::start().await, Real::start().await?);
        let mut random = Random::new(seed);
        let first = (ours.client().await, theirs.client().await?);
        steps(&mut random, first).await.map_err(|differs| format!("seed {seed}, {differs}"))?;
        ours = ours.restart().await;
        let again = (ours.client().await, theirs.restart().await?);
        let again = steps(&mut random, again).await;
        again.map_err(|differs| format!("seed {seed}, after a restart, {differs}"))
    })
}

/// A request that is too large, and a message.
fn too_large() -> [Step; 2] {
    [1536, 2048].map(|kibibytes| {
        Step::Put("k/0".to_owned(), "a".repeat(kibibytes * 1024), PutOptions::new())
    })
}

async fn steps(
    random: &mut Random,
    (mut ours, mut theirs): (Client, Client),
) -> Result<(), String> {
    let drawn = (0..STEPS / 2).map(|_| Step::draw(random));
    for (number, step) in too_large().into_iter().chain(drawn).enumerate() {
        let (answer, expected) = (step.send(&mut ours).await, step.send(&mut theirs).await);
        if answer != expected {
            return Err(format!(
                "request {number}: {step:?}\n  ours: {answer}\n  etcd: {expected}"
            ));
        }
    }
    Ok(())
}
