//! The tasks of the components that run beside an API server, and whether they do.

use std::sync::{PoisonError, RwLock};

use apiserver::Health;
use tokio::task::AbortHandle;

/// The tasks of each component.
#[derive(Debug, Default)]
pub struct Components {
    controller_manager: RwLock<Vec<AbortHandle>>,
    scheduler: RwLock<Vec<AbortHandle>>,
}

impl Components {
    /// Counts a task to the controller manager.
    pub fn add_to_controller_manager(&self, task: AbortHandle) {
        add(&self.controller_manager, task);
    }

    /// Counts a task to the scheduler.
    pub fn add_to_scheduler(&self, task: AbortHandle) {
        add(&self.scheduler, task);
    }

    /// How they are now.
    pub(crate) fn health(&self) -> apiserver::Components {
        apiserver::Components {
            controller_manager: health(&self.controller_manager),
            scheduler: health(&self.scheduler),
        }
    }
}

fn add(tasks: &RwLock<Vec<AbortHandle>>, task: AbortHandle) {
    tasks.write().unwrap_or_else(PoisonError::into_inner).push(task);
}

fn health(tasks: &RwLock<Vec<AbortHandle>>) -> Health {
    let tasks = tasks.read().unwrap_or_else(PoisonError::into_inner);
    match tasks.iter().filter(|task| task.is_finished()).count() {
        _ if tasks.is_empty() => Health::Absent,
        0 => Health::Works,
        ended => Health::Ended { ended, tasks: tasks.len() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_is_well_as_long_as_all_its_tasks_run() {
        let components = Components::default();
        let running = tokio::spawn(std::future::pending::<()>());
        let ended = tokio::spawn(async {});
        let handle = ended.abort_handle();
        ended.await.unwrap();

        components.add_to_controller_manager(running.abort_handle());
        let before = components.health();
        components.add_to_controller_manager(handle);
        let after = components.health();

        assert_eq!((before.controller_manager, before.scheduler), (Health::Works, Health::Absent));
        assert_eq!(after.controller_manager, Health::Ended { ended: 1, tasks: 2 });
    }
}
