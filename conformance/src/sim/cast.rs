//! Which controllers a simulated cluster has.

use api::{ApiResource, FeatureGates, resources};

use crate::sim::authority;
use crate::sim::informer::Caches;
use crate::sim::loops::ControllerLoop;
use crate::sim::plant::{self, Plant};

/// Which controllers there are: all of them, unless some are chosen, with what they watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    pub(crate) controllers: Option<&'static [&'static str]>,
    pub(crate) resources: Option<&'static [&'static ApiResource]>,
    /// Whether there are the controllers too that must be told something: who signs, whence addresses come.
    pub(crate) is_complete: bool,
    /// How many controller managers stand for election; 0 where the only one need not.
    pub(crate) candidates: usize,
    /// What is switched on.
    pub(crate) feature_gates: FeatureGates,
}

impl Cast {
    /// Whether there is this controller.
    pub(crate) fn has(&self, controller: &str) -> bool {
        self.controllers.is_none_or(|chosen| chosen.contains(&controller))
    }

    /// Those that there are, with caches that have read nothing.
    pub(crate) fn started(&self, plant: Plant) -> (Caches, Vec<ControllerLoop>) {
        let mut controllers = controllers::all(&self.config());
        controllers.retain(|controller| self.has(controller.name()));
        let caches = Caches::new(&self.watched(), "", controllers.len());
        let is_hasty = self.controllers.is_some();
        let started = controllers.into_iter().map(|one| plant::controllers::started(plant, one));
        (caches, started.map(|controller| ControllerLoop::new(controller, is_hasty)).collect())
    }

    fn config(&self) -> controllers::Config {
        let config = match self.is_complete {
            true => authority::config(),
            false => controllers::Config::default(),
        };
        controllers::Config { feature_gates: self.feature_gates.clone(), ..config }
    }

    fn watched(&self) -> Vec<&'static ApiResource> {
        let resources = self.resources.unwrap_or(resources::ALL);
        resources.iter().copied().filter(|resource| *resource != &resources::EVENTS).collect()
    }
}
