//! A slice of Kubernetes: states, steps and claims; and its face as a stateright model.
//!
//! Beside claims about states there are claims about steps ("no step changes `spec.nodeName`").
//! A checker knows only states, so a state remembers which claim the step into it has broken.

use crate::cause::Cause;
use crate::checker::path::Step;
use crate::pack::Packed;
use crate::report::story::Story;
use crate::report::svg::drawing;
use crate::request::Request;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::hash::Hash;

/// A part of Kubernetes that is small enough to be exhausted.
pub trait Slice: Clone + Send + Sync + 'static {
    /// A small value.
    type State: Packed + Copy + Eq + Hash + Debug + Send + Sync + 'static;
    /// One step, with the names of its objects.
    type Action: Copy + Eq + Debug + Serialize + Send + Sync + 'static;

    /// Where everything starts.
    fn initial(&self) -> Self::State;
    /// Every action that the slice knows, possible now or not.
    fn candidates(&self) -> Vec<Self::Action>;
    /// The state after a step, or nothing where it cannot be taken now.
    fn step(&self, state: &Self::State, action: Self::Action) -> Option<Self::State>;
    /// Why an action is taken.
    fn cause(&self, action: Self::Action) -> Cause;
    /// What is claimed.
    fn claims(&self) -> Vec<Claim<Self>>;
    /// A step in Kubernetes' words.
    fn describe(&self, before: &Self::State, action: Self::Action, after: &Self::State) -> String;
    /// Who takes a step: the name of a lane, or of somebody who has none, such as a client.
    fn actor(&self, action: Self::Action) -> String;
    /// The store first, then each component: what it holds or believes.
    fn lanes(&self, state: &Self::State) -> Vec<Lane>;

    /// Whether the action is taken at last if it can be taken for ever.
    fn is_fair(&self, action: Self::Action) -> bool {
        self.cause(action).is_fair()
    }

    /// The fault that an action is, if it is one: faults can be switched off.
    fn fault(&self, action: Self::Action) -> Option<Fault> {
        self.cause(action).fault()
    }

    /// Whether a request was granted, refused, or whether the step was none.
    fn outcome(&self, before: &Self::State, action: Self::Action, after: &Self::State) -> Outcome {
        let _ = (before, action, after);
        Outcome::Done
    }

    /// Whether the state is so large that no step is taken from it. A search that meets such a
    /// state has not seen everything.
    fn is_at_bound(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }

    /// What an API server sees of a step: the request behind it, if there is one.
    fn request(&self, before: &Self::State, action: Self::Action) -> Option<serde_json::Value> {
        let _ = (before, action);
        None
    }

    /// The requests that make what is there at the start, as far as an API server sees it.
    fn objects_at_start(&self) -> Vec<Request> {
        vec![]
    }

    /// One state for all that differ only in which of several alike objects is which.
    fn canonical(&self, state: &Self::State) -> Self::State {
        *state
    }

    /// All states that [`canonical`](Slice::canonical) maps to the same one, this one first.
    fn alike(&self, state: &Self::State) -> Vec<Self::State> {
        vec![*state]
    }

    /// The same state without what only a `lazy` one has: events that nobody selects, undelivered.
    fn without_invisible(&self, state: &Self::State) -> Self::State {
        *state
    }

    /// The same state with an API server that lags no more.
    fn without_lag(&self, state: &Self::State) -> Self::State {
        *state
    }

    /// The name of a kind of action, without its objects.
    fn kind(&self, action: Self::Action) -> String {
        let value = serde_json::to_value(action).unwrap_or_default();
        value["action"].as_str().unwrap_or_default().to_owned()
    }
}

/// A scenario or several that one type of slice sets up.
pub trait Family: Slice {
    /// The scenarios by name.
    const SCENARIOS: &'static [&'static str];
    /// The ids of the steps that can be replaced.
    const MUTATIONS: &'static [&'static str];

    /// Sets up a scenario of [`SCENARIOS`](Family::SCENARIOS), with a mutation of
    /// [`MUTATIONS`](Family::MUTATIONS) if one is named. An error says why the size is impossible.
    fn set_up(scenario: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String>;
}

