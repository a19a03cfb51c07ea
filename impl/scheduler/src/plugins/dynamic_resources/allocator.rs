//! Which devices the claims of a pod get if it runs on a node.
//!
//! Source: structured/internal/incubating/allocator_incubating.go (v1.36). Devices are tried in the order of their pools,
//! slices and places there, and the first that go together are taken. Upstream gives up a search after a time; this one
//! after so many looks at a device.

use std::collections::{BTreeMap, BTreeSet};

use api::Key;
use k8s_openapi::api::resource::v1::{AllocationResult, Device, DeviceSelector};

use super::capacity::has_room;
use super::constraint::Constraint;
use super::counters::Counters;
use super::pools::{Pool, Reach, Standing, devices_of, gather};
use super::request::{Wish, requests_of, wrong};
use super::seeking::{At, Candidate, Failure, Inputs, Picked, RESULTS_MAX, Seeking, Taken, Wanted};
use super::{result, search};

/// An allocation that is being searched.
#[derive(Clone, Debug)]
pub(super) struct Allocator<'a> {
    pub(super) inputs: Inputs<'a>,
    pub(super) claims: Vec<Seeking<'a>>,
    pub(super) candidates: Vec<Candidate<'a>>,
    pools: Vec<Pool<'a>>,
    counters: Counters<'a>,
    /// The claims for which a device is taken.
    taken: BTreeMap<usize, BTreeSet<usize>>,
    /// Whether a device is one for a wish.
    selected: BTreeMap<(At, usize), bool>,
    pub(super) looks: usize,
}

/// What each claim gets; nothing, if they cannot all have what they ask for.
pub(super) fn allocate(inputs: Inputs<'_>) -> Result<Option<Vec<AllocationResult>>, Failure> {
    let mut allocator = Allocator::new(inputs);
    allocator.read_claims().map_err(Failure::Error)?;
    match allocator.search() {
        Ok(true) => {
            let claims = allocator.claims.iter();
            Ok(Some(claims.map(|claim| result::of(claim, &allocator)).collect()))
        }
        Ok(false) if allocator.pools.iter().any(|pool| pool.standing == Standing::Invalid) => {
            Err(Failure::OnNode("invalid resource pools were encountered".to_owned()))
        }
        Ok(false) | Err(search::Stop::TooMany) => Ok(None),
        Err(search::Stop::Error(why)) => Err(Failure::Error(why)),
    }
}

impl<'a> Allocator<'a> {
    fn new(inputs: Inputs<'a>) -> Self {
        let pools = gather(inputs.node, inputs.devices);
        let mut candidates = vec![];
        for (place, pool) in pools.iter().enumerate() {
            for slice in &pool.slices {
                candidates.extend(devices_of(slice).iter().map(|device| Candidate {
                    pool: place,
                    slice,
                    device,
                    is_dedicated: inputs.allocated.is_dedicated(&pool.id, device),
                    shares: inputs.allocated.shares(&pool.id, device),
                }));
            }
        }
        Self {
            inputs,
            claims: vec![],
            candidates,
            pools,
            counters: Counters::default(),
            taken: BTreeMap::new(),
            selected: BTreeMap::new(),
            looks: 0,
        }
    }

    /// Finds out what each claim needs; fails where a claim says what nobody can give.
    fn read_claims(&mut self) -> Result<(), String> {
        for (place, claim) in self.inputs.claims.iter().enumerate() {
            self.claims.push(Seeking {
                claim,
                requests: vec![],
                constraints: vec![],
                picked: vec![],
            });
            let mut least = 0;
            for (request, asked) in requests_of(claim).iter().enumerate() {
                self.claims[place].requests.push(vec![]);
                let mut counts = vec![];
                for (index, wish) in Wish::all_of(asked).into_iter().enumerate() {
                    let at = At { claim: place, request, wish: index };
                    let wanted = self.wanted(wish, at)?;
                    counts.push(wanted.count);
                    self.claims[place].requests[request].push(wanted);
                }
                least += counts.into_iter().min().unwrap_or(0);
            }
            let key = Key::of(&claim.metadata);
            if least > RESULTS_MAX {
                return Err(format!(
                    "claim {key}: number of requested devices {least} exceeds the claim limit of {RESULTS_MAX}"
                ));
            }
            let devices = claim.spec.devices.as_ref();
            let constraints = devices.and_then(|devices| devices.constraints.as_deref());
            for (index, constraint) in constraints.unwrap_or_default().iter().enumerate() {
                let unknown = || {
                    format!(
                        "claim {key}, constraint #{index}: empty constraint (unsupported constraint type?)"
                    )
                };
                let constraint = Constraint::of(constraint).ok_or_else(unknown)?;
                self.claims[place].constraints.push(constraint);
            }
        }
        Ok(())
    }

