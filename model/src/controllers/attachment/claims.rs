//! The claims about attachments. Their sentences stand in `specs/attachment.md`.

use super::{Attachment, AttachmentSlice, NODES, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario. The one whose breach may follow from another's comes after it.
pub(super) fn all() -> Vec<Claim<AttachmentSlice>> {
    use Fact::{Always, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ATTACHMENT-1", Always(one_node_has_the_volume)),
        claim("ATTACHMENT-2", Always(what_is_mounted_is_attached)),
        claim("ATTACHMENT-3", Reachable(a_pod_waits_for_another_node)),
        claim("ATTACHMENT-4", Eventually(a_volume_is_attached_where_it_is_wanted)),
        claim("ATTACHMENT-5", Eventually(a_volume_is_detached_where_nobody_wants_it)),
    ]
}

fn one_node_has_the_volume(_: &AttachmentSlice, state: &State) -> bool {
    state.store.now().attachments.iter().flatten().count() <= 1
}

fn what_is_mounted_is_attached(_: &AttachmentSlice, state: &State) -> bool {
    let objects = state.store.now();
    let lives = |node: &usize| objects.nodes[*node].ready && state.mounted[*node];
    (0..NODES).filter(lives).all(|node| {
        objects.attachments[node] == Some(Attachment { attached: true, deleting: false })
    })
}

fn a_pod_waits_for_another_node(_: &AttachmentSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.pods == [true; NODES] && state.mounted.contains(&true)
}

fn a_volume_is_attached_where_it_is_wanted(_: &AttachmentSlice, state: &State) -> bool {
    let objects = state.store.now();
    let lonely = |node: &usize| objects.pods[*node] && !objects.pods[1 - node];
    (0..NODES).filter(lonely).all(|node| {
        !objects.nodes[node].ready || objects.attachments[node].is_some_and(|one| one.attached)
    })
}

fn a_volume_is_detached_where_nobody_wants_it(_: &AttachmentSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..NODES).all(|node| objects.pods[node] || objects.attachments[node].is_none())
}
