//! API servers' storage on three members of Debian's etcd that are killed and cut off.
//!
//! The trials need `etcd`, and those that cut members off need root; without, they are reported as
//! ignored, by name. Some need neither: they run on our own server of etcd's API.

mod certificates;
mod load;
mod members;
mod network;
mod trials;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> std::process::ExitCode {
    let has_etcd = members::is_there();
    let has_network = has_etcd && network::can_be_made();
    let trials = vec![
        trial("a_store_of_ours_is_followed_and_written", true, trials::ours),
        trial("three_members_are_followed_and_written", has_etcd, trials::three_members),
        trial("members_with_tls_want_a_certificate", has_etcd, trials::certificates),
        trial("a_member_of_another_cluster_is_refused", has_etcd, trials::another_cluster),
        trial("one_of_several_compacts_in_each_turn", has_etcd, trials::compaction),
        trial("nothing_is_lost_when_leaders_are_killed", has_etcd, trials::killed_leaders),
        trial("nothing_is_lost_when_members_are_cut_off", has_network, trials::cut_off),
        trial(
            "what_was_compacted_meanwhile_is_read_anew",
            has_network,
            trials::compacted_meanwhile,
        ),
    ];
    // Members of several trials at once would elect leaders for want of a core.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial<A>(name: &str, can_run: bool, run: fn() -> A) -> Trial
where
    A: Future<Output = Result<(), Failed>> + 'static,
{
    let run = move || tokio::runtime::Runtime::new()?.block_on(run());
    Trial::test(name, run).with_ignored_flag(!can_run)
}