/// How large a scenario is. What is not said is as the scenario has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Size {
    /// How many machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<usize>,
    /// How many Pods clients create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<usize>,
    /// How many replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<usize>,
    /// How often each fault of the scenario may happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<u8>,
    /// The faults that may happen; all of the scenario's where none are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<Fault>>,
    /// Whether events that a watch does not select wait to be delivered like the others. It adds
    /// states and no behaviour: a test of the reduction that skips them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lazy: bool,
    /// Whether an API server that lags follows event by event. It adds states and no behaviour: a test of
    /// the reduction that has it stop at one moment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_own_pace: bool,
}

impl Size {
    /// Whether the scenarios stay as they are.
    pub fn is_as_designed(&self) -> bool {
        *self == Size::default()
    }

    /// How often a fault may happen that the scenario allows so often.
    pub fn times(&self, designed: u8) -> u8 {
        self.faults.unwrap_or(designed)
    }
}

/// `2 nodes, 3 pods`, or `as designed`.
impl std::fmt::Display for Size {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Size { nodes, pods, replicas, faults, only, lazy, at_own_pace } = self;
        let counts = [("nodes", nodes), ("pods", pods), ("replicas", replicas)];
        let counts = counts.into_iter().filter_map(|(what, count)| Some((what, (*count)?)));
        let mut said: Vec<_> = counts.map(|(what, count)| format!("{count} {what}")).collect();
        said.extend(faults.map(|times| format!("each fault {times} times")));
        said.extend(only.as_ref().map(|only| match only.as_slice() {
            [] => "no faults".to_owned(),
            faults => {
                format!("only {}", faults.iter().map(Fault::name).collect::<Vec<_>>().join(", "))
            }
        }));
        said.extend(lazy.then(|| "events that nobody selects wait".to_owned()));
        said.extend(
            at_own_pace.then(|| "the API server that lags follows event by event".to_owned()),
        );
        match said.as_slice() {
            [] => formatter.write_str("as designed"),
            said => formatter.write_str(&said.join(", ")),
        }
    }
}

/// A kind of fault, to be switched on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A component crashes and loses its memory.
    Crash,
    /// A machine loses power, with all that runs on it, and may boot again.
    Reboot,
    /// A request is lost on its way, or its answer.
    LostRequest,
    /// A request arrives when its sender is gone.
    LateRequest,
    /// An API server answers from a watch cache that lags behind.
    StaleApiServer,
    /// A watch is closed.
    WatchClosed,
    /// History is compacted (410 Gone).
    Compaction,
    /// A component is cut off from the others.
    Partition,
    /// A clock runs at another speed than the others.
    ClockSkew,
    /// An object is deleted without waiting for whom it concerns.
    ForceDelete,
}

impl Fault {
    /// All of them, by name.
    pub const ALL: [(&'static str, Fault); 10] = [
        ("crash", Fault::Crash),
        ("reboot", Fault::Reboot),
        ("lost-request", Fault::LostRequest),
        ("late-request", Fault::LateRequest),
        ("stale-api-server", Fault::StaleApiServer),
        ("watch-closed", Fault::WatchClosed),
        ("compaction", Fault::Compaction),
        ("partition", Fault::Partition),
        ("clock-skew", Fault::ClockSkew),
        ("force-delete", Fault::ForceDelete),
    ];

    /// Its name.
    pub fn name(&self) -> &'static str {
        Fault::ALL.into_iter().find(|(_, fault)| fault == self).map_or("unknown", |(name, _)| name)
    }

    /// The fault of this name.
    pub fn of(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, fault)| fault)
    }
}

/// What one component holds or believes, for a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// The component.
    pub name: String,
    /// What it holds: `pod-0 (uid 1) on node-0, Running`.
    pub holds: String,
    /// How many events have not reached it. Nothing for who watches nothing, or has not listed.
    pub behind: Option<usize>,
}