    fn wanted(&mut self, wish: Wish<'a>, at: At) -> Result<Wanted<'a>, String> {
        let claim = self.claims[at.claim].claim;
        let wrong = |why: &str| wrong(claim, wish.own_name(), why);
        let class = wish.class(self.inputs.devices).map_err(|why| wrong(&why))?;
        let count = wish.count().map_err(|why| wrong(&why))?;
        let mut wanted = Wanted { wish, class, count: count.unwrap_or(0), all: None };
        if count.is_none() {
            for pool in &self.pools {
                let state = match pool.standing {
                    Standing::Complete => continue,
                    Standing::Incomplete => "being updated",
                    Standing::Invalid => "invalid",
                };
                let (driver, name) = &pool.id;
                return Err(wrong(&format!(
                    "asks for all devices, but resource pool {driver}/{name} is currently {state}"
                )));
            }
            let mut all = vec![];
            for candidate in 0..self.candidates.len() {
                if self.is_selected(at, &wanted, candidate)? && self.fits(&wanted, candidate) {
                    all.push(candidate);
                }
            }
            wanted.count = all.len();
            wanted.all = Some(all);
        }
        Ok(wanted)
    }

    /// Whether the selectors of a wish and of its class are for a device, and the device for the node.
    pub(super) fn is_selected(
        &mut self,
        at: At,
        wanted: &Wanted<'a>,
        candidate: usize,
    ) -> Result<bool, String> {
        if let Some(known) = self.selected.get(&(at, candidate)) {
            return Ok(*known);
        }
        let Candidate { slice, device, .. } = self.candidates[candidate];
        let of_class = wanted.class.spec.selectors.as_deref().unwrap_or_default();
        let class = wanted.class.metadata.name.as_deref().unwrap_or_default();
        let claim = Key::of(&self.claims[at.claim].claim.metadata);
        let of = (&*slice.spec.driver, device);
        let per_device = slice.spec.per_device_node_selection == Some(true);
        let is_selected = self.all_match(of_class, of, || format!("class {class}"))?
            && self.all_match(wanted.wish.selectors, of, || format!("claim {claim}"))?
            && (!per_device || Reach::of_device(device).reaches(self.inputs.node));
        self.selected.insert((at, candidate), is_selected);
        Ok(is_selected)
    }

    fn all_match(
        &self,
        selectors: &[DeviceSelector],
        device: (&str, &Device),
        whose: impl Fn() -> String,
    ) -> Result<bool, String> {
        for (index, selector) in selectors.iter().enumerate() {
            let matched = self.inputs.selectors.matches(selector, device);
            if !matched.map_err(|why| format!("{}: selector #{index}: {why}", whose()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a device has what a wish takes of it.
    pub(super) fn fits(&self, wanted: &Wanted<'_>, place: usize) -> bool {
        let candidate = &self.candidates[place];
        let picked = self.claims.iter().flat_map(|claim| &claim.picked);
        let here = picked.filter(|picked| picked.candidate == place);
        let others =
            candidate.shares.into_iter().chain(here.filter_map(|one| one.consumed.as_ref()));
        has_room(candidate.device, wanted.wish.capacity, &others.collect::<Vec<_>>())
    }

    /// Whether a device can be had. That others have it is nothing to an administrator, but once is enough for a claim.
    pub(super) fn is_free(&self, at: At, wanted: &Wanted<'_>, place: usize) -> bool {
        let taken = self.taken.get(&place);
        match wanted.wish.admin_access {
            true => !taken.is_some_and(|claims| claims.contains(&at.claim)),
            false => !self.candidates[place].is_dedicated && taken.is_none(),
        }
    }

    /// Takes a device for a wish; whether counters, taints and constraints allow it, or which of the constraints does not.
    pub(super) fn take(&mut self, at: At, wanted: &Wanted<'a>, place: usize) -> Taken {
        let candidate = self.candidates[place];
        let consumed = candidate
            .is_shared()
            .then(|| super::capacity::consumed(candidate.device, wanted.wish.capacity));
        let is_shared_already =
            candidate.is_shared() && (candidate.shares.is_some() || self.is_picked(place));
        let counts = !is_shared_already && candidate.device.consumes_counters.is_some();
        if wanted.wish.is_kept_from(candidate.device) {
            return Taken::No;
        }
        let pool = (candidate.pool, &self.pools[candidate.pool]);
        if counts && !self.counters.take(candidate.device, pool, self.inputs.allocated) {
            return Taken::No;
        }
        let of = (&*candidate.slice.spec.driver, candidate.device);
        let request = wanted.wish.name();
        let constraints = &mut self.claims[at.claim].constraints;
        let refused = constraints.iter_mut().position(|one| !one.add(request, of));
        if let Some(refused) = refused {
            constraints[..refused].iter_mut().for_each(|one| one.remove(request));
            if counts {
                self.counters.give_back(candidate.device, candidate.pool);
            }
            return Taken::Unlike;
        }
        if !candidate.is_shared() {
            self.taken.entry(place).or_default().insert(at.claim);
        }
        let wish = (at.request, at.wish);
        let picked = Picked { wish, candidate: place, consumed, took_counters: counts };
        self.claims[at.claim].picked.push(picked);
        Taken::Yes
    }

    fn is_picked(&self, place: usize) -> bool {
        let mut picked = self.claims.iter().flat_map(|claim| &claim.picked);
        picked.any(|picked| picked.candidate == place)
    }

    /// Gives back the device that was taken last for a wish.
    pub(super) fn give_back(&mut self, at: At, wanted: &Wanted<'a>) {
        let seeking = &mut self.claims[at.claim];
        let Some(picked) = seeking.picked.pop() else { return };
        seeking.constraints.iter_mut().for_each(|one| one.remove(wanted.wish.name()));
        let candidate = self.candidates[picked.candidate];
        if picked.took_counters {
            self.counters.give_back(candidate.device, candidate.pool);
        }
        if let Some(claims) = self.taken.get_mut(&picked.candidate) {
            claims.remove(&at.claim);
            if claims.is_empty() {
                self.taken.remove(&picked.candidate);
            }
        }
    }

    /// The name of a device: driver, pool, its own.
    pub(super) fn id(&self, place: usize) -> String {
        let Candidate { slice, device, .. } = self.candidates[place];
        format!("{}/{}/{}", slice.spec.driver, slice.spec.pool.name, device.name)
    }
}
