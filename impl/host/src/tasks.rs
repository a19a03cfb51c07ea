//! Tasks that end together.

use tokio::task::AbortHandle;

/// Tasks that are ended when this is dropped.
#[derive(Debug, Default)]
pub struct Tasks {
    handles: Vec<AbortHandle>,
}

impl Tasks {
    /// Starts one more.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.handles.push(tokio::spawn(task).abort_handle());
    }

    /// Whether one of them has ended.
    pub fn has_ended(&self) -> bool {
        self.handles.iter().any(AbortHandle::is_finished)
    }

    /// What tells whether they still run.
    pub fn handles(&self) -> Vec<AbortHandle> {
        self.handles.clone()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.handles.iter().for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn tasks_end_with_what_holds_them() {
        let (held, ended) = oneshot::channel::<()>();
        let mut tasks = Tasks::default();
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert!(!tasks.has_ended());

        drop(tasks);

        assert!(ended.await.is_err());
    }

    #[tokio::test]
    async fn one_that_panics_has_ended() {
        let (held, ended) = oneshot::channel::<()>();
        let mut tasks = Tasks::default();
        tasks.spawn(std::future::pending());
        tasks.spawn(async move {
            let _held = held;
            panic!("this is meant to be seen in the output");
        });

        assert!(ended.await.is_err());
        while !tasks.has_ended() {
            tokio::task::yield_now().await;
        }
    }
}