impl Lane {
    /// All of it as a line of text.
    pub fn believes(&self) -> String {
        let Lane { name, holds, behind } = self;
        match behind {
            None | Some(0) => format!("{name}: {holds}"),
            Some(1) => format!("{name}: {holds} (1 event behind)"),
            Some(behind) => format!("{name}: {holds} ({behind} events behind)"),
        }
    }
}

/// Declares the mutations of a family: wrong steps, each with its id. `k-NUMBER` and `etcd-NUMBER`
/// are bugs that Kubernetes or etcd had.
///
/// ```
/// model::mutations! {
///     /// A lease that has not expired is taken.
///     EarlyTakeover = "election-takes-lease-early",
/// }
///
/// assert_eq!(Mutation::IDS, ["election-takes-lease-early"]);
/// assert_eq!(Mutation::of("election-takes-lease-early"), Some(Mutation::EarlyTakeover));
/// ```
#[macro_export]
macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// A wrong step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutation {
            $($(#[$doc])* $name),*
        }

        impl Mutation {
            /// The ids of all of them.
            pub const IDS: &'static [&'static str] = &[$($id),*];

            /// The mutation of this id.
            pub fn of(id: &str) -> Option<Self> {
                match id {
                    $($id => Some(Mutation::$name),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a [`Slice`] says of itself, where its claims stand in its module `claims` and its words in `words`.
#[macro_export]
macro_rules! claims_and_words {
    () => {
        fn claims(&self) -> Vec<$crate::slice::Claim<Self>> {
            claims::all()
        }

        fn describe(
            &self,
            before: &Self::State,
            action: Self::Action,
            after: &Self::State,
        ) -> String {
            words::describe(before, action, after)
        }

        fn actor(&self, action: Self::Action) -> String {
            words::actor(action).to_owned()
        }

        fn lanes(&self, state: &Self::State) -> Vec<$crate::slice::Lane> {
            words::lanes(state)
        }
    };
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It made a new revision.
    Committed,
    /// The API server said no.
    Refused,
    /// The step was no request, or one that changed nothing.
    Done,
}

/// A numbered sentence of `specs/`, as something to check.
pub struct Claim<S: Slice> {
    /// Its number, such as `POD-1`.
    pub id: &'static str,
    /// What must hold.
    pub fact: Fact<S>,
}

/// What must hold, and when.
pub enum Fact<S: Slice> {
    /// In every state.
    Always(fn(&S, &S::State) -> bool),
    /// In every step.
    EachStep(fn(&S, &S::State, &S::State) -> bool),
    /// In some state: the model does not hold by doing nothing.
    Reachable(fn(&S, &S::State) -> bool),
    /// Again and again, in every fair run once faults have stopped.
    Eventually(fn(&S, &S::State) -> bool),
    /// Some run reaches it, from every state: nothing makes it impossible for good.
    Possible(fn(&S, &S::State) -> bool),
}

/// The kind of a claim, as `kanon check --list` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing bad happens.
    Safety,
    /// Something good happens at last.
    Liveness,
    /// Something can happen.
    Reachability,
}

impl<S: Slice> Fact<S> {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Fact::Always(_) | Fact::EachStep(_) => Kind::Safety,
            Fact::Reachable(_) => Kind::Reachability,
            Fact::Eventually(_) | Fact::Possible(_) => Kind::Liveness,
        }
    }
}

/// A slice as a stateright model.
pub struct Checked<S: Slice> {
    /// The slice.
    pub slice: S,
    /// Its claims.
    pub claims: Vec<Claim<S>>,
    /// Its candidates.
    pub candidates: Vec<S::Action>,
    /// Whether stateright is offered only the candidates that can be taken. A search finds out for
    /// itself; the Explorer shows what it is offered.
    pub offers_possible: bool,
}

/// A state of the slice, and the claim that the step into it has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reached<T> {
    /// The state.
    pub state: T,
    /// The place of the broken claim among the claims.
    pub broken: Option<u8>,
}

impl<S: Slice> Checked<S> {
    /// The model of a slice.
    pub fn new(slice: S) -> Self {
        let (claims, candidates) = (slice.claims(), slice.candidates());
        Checked { slice, claims, candidates, offers_possible: false }
    }

