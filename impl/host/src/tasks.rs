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
        assert!(!tasks.handles()[0].is_finished());

        drop(tasks);

        assert!(ended.await.is_err());
    }
}
