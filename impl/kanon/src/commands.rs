//! From what was typed to what is done.

mod bench;
mod check;
mod conform;
mod image;
mod schedule;
mod sim;
mod store;

use std::process::ExitCode;

use crate::cli::{Arguments, Command, Node};
use crate::control::Order;
use crate::failure::Failure;
use crate::{cluster, serve};

/// Does what was typed.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Start(start) => cluster::start(&start),
        Command::Status(profile) => cluster::status(&profile),
        Command::Stop(profile) => cluster::stop(&profile),
        Command::Delete(profile) => cluster::delete(&profile),
        Command::Logs(profile) => cluster::logs(&profile),
        Command::Image(image) => image::run(&image),
        Command::Node(Node::Stop(node)) => {
            cluster::node(&node, &Order::StopNode(node.name.clone()))
        }
        Command::Node(Node::Start(node)) => {
            cluster::node(&node, &Order::StartNode(node.name.clone()))
        }
        Command::Check(check) => check::run(&check),
        Command::Conform(conform) => conform::run(&conform),
        Command::Sim(sim) => sim::run(&sim),
        Command::Schedule(schedule) => schedule::run(&schedule),
        Command::Bench(bench) => bench::run(&bench),
        Command::Store(store) => store::run(&store),
        Command::Serve { data_dir } => serve::as_daemon(&data_dir),
    }
}
