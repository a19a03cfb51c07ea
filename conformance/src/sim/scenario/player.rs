//! Plays commands, one after the other.

use std::io::Write;
use std::time::Duration;

use crate::sim::options::Options;
use crate::sim::plant::Plant;
use crate::sim::scenario::command::Command;
use crate::sim::scenario::file::Settings;
use crate::sim::scenario::{Heard, Stop};
use crate::sim::world::World;

/// How long the cluster has been running when a scenario begins: its nodes are ready.
const BEFORE: Duration = Duration::from_secs(10);

/// How long pods stay on a node that is gone, as upstream's admission decides.
const TOLERATION_SECONDS: i64 = 300;

/// How many pods a machine has room for, as upstream's kubelets say by default.
pub(super) const PODS_MAX: i64 = 110;

/// A cluster, and what it is told.
pub(super) struct Player<'a> {
    world: World<'a>,
}

impl<'a> Player<'a> {
    /// A cluster that has not started yet.
    pub(super) fn new(seed: u64, settings: &Settings, trace: &'a mut dyn Write) -> Self {
        let seed = settings.seed.unwrap_or(seed);
        let options = Options { seed, ..Options::default() };
        let mut world = World::new(&options, Plant::Nothing, trace);
        world.heard = Some(Heard::default());
        world.toleration_seconds = TOLERATION_SECONDS;
        world.cast.is_complete = true;
        world.cast.candidates = settings.controller_managers;
        world.cast.feature_gates = settings.feature_gates.clone();
        world.machines.iter_mut().for_each(|machine| machine.pods_max = PODS_MAX);
        Self { world }
    }

    /// Starts the cluster.
    pub(super) fn begin(&mut self) -> Result<(), Stop> {
        self.world.boot();
        self.pass(BEFORE)?;
        self.heard().forget_events();
        Ok(())
    }

    fn heard(&mut self) -> &mut Heard {
        self.world.heard.get_or_insert_default()
    }

    fn pass(&mut self, time: Duration) -> Result<(), Stop> {
        self.heard().forget_writes();
        let end = self.world.now + time;
        self.world.work_until(end)
    }

    /// Performs a command and checks what came of it; what it prints, or why it cannot be performed.
    pub(super) fn perform(&mut self, command: &Command, body: &str) -> Result<String, Stop> {
        let world = &mut self.world;
        let printed = match command {
            Command::Create => world.create(body)?,
            Command::Patch { of, subresource, patch } => world.patch(of, subresource, patch),
            Command::Scale { of, replicas } => world.scale(of, *replicas),
            Command::Delete { of, options } => world.delete(of, options),
            Command::Evict(pod) => world.evict(pod),
            Command::Get(get) => world.get(get),
            Command::Conditions(of) => world.conditions(of),
            Command::Events { about, event_type, reason } => {
                let kind = (event_type.as_deref(), reason.as_deref());
                self.heard().take_events(about.as_deref(), kind)
            }
            Command::Writes { actor } => self.heard().writes(actor.as_deref()),
            Command::Wait(time) => self.pass(*time).map(silent)?,
            Command::Kill(name) => world.end(name).map(silent)?,
            Command::Revive(name) => world.begin(name).map(silent)?,
            Command::Off(time) => {
                world.switch_off(*time);
                String::new()
            }
            Command::Join(node) => world.join_node(node).map(silent)?,
            Command::Crash(actor) => world.crash_actor(actor).map(silent)?,
            Command::Stall { actor, resource, is_stalled } => {
                world.stall_watch(actor, resource, *is_stalled).map(silent)?
            }
            Command::Exit { pod, code } => world.exit_pod(pod, *code).map(silent)?,
            Command::Load(load) => {
                world.loads.push(load.clone());
                String::new()
            }
            Command::Image { name, is_missing } => world.change_image(name, *is_missing),
            Command::Seed(_) | Command::ControllerManagers(_) | Command::FeatureGates(_) => {
                String::new()
            }
        };
        self.world.check().map_err(|violation| Stop::Claim(violation.why))?;
        Ok(printed)
    }
}

/// Most of what happens prints nothing.
fn silent((): ()) -> String {
    String::new()
}
