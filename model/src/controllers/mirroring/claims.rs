//! The claims about mirrored Endpoints. Their sentences stand in `specs/endpoint-slice-mirroring.md`.

use super::{MirroringSlice, Objects, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<MirroringSlice>> {
    use Fact::{Always, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("MIRRORING-1", Always(what_others_made_stays)),
        claim("MIRRORING-2", Always(endpoints_have_one_slice)),
        claim("MIRRORING-3", Reachable(a_slice_says_what_was)),
        claim("MIRRORING-4", Eventually(slices_say_what_endpoints_say)),
    ]
}

fn what_others_made_stays(_: &MirroringSlice, state: &State) -> bool {
    state.store.now().foreign
}

/// What the slices of the controller say.
fn said(objects: &Objects) -> Vec<u8> {
    objects.mirrors.iter().flatten().copied().collect()
}

fn endpoints_have_one_slice(_: &MirroringSlice, state: &State) -> bool {
    said(&state.store.now()).len() <= 1
}

fn a_slice_says_what_was(_: &MirroringSlice, state: &State) -> bool {
    let objects = state.store.now();
    let (wanted, said) = (objects.wanted(), said(&objects));
    wanted.is_some_and(|wanted| said.iter().any(|says| *says != wanted))
}

fn slices_say_what_endpoints_say(_: &MirroringSlice, state: &State) -> bool {
    let objects = state.store.now();
    said(&objects) == objects.wanted().into_iter().collect::<Vec<u8>>()
}
