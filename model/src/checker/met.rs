//! What the steps from a block of states have led to, before anybody knows what of it is new.

use super::fingerprints::Fingerprints;
use crate::pack::Bits;

/// States that steps have led to.
#[derive(Default)]
pub(super) struct Met {
    fingerprints: Vec<u64>,
    steps: Vec<MetStep>,
    bytes: Vec<u8>,
}

/// A step, and where the packed state that it led to lies among the bytes of all.
#[derive(Clone, Copy)]
pub(super) struct MetStep {
    /// The place of the state before, in its block.
    pub(super) parent: u32,
    /// The place of the action among the candidates.
    pub(super) action: u32,
    start: u32,
    end: u32,
}

impl Met {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.fingerprints.clear();
        self.steps.clear();
        self.bytes.clear();
    }

    /// Appends what a step has led to.
    pub(super) fn push(&mut self, parent: u32, action: usize, fingerprint: u64, packed: &Bits) {
        let start = self.bytes.len() as u32;
        packed.append_to(&mut self.bytes);
        let end = self.bytes.len() as u32;
        self.fingerprints.push(fingerprint);
        self.steps.push(MetStep { parent, action: action as u32, start, end });
    }

    /// Adds the states to all that were met; the steps to those that were not known yet, in order.
    pub(super) fn new_steps(&self, fingerprints: &Fingerprints) -> Vec<MetStep> {
        let is_new = fingerprints.insert_all(&self.fingerprints);
        self.steps.iter().zip(is_new).filter(|(_, is_new)| *is_new).map(|(step, _)| *step).collect()
    }

    /// The packed state that a step has led to.
    pub(super) fn packed(&self, step: &MetStep) -> &[u8] {
        &self.bytes[step.start as usize..step.end as usize]
    }
}

/// Some of the fingerprints that a worker has met lately. Most steps lead to states that were met a
/// moment ago: to notice that here spares a look into the large set.
pub(super) struct Recent(Vec<u64>);

impl Recent {
    const PLACES: usize = 1 << 14;

    /// Whether the fingerprint is here; it is from now on, in the place of another.
    pub(super) fn note(&mut self, fingerprint: u64) -> bool {
        let place = (fingerprint >> 32) as usize % Recent::PLACES;
        std::mem::replace(&mut self.0[place], fingerprint) == fingerprint
    }
}

impl Default for Recent {
    fn default() -> Self {
        // Nothing that is here at first is where it would be found.
        let mut places = vec![0; Recent::PLACES];
        places[0] = 1 << 32;
        Recent(places)
    }
}
