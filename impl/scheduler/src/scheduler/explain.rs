//! Tells what would become of a pod, and changes nothing.

use k8s_openapi::api::core::v1::Pod;

use super::attempt::{Attempt, Found, Stop};
use super::{Explained, Scheduler};
use crate::cycle::Cycle;
use crate::explain;
use crate::extender::Answers;
use crate::knowledge::Knowledge;

impl Scheduler {
    /// What every plugin says of a pod on every node. One that has a node is taken from there first. An error where
    /// no profile is the pod's.
    pub fn explain(&self, pod: &Pod) -> Result<Explained, String> {
        let info = explain::without_node(pod);
        let name = info.scheduler_name().to_owned();
        let profile = self.configuration.profiles.get(&name);
        let profile = profile.ok_or_else(|| format!("no profile is named {name}"))?;
        let mut cluster = self.cluster.clone();
        cluster.snapshot.remove_pod(&info.key());
        cluster.nominations.remove(&info.key());
        let attempt = Attempt {
            profile,
            extenders: &[],
            answers: &Answers::new(),
            pod: &info,
            cluster: &cluster,
            start: "",
        };
        let (node, message) = match attempt.find(&mut Knowledge::default()).0 {
            Ok(Found::Node { node, .. }) => (Some(node), None),
            Ok(Found::Nothing(failure)) => (None, Some(failure.message)),
            Err(Stop::Error(message)) => (None, Some(message)),
            Err(Stop::Ask(_)) => (None, None),
        };
        let cycle = Cycle::pre_filter(profile, (&info, &cluster));
        let nodes = cycle.map(|cycle| explain::nodes(&cycle)).unwrap_or_default();
        let pod = info.key().to_string();
        Ok(Explained { pod, scheduler_name: name, node, message, nodes })
    }
}
