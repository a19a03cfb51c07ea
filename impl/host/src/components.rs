//! The tasks of the components that run beside an API server, and whether they do.

use std::sync::{PoisonError, RwLock};

use apiserver::Health;
use tokio::task::AbortHandle;

use crate::metrics::Metrics;

/// The components beside an API server.
#[derive(Debug, Default)]
pub struct Components {
    /// kube-controller-manager.
    pub controller_manager: Component,
    /// kube-scheduler.
    pub scheduler: Component,
    /// What they count.
    pub metrics: Metrics,
}

impl Components {
    /// How they are now.
    pub(crate) fn health(&self) -> apiserver::Components {
        apiserver::Components {
            controller_manager: self.controller_manager.health(),
            scheduler: self.scheduler.health(),
        }
    }
}

/// The tasks of one component.
#[derive(Debug, Default)]
pub struct Component {
    tasks: RwLock<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    /// The one that stands for election, as long as there is the component.
    candidate: Option<AbortHandle>,
    /// Those that run while it leads.
    leading: Vec<AbortHandle>,
}

impl Component {
    /// It stands for election.
    pub fn stands(&self, candidate: AbortHandle) {
        self.change(|tasks| tasks.candidate = Some(candidate));
    }

    /// It runs what it runs while it leads.
    pub fn leads(&self, tasks: Vec<AbortHandle>) {
        self.change(|all| all.leading = tasks);
    }

    /// It ceases to lead, and ends what it ran.
    pub fn waits(&self) {
        self.change(|tasks| tasks.leading.clear());
    }

    fn change(&self, change: impl FnOnce(&mut Tasks)) {
        change(&mut self.tasks.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn health(&self) -> Health {
        let tasks = self.tasks.read().unwrap_or_else(PoisonError::into_inner);
        let Some(candidate) = &tasks.candidate else { return Health::Absent };
        let all = || tasks.leading.iter().chain([candidate]);
        match all().filter(|task| task.is_finished()).count() {
            0 => Health::Works,
            ended => Health::Ended { ended, tasks: all().count() },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_component_is_well_as_long_as_all_its_tasks_run() {
        let components = Components::default();
        let mut tasks = JoinSet::new();
        let running = tasks.spawn(std::future::pending::<()>());
        let ended = tasks.spawn(async {});
        tasks.join_next().await.unwrap().unwrap();

        let component = &components.controller_manager;
        component.stands(running.clone());
        let waits = components.health();
        component.leads(vec![running, ended]);
        let leads = components.health();
        component.waits();

        assert_eq!((waits.controller_manager, waits.scheduler), (Health::Works, Health::Absent));
        assert_eq!(leads.controller_manager, Health::Ended { ended: 1, tasks: 3 });
        assert_eq!(components.health().controller_manager, Health::Works);
    }
}
