//! Carries out lifecycle hooks.

use std::time::Duration;

use kubelet::runtime::{ContainerId, Hook, HookAction, HookFailure, ProbeAction, RuntimeEvent};

use super::Embedded;
use super::fetch::{Url, fetch};

const USER_AGENT: &str = "kube-lifecycle/1.36";

impl Embedded {
    /// A hook takes as long as it takes; the kubelet waits no longer than the grace period.
    pub(super) fn hook(&self, id: ContainerId, hook: Hook, action: HookAction) {
        let this = self.clone();
        tokio::spawn(async move {
            let failure = this.run_hook(&id, action).await.err();
            this.report(RuntimeEvent::HookEnded { id, hook, failure });
        });
    }

    async fn run_hook(&self, id: &ContainerId, action: HookAction) -> Result<(), HookFailure> {
        let failed = |error: String| HookFailure { error, output: String::new() };
        match action {
            HookAction::Sleep { seconds } => {
                tokio::time::sleep(Duration::from_secs(seconds.max(0).unsigned_abs())).await;
                Ok(())
            }
            HookAction::Do(ProbeAction::Exec { command }) => {
                let words = command.join(" ");
                match self.exec_to_end(id, command).await {
                    Ok((0, _)) => Ok(()),
                    Ok((code, output)) => {
                        let error = format!("command '{words}' exited with {code}: ");
                        Err(HookFailure { error, output })
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            HookAction::Do(ProbeAction::HttpGet { host, port, path, headers, https }) => {
                let url = Url { host: &host, port, path: &path, https };
                fetch(url, (&headers, USER_AGENT)).await.map(drop).map_err(failed)
            }
            HookAction::Do(action @ (ProbeAction::TcpSocket { .. } | ProbeAction::Grpc { .. })) => {
                self.carry_out(id, action).await.map(drop).map_err(failed)
            }
        }
    }
}
