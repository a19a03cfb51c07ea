//! The columns of workloads.

use super::{AGE, Column, NAME};

const CONTAINERS: Column = ("Containers", "string", 1, "The names of the template's containers.");
const IMAGES: Column = ("Images", "string", 1, "The images of the template's containers.");
const SELECTOR: Column = ("Selector", "string", 1, "The labels of the pods.");

pub(super) const DAEMON_SET: &[Column] = &[
    NAME,
    ("Desired", "integer", 0, "Nodes that want a pod."),
    ("Current", "integer", 0, "Nodes that want a pod and have one."),
    ("Ready", "integer", 0, "Nodes whose pod is ready."),
    ("Up-to-date", "integer", 0, "Nodes whose pod is of the current template."),
    ("Available", "integer", 0, "Nodes whose pod has been ready for long enough."),
    ("Node Selector", "string", 0, "The labels of the nodes."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
pub(super) const STATEFUL_SET: &[Column] = &[
    NAME,
    ("Ready", "string", 0, "Pods that are ready, of those that are wanted."),
    AGE,
    CONTAINERS,
    IMAGES,
];
pub(super) const JOB: &[Column] = &[
    NAME,
    ("Status", "string", 0, "How the Job is, in one word."),
    ("Completions", "string", 0, "Pods that succeeded, of those that must."),
    ("Duration", "string", 0, "How long the Job has run, or ran."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
pub(super) const CRON_JOB: &[Column] = &[
    NAME,
    ("Schedule", "string", 0, "When Jobs start."),
    ("Timezone", "string", 0, "The time zone of the schedule."),
    ("Suspend", "boolean", 0, "Whether no more Jobs start."),
    ("Active", "integer", 0, "Jobs that run."),
    ("Last Schedule", "string", 0, "How long ago a Job started last."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
pub(super) const POD_DISRUPTION_BUDGET: &[Column] = &[
    NAME,
    ("Min Available", "string", 0, "How many pods must be available."),
    ("Max Unavailable", "string", 0, "How many pods may be unavailable."),
    ("Allowed Disruptions", "integer", 0, "How many pods may be evicted now."),
    AGE,
];
pub(super) const HORIZONTAL_POD_AUTOSCALER: &[Column] = &[
    NAME,
    ("Reference", "string", 0, "The object that is scaled."),
    ("Targets", "string", 0, "What is measured, and what is aimed at."),
    ("MinPods", "string", 0, "The fewest pods."),
    ("MaxPods", "string", 0, "The most pods."),
    ("Replicas", "string", 0, "Pods that there are."),
    AGE,
];
pub(super) const REPLICATION_CONTROLLER: &[Column] = &[
    NAME,
    ("Desired", "integer", 0, "Pods that are wanted."),
    ("Current", "integer", 0, "Pods that there are."),
    ("Ready", "integer", 0, "Pods that are ready."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
pub(super) const CONTROLLER_REVISION: &[Column] = &[
    NAME,
    ("Controller", "string", 0, "The object that this was a state of."),
    ("Revision", "string", 0, "The number of that state."),
    AGE,
];
pub(super) const POD_TEMPLATE: &[Column] = &[
    NAME,
    ("Containers", "string", 0, "The names of the template's containers."),
    ("Images", "string", 0, "The images of the template's containers."),
    ("Pod Labels", "string", 0, "The labels of the template."),
];

pub(super) const SCALE: &[Column] = &[
    NAME,
    ("Desired", "integer", 0, "Replicas that are wanted."),
    ("Available", "integer", 0, "Replicas that there are."),
    AGE,
];
