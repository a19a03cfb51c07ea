//! The scenario `attachment` in Kubernetes' words.

use super::{Action, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "persistentvolume-attach-detach-controller";

/// A step in words.
pub(super) fn describe(action: Action) -> String {
    match action {
        Action::DeliverPod => "the controller hears of a Pod".to_owned(),
        Action::DeliverAttachment => "the controller hears of a VolumeAttachment".to_owned(),
        Action::DeliverNode => "the controller hears of a Node".to_owned(),
        Action::Attach { node } => format!("the controller creates the attachment to node-{node}"),
        Action::Report { node } => {
            format!("the controller writes volumesAttached of node-{node}")
        }
        Action::Detach { node } => format!("the controller deletes the attachment to node-{node}"),
        Action::GiveUp { node } => format!("six minutes pass, and node-{node} is not ready"),
        Action::DriverAttaches { node } => format!("the driver attaches the volume to node-{node}"),
        Action::DriverDetaches { node } => {
            format!("the driver detaches the volume from node-{node}")
        }
        Action::WantMount { node } => format!("the kubelet of node-{node} is about to mount it"),
        Action::Mount { node } => format!("the kubelet of node-{node} mounts the volume"),
        Action::Unmount { node } => format!("the kubelet of node-{node} unmounts the volume"),
        Action::PlacePod { node } => format!("a Pod that uses the volume comes to node-{node}"),
        Action::EndPod { node } => format!("the Pod of node-{node} is gone"),
        Action::LoseNode { node } => format!("node-{node} is lost"),
        Action::Crash => "the controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> String {
    match action {
        Action::DeliverPod
        | Action::DeliverAttachment
        | Action::DeliverNode
        | Action::Attach { .. }
        | Action::Report { .. }
        | Action::Detach { .. }
        | Action::Crash => CONTROLLER.to_owned(),
        Action::GiveUp { .. } => "clock".to_owned(),
        Action::DriverAttaches { .. } | Action::DriverDetaches { .. } => "csi-driver".to_owned(),
        Action::WantMount { node }
        | Action::Mount { node }
        | Action::Unmount { node }
        | Action::EndPod { node }
        | Action::LoseNode { node } => format!("kubelet-{node}"),
        Action::PlacePod { .. } => "kube-scheduler".to_owned(),
    }
}

/// What the store, the controller and the kubelets hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    for (node, _) in state.asked.iter().enumerate().filter(|(_, asked)| **asked) {
        controller.holds += &format!("; has asked to attach to node-{node}");
    }
    let kubelets = state.mounted.iter().enumerate().map(|(node, mounted)| Lane {
        name: format!("kubelet-{node}"),
        holds: if *mounted { "has mounted the volume" } else { "has mounted nothing" }.to_owned(),
        behind: None,
    });
    [store, controller].into_iter().chain(kubelets).collect()
}

fn objects(objects: &Objects) -> String {
    let node = |node: usize| {
        let attachment = match objects.attachments[node] {
            None => "not attached",
            Some(one) if one.deleting => "to be detached",
            Some(one) if one.attached => "attached",
            Some(_) => "to be attached",
        };
        let flags = [
            (objects.pods[node], ", a Pod"),
            (objects.nodes[node].reported, ", volumesAttached"),
            (objects.nodes[node].in_use, ", volumesInUse"),
            (!objects.nodes[node].ready, ", not ready"),
        ];
        let flags: String = flags.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
        format!("node-{node}: {attachment}{flags}")
    };
    format!("{}; {}", node(0), node(1))
}
