//! Stories of what is done again and again.

use api::{ApiResource, Key, Request, resources};
use serde_json::json;
use store::Store;

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::objects::objects;
use crate::sim::user::create;
use crate::sim::workloads::periodic::autoscalers::{autoscaler, is_beyond_limits, scale, target};
use crate::sim::workloads::periodic::cron_jobs::{cron_job, run_together};
use crate::sim::workloads::periodic::node_ttls::{SIZE_MAX, forge, is_told_of_more};
use crate::sim::workloads::periodic::old_tokens::{
    account, is_kept_late, marked, take_mark_away, tracking,
};
use crate::sim::workloads::upkeep::ranges::spare;

const CRON_JOBS: &ApiResource = &resources::CRON_JOBS;
const JOBS: &ApiResource = &resources::JOBS;
const NODES: &ApiResource = &resources::NODES;
const DEPLOYMENTS: &ApiResource = &resources::DEPLOYMENTS;
const AUTOSCALERS: &ApiResource = &resources::HORIZONTAL_POD_AUTOSCALERS;

/// Two years, in which nobody uses a token.
const YEARS_SECONDS: u64 = 2 * 365 * 24 * 3600;

/// A CronJob that forbids others has its next time, and the controller crashes.
pub(super) const FORBIDDING: Story = Story {
    name: "cron-job-forbids",
    controllers: &["cronjob-controller"],
    resources: &[CRON_JOBS, JOBS],
    workload: Some(Workload::Periodic),
    given: &[|_| create(CRON_JOBS, "default", cron_job("Forbid"))],
    crashes: 1,
    minutes: 1,
    possible: &[("CRONJOB-4", |store, _| run_together(store))],
    ..QUIET
};

/// A Job of a CronJob is replaced by the next.
pub(super) const REPLACING: Story = Story {
    name: "cron-job-replaces",
    given: &[|_| create(CRON_JOBS, "default", cron_job("Replace"))],
    crashes: 0,
    possible: &[],
    ..FORBIDDING
};

/// Somebody scales what an autoscaler scales too.
pub(super) const SCALED_BY_TWO: Story = Story {
    name: "autoscaler",
    controllers: &["horizontal-pod-autoscaler-controller"],
    resources: &[AUTOSCALERS, &resources::PODS],
    workload: Some(Workload::Periodic),
    given: &[
        |_| create(DEPLOYMENTS, "default", target()),
        |_| create(AUTOSCALERS, "default", autoscaler()),
    ],
    asked: &[|_| scale(5), |_| scale(2)],
    minutes: 1,
    possible: &[("AUTOSCALER-4", |store, _| is_beyond_limits(store))],
    ..QUIET
};

/// A Node comes, and somebody forges what it was told.
pub(super) const TOLD_NODES: Story = Story {
    name: "told-nodes",
    controllers: &["ttl-controller"],
    resources: &[NODES],
    workload: Some(Workload::Periodic),
    asked: &[|_| create(NODES, "", spare(0)), |_| forge(Key::cluster("spare-0"))],
    crashes: 1,
    losses: 1,
    ..QUIET
};

/// One Node more makes a cluster a larger one, which it still is when that Node is gone.
pub(super) const MANY_NODES: Story = Story {
    name: "many-nodes",
    given: &[one_more as fn(&Store) -> Request; SIZE_MAX],
    asked: &[
        one_more,
        |_| delete(NODES, Key::cluster("spare-0"), "Background"),
        |_| touch("spare-1"),
        |_| touch("spare-100"),
    ],
    crashes: 0,
    losses: 0,
    is_beyond_model: true,
    possible: &[("NODETTL-3", |store, _| is_told_of_more(store))],
    ..TOLD_NODES
};

fn one_more(store: &Store) -> Request {
    create(NODES, "", spare(objects(store, NODES).iter().count()))
}

/// The heartbeat of a Node.
fn touch(name: &str) -> Request {
    let patch = json!({"metadata": {"annotations": {"touched": "yes"}}});
    Request::merge_patch(NODES, Key::cluster(name), patch)
}

/// A token was marked long ago, and somebody takes the mark away.
pub(super) const OLD_TOKEN: Story = Story {
    name: "old-token",
    controllers: &["legacy-serviceaccount-token-cleaner-controller"],
    resources: &[&resources::SECRETS, &resources::SERVICE_ACCOUNTS, &resources::PODS],
    workload: Some(Workload::Periodic),
    given: &[
        |_| create(&resources::CONFIG_MAPS, "kube-system", tracking()),
        |_| create(&resources::SERVICE_ACCOUNTS, "default", account()),
        |_| create(&resources::SECRETS, "default", marked()),
    ],
    asked: &[|_| take_mark_away()],
    crashes: 1,
    quiet_seconds: YEARS_SECONDS,
    possible: &[("TOKENCLEANER-3", is_kept_late)],
    ..QUIET
};

/// A token was marked long ago, and goes, though somebody touches it.
pub(super) const OLD_TOKEN_GOES: Story =
    Story { name: "old-token-goes", asked: &[|_| note()], possible: &[], ..OLD_TOKEN };

/// Somebody changes the Secret, and leaves the mark.
fn note() -> Request {
    let patch = json!({"metadata": {"annotations": {"note": "old"}}});
    Request::merge_patch(&resources::SECRETS, Key::new("default", "unasked"), patch)
}