    /// The same without the faults that are not among these, if any are named.
    #[must_use]
    pub fn with_faults_of(mut self, size: &Size) -> Self {
        if let Some(only) = &size.only {
            let stays = |action: &S::Action| {
                self.slice.fault(*action).is_none_or(|fault| only.contains(&fault))
            };
            self.candidates.retain(stays);
        }
        self
    }
}

impl<S: Slice> stateright::Model for Checked<S> {
    type State = Reached<S::State>;
    type Action = S::Action;

    fn init_states(&self) -> Vec<Self::State> {
        vec![Reached { state: self.slice.initial(), broken: None }]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        let is_offered = |action: &&S::Action| {
            !self.offers_possible || self.next_state(state, **action).is_some()
        };
        actions.extend(self.candidates.iter().filter(is_offered));
    }

    fn next_state(&self, last: &Self::State, action: Self::Action) -> Option<Self::State> {
        if last.broken.is_some() || self.slice.is_at_bound(&last.state) {
            return None;
        }
        let state = self.slice.step(&last.state, action)?;
        let broken = self.broken(&last.state, &state).map(|claim| claim as u8);
        Some(Reached { state, broken })
    }

    fn format_action(&self, action: &Self::Action) -> String {
        let value = serde_json::to_value(action).unwrap_or_default();
        let fields = value.as_object().into_iter().flatten();
        let objects = fields.filter(|(field, _)| *field != "action");
        let objects: String = objects.map(|(field, object)| format!(" {field}={object}")).collect();
        self.slice.kind(*action) + &objects
    }

    fn format_step(&self, last: &Self::State, action: Self::Action) -> Option<String> {
        let next = self.next_state(last, action)?;
        let lanes = self.slice.lanes(&next.state).into_iter();
        let lanes: String =
            lanes.map(|Lane { name, holds, .. }| format!("\n{name}: {holds}")).collect();
        Some(self.slice.describe(&last.state, action, &next.state) + "\n" + &lanes)
    }

    fn as_svg(&self, path: stateright::Path<Self::State, Self::Action>) -> Option<String> {
        let states = path.into_vec();
        let step = |pair: &[(Self::State, Option<Self::Action>)]| match pair {
            [(before, Some(action)), (after, _)] => Some((before.state, *action, after.state)),
            _ => None,
        };
        let steps: Vec<Step<S>> = states.windows(2).filter_map(step).collect();
        Some(drawing(&Story::of(&self.slice, &steps, &[])))
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        let conditions = conditions::<S>();
        assert!(self.claims.len() <= conditions.len(), "a slice has at most 16 claims");
        let checkable = self.claims.iter().zip(conditions);
        checkable.filter_map(|(claim, condition)| property(claim, condition)).collect()
    }
}

type Condition<S> = fn(&Checked<S>, &Reached<<S as Slice>::State>) -> bool;

fn property<S: Slice>(
    claim: &Claim<S>,
    discovers: (Condition<S>, Condition<S>),
) -> Option<stateright::Property<Checked<S>>> {
    let (holds, reached) = discovers;
    match claim.fact {
        Fact::Always(_) | Fact::EachStep(_) => Some(stateright::Property::always(claim.id, holds)),
        Fact::Reachable(_) => Some(stateright::Property::sometimes(claim.id, reached)),
        Fact::Eventually(_) | Fact::Possible(_) => None,
    }
}

/// stateright takes plain function pointers, so each claim's place is part of a function's type.
fn conditions<S: Slice>() -> [(Condition<S>, Condition<S>); 16] {
    macro_rules! at {
        ($($place:literal)*) => { [$((holds::<S, $place>, reached::<S, $place>)),*] };
    }
    at!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

fn holds<S: Slice, const CLAIM: usize>(model: &Checked<S>, reached: &Reached<S::State>) -> bool {
    reached.broken != Some(CLAIM as u8) && !model.state_discovers(CLAIM, &reached.state)
}

fn reached<S: Slice, const CLAIM: usize>(model: &Checked<S>, reached: &Reached<S::State>) -> bool {
    model.state_discovers(CLAIM, &reached.state)
}
