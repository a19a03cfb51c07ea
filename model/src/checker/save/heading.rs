//! What a saved search is of: a search goes on only where all of it is the same.

use crate::pack::{Bits, Packed, fold};
use crate::slice::{Checked, Size, Slice};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a file is of. A search goes on only where all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The version of the format.
    pub version: u32,
    /// The scenario.
    pub scenario: String,
    /// Its size.
    pub size: String,
    /// The step that is replaced.
    pub mutation: Option<String>,
    /// Whether one state stands for all that are alike.
    pub symmetry: bool,
    /// The claims, in their order.
    pub claims: Vec<String>,
    /// A hash of the candidates and of the first steps: another model has another, unless it
    /// differs only far from the start, or only in what a claim says.
    pub model: String,
}

impl Heading {
    /// The version of the format that is written.
    pub const VERSION: u32 = 1;

    /// The heading of a search.
    pub fn of<S: Slice>(
        model: &Checked<S>,
        scenario: &str,
        size: &Size,
        mutation: Option<&str>,
        symmetry: bool,
    ) -> Self {
        Heading {
            version: Heading::VERSION,
            scenario: scenario.to_owned(),
            size: size.to_string(),
            mutation: mutation.map(str::to_owned),
            symmetry,
            claims: model.claims.iter().map(|claim| claim.id.to_owned()).collect(),
            model: format!("{:016x}", fingerprint_of(model, symmetry)),
        }
    }

    /// What the heading of a file has that is not so here.
    pub(super) fn difference(&self, file: &Heading) -> Option<String> {
        let fields = [
            ("format version", self.version.to_string(), file.version.to_string()),
            ("scenario", self.scenario.clone(), file.scenario.clone()),
            ("size", self.size.clone(), file.size.clone()),
            ("mutation", named(&self.mutation), named(&file.mutation)),
            ("symmetry", self.symmetry.to_string(), file.symmetry.to_string()),
            ("claims", self.claims.join(" "), file.claims.join(" ")),
            ("version of the model", self.model.clone(), file.model.clone()),
        ];
        let (what, ours, theirs) = fields.into_iter().find(|(_, ours, theirs)| ours != theirs)?;
        Some(format!("{what} {theirs}, not {ours}"))
    }
}

fn named(mutation: &Option<String>) -> String {
    mutation.clone().unwrap_or_else(|| "none".to_owned())
}

/// From how many states the steps are in the fingerprint of a model.
const STATES_OF_MODEL: usize = 2_000;

/// A hash of the candidates, and of the steps from the first states, nearest first.
fn fingerprint_of<S: Slice>(model: &Checked<S>, symmetry: bool) -> u64 {
    let representative = |state: S::State| match symmetry {
        true => model.slice.canonical(&state),
        false => state,
    };
    let candidates = format!("{:?}", model.candidates);
    let initial = representative(model.slice.initial());
    let seed = candidates.bytes().fold(fingerprint(&initial), |hash, byte| fold(hash, byte.into()));
    let mut known = BTreeSet::from([fingerprint(&initial)]);
    let mut states = vec![initial];
    let mut hash = seed;
    for place in 0..STATES_OF_MODEL {
        let Some(before) = states.get(place).copied() else {
            break;
        };
        for action in &model.candidates {
            let Some(after) = model.slice.step(&before, *action).map(representative) else {
                continue;
            };
            let fingerprint = fingerprint(&after);
            hash = fold(hash, fingerprint);
            if known.insert(fingerprint) {
                states.push(after);
            }
        }
    }
    hash
}

fn fingerprint(state: &impl Packed) -> u64 {
    Bits::default().write(|packer| state.pack(packer)).fingerprint()
}
