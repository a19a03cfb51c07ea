//! The tasks of the components that run beside an API server, and whether they do.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use tokio::task::AbortHandle;

/// What runs the controllers.
pub const CONTROLLER_MANAGER: &str = "controller-manager";

/// What binds pods to nodes.
pub const SCHEDULER: &str = "scheduler";

/// The tasks of each component.
#[derive(Debug, Default)]
pub struct Components {
    tasks: RwLock<BTreeMap<&'static str, Vec<AbortHandle>>>,
}

impl Components {
    /// Counts a task to a component.
    pub fn add(&self, component: &'static str, task: AbortHandle) {
        let mut tasks = self.tasks.write().unwrap_or_else(PoisonError::into_inner);
        tasks.entry(component).or_default().push(task);
    }
}

impl apiserver::Components for Components {
    fn health(&self) -> Vec<(&'static str, Result<(), String>)> {
        let tasks = self.tasks.read().unwrap_or_else(PoisonError::into_inner);
        let health = |component: &'static str| match tasks.get(component) {
            None => Err(format!("{component} does not run beside this API server")),
            Some(tasks) => match tasks.iter().filter(|task| task.is_finished()).count() {
                0 => Ok(()),
                ended => Err(format!("{ended} of the {} tasks have ended", tasks.len())),
            },
        };
        [CONTROLLER_MANAGER, SCHEDULER].map(|component| (component, health(component))).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use apiserver::Components as _;

    use super::*;

    #[tokio::test]
    async fn a_component_is_well_as_long_as_all_its_tasks_run() {
        let components = Components::default();
        let running = tokio::spawn(std::future::pending::<()>());
        let ended = tokio::spawn(async {});
        let handle = ended.abort_handle();
        ended.await.unwrap();

        components.add(CONTROLLER_MANAGER, running.abort_handle());
        let before = components.health();
        components.add(CONTROLLER_MANAGER, handle);

        let why = "scheduler does not run beside this API server".to_owned();
        assert_eq!(before, [(CONTROLLER_MANAGER, Ok(())), (SCHEDULER, Err(why.clone()))]);
        let ended = Err("1 of the 2 tasks have ended".to_owned());
        assert_eq!(components.health(), [(CONTROLLER_MANAGER, ended), (SCHEDULER, Err(why))]);
    }
}
