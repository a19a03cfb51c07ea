//! Why no checked state holds a collection of `im`: its hash leaves out how long a collection is, so
//! that a checker takes two different states for one and loses what lies behind one of them.

use im::Vector;
use model::history::Log;
use model::pack::{Bits, Packed};
use stateright::{Checker, Model, Property};
use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

/// As many elements as two collections have together.
const ELEMENTS: usize = 3;

#[test]
fn a_search_loses_states_that_are_made_of_im() {
    let of_im = Halves(|(left, right)| (Vector::from(left), Vector::from(right)));
    let of_std = Halves(|halves| halves);

    let states = plain_states().len();
    assert_eq!(of_std.checker().spawn_bfs().join().unique_state_count(), states);
    assert!(of_im.checker().spawn_bfs().join().unique_state_count() < states);
}

#[test]
fn packed_logs_of_different_lengths_differ() {
    let states = plain_states();
    let mut bits = Bits::default();
    let mut fingerprint = |(left, right): &Pair| {
        let logs = [left, right].map(|half| {
            let mut log = Log::<bool, ELEMENTS>::EMPTY;
            half.iter().for_each(|element| log.push(*element));
            log
        });
        bits.write(|packer| logs.pack(packer)).fingerprint()
    };

    let fingerprints: HashSet<_> = states.iter().map(&mut fingerprint).collect();

    assert_eq!(fingerprints.len(), states.len());
}

type Pair = (Vec<bool>, Vec<bool>);

/// A model of two collections that grow; its states are made of them by a function.
struct Halves<T>(fn(Pair) -> T);

fn grown((left, right): &Pair) -> Vec<Pair> {
    if left.len() + right.len() == ELEMENTS {
        return Vec::new();
    }
    let with = |half: &Vec<bool>, element| [half.as_slice(), &[element]].concat();
    let grown = [false, true].map(|element| {
        [(with(left, element), right.clone()), (left.clone(), with(right, element))]
    });
    grown.concat()
}

fn plain_states() -> HashSet<Pair> {
    let mut known = HashSet::from([Pair::default()]);
    let mut queue = VecDeque::from([Pair::default()]);
    while let Some(state) = queue.pop_front() {
        for next in grown(&state) {
            if known.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    known
}

/// A state that is hashed as what was made of it.
#[derive(Clone, Debug, PartialEq)]
struct Hashed<T> {
    pair: Pair,
    made_of_it: T,
}

impl<T: Hash> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.made_of_it.hash(hasher);
    }
}

impl<T> Halves<T> {
    fn state(&self, pair: Pair) -> Hashed<T> {
        Hashed { made_of_it: (self.0)(pair.clone()), pair }
    }
}

impl<T: Clone + Debug + Hash + PartialEq + Send + Sync + 'static> Model for Halves<T> {
    type State = Hashed<T>;
    type Action = Pair;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.state(Pair::default())]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Pair>) {
        actions.extend(grown(&state.pair));
    }

    fn next_state(&self, _: &Self::State, action: Pair) -> Option<Self::State> {
        Some(self.state(action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("the halves stay small", |_, state: &Self::State| {
            state.pair.0.len() <= ELEMENTS
        })]
    }
}
