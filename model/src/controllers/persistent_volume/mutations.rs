//! Mutations of the binder and of the protection controllers: each replaces one step and passes the rest
//! through.

use super::objects::{Claim, Event, Objects, Phase, Reference, Volume};
use super::{Action, State, Update};

crate::mutations! {
    /// The binder writes a volume without looking whether it was given to another claim meanwhile.
    BinderOverwrites = "k-19209",
    /// The protection controller takes what its cache shows of Pods for all there are.
    TrustsCachedPods = "k-76703",
    /// A claim is looked at when it is deleted, and not when its Pod ends.
    NotWokenByPods = "k-80475",
    /// A claim is given its volume before the volume is taken for it.
    ClaimsFirst = "binder-binds-claims-first",
    /// A claim that has a volume moves to another that is kept for it.
    MovesClaims = "binder-moves-claims",
    /// A volume that is Released counts as free.
    ReusesReleased = "binder-reuses-released-volumes",
    /// A claim of the name that a volume gives gets the volume, whatever its uid.
    IgnoresUid = "binder-ignores-uid",
    /// A volume whose claim the cache does not show is Released, unasked.
    TrustsCachedClaims = "binder-releases-unasked",
    /// A volume stays Bound when its claim is gone.
    NeverReleases = "binder-never-releases",
    /// The binder finds a volume for a claim that waits for its first consumer.
    IgnoresWaiting = "binder-ignores-first-consumer",
    /// The binder finds no volume that was made after the claim.
    OverlooksNewVolumes = "binder-overlooks-new-volumes",
    /// A volume that was taken for a claim which has another is not given back.
    NeverUnbinds = "binder-never-unbinds",
    /// Claims have no finalizer.
    NoFinalizer = "claims-without-finalizer",
    /// The finalizer of a volume is removed by what the cache shows of it.
    TrustsCachedVolumes = "pv-protection-ignores-version",
    /// The provisioner deletes what it has not made.
    IgnoresPolicy = "provisioner-ignores-policy",
    /// The provisioner deletes nothing.
    NeverReclaims = "provisioner-never-deletes",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(BinderOverwrites), Action::Commit) => state.commit(overwrites),
            (Some(TrustsCachedPods), Action::ListPods) => state.list_pods(state.store.caches()?),
            (Some(NotWokenByPods), Action::ListPods) if state.budgets.pods == 0 => None,
            (Some(ClaimsFirst), Action::SyncClaim { claim }) => claims_first(state, claim),
            (Some(MovesClaims), Action::SyncClaim { claim }) => moves(state, claim),
            (Some(ReusesReleased), Action::SyncClaim { claim }) => {
                state.sync_claim(claim, free_or_released)
            }
            (Some(IgnoresUid), Action::SyncClaim { claim }) => state.sync_claim(claim, by_name),
            (Some(TrustsCachedClaims), Action::SyncVolume { volume }) => {
                state.sync_volume(volume, state.store.caches()?)
            }
            (Some(NeverReleases), Action::SyncVolume { volume }) => never_releases(state, volume),
            (Some(IgnoresWaiting), Action::SyncClaim { claim }) => {
                state.sync_claim(claim, |_, caches, reference| {
                    let free = || caches.volume_where(Volume::is_free);
                    caches.kept_for(reference).or_else(free)
                })
            }
            (Some(OverlooksNewVolumes), Action::SyncClaim { claim }) => {
                state.sync_claim(claim, |state, caches, reference| {
                    let found = state.volume_for(caches, reference);
                    found.filter(|volume| usize::from(*volume) != super::RETAINED)
                })
            }
            (Some(NeverUnbinds), Action::SyncVolume { volume }) => never_unbinds(state, volume),
            (Some(NoFinalizer), Action::DeleteClaim { claim }) => {
                let next = action.apply(state)?;
                Some(next.put(Event::Claim(claim, None)))
            }
            (Some(TrustsCachedVolumes), Action::LetVolumeGo { volume }) => {
                state.store.now().volumes[usize::from(volume)]?;
                state.let_volume_go(volume, state.store.caches()?)
            }
            (Some(IgnoresPolicy), Action::Reclaim { volume }) => state.reclaim(volume, true),
            (Some(NeverReclaims), Action::Reclaim { .. }) => None,
            (_, action) => action.apply(state),
        }
    }
}

/// Whether the object of an update is there, whatever it is like.
fn overwrites(state: &State, update: Update) -> bool {
    let objects = state.store.now();
    match update {
        Update::Claim(..) => state.is_as_read(update),
        Update::Volume(number, ..) => objects.volumes[usize::from(number)].is_some(),
    }
}

fn claims_first(state: &State, number: u8) -> Option<State> {
    writes_claim(state, number, |caches, claim, reference| match claim.volume {
        None => state.volume_for(caches, reference),
        Some(_) => None,
    })
}

fn moves(state: &State, number: u8) -> Option<State> {
    writes_claim(state, number, |caches, claim, reference| {
        let own = claim.volume?;
        let another = |(other, volume): (u8, Option<Volume>)| {
            (own != other && volume?.claim == Some(reference)).then_some(other)
        };
        (0..).zip(caches.volumes).find_map(another)
    })
}

/// The binder gives a claim the volume that is chosen, or does what is right where none is.
fn writes_claim(
    state: &State,
    number: u8,
    choose: impl Fn(&Objects, Claim, Reference) -> Option<u8>,
) -> Option<State> {
    let caches = state.caches_of_idle_binder()?;
    let claim = caches.claims[usize::from(number)]?;
    match choose(&caches, claim, Reference { name: number, uid: claim.uid }) {
        None => state.sync_claim(number, State::volume_for),
        Some(volume) => {
            let write = Claim { volume: Some(volume), ..claim };
            state.asks(Some(Update::Claim(number, claim, write)))
        }
    }
}

fn free_or_released(state: &State, caches: &Objects, reference: Reference) -> Option<u8> {
    let released = |volume: &Volume| volume.phase == Phase::Released && !volume.deleting;
    state.volume_for(caches, reference).or_else(|| caches.volume_where(released))
}

fn by_name(state: &State, caches: &Objects, reference: Reference) -> Option<u8> {
    let is_of_name =
        |volume: &Volume| volume.claim.is_some_and(|claim| claim.name == reference.name);
    caches.volume_where(is_of_name).or_else(|| state.volume_for(caches, reference))
}

fn never_releases(state: &State, number: u8) -> Option<State> {
    let next = state.sync_volume(number, state.store.now())?;
    let releases =
        |update| matches!(update, Update::Volume(_, _, write) if write.phase == Phase::Released);
    (!next.binder.is_some_and(releases)).then_some(next)
}

fn never_unbinds(state: &State, number: u8) -> Option<State> {
    let next = state.sync_volume(number, state.store.now())?;
    let volume = state.store.caches()?.volumes[usize::from(number)]?;
    let claim = volume.claim.and_then(|reference| state.store.now().meant(reference));
    let is_of_another = claim.and_then(|claim| claim.volume).is_some_and(|own| own != number);
    (!is_of_another).then_some(next)
}
