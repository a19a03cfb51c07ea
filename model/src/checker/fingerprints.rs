//! The set of all states that were met, as fingerprints of 64 bits.
//!
//! Each shard is one sorted array with gaps: a fingerprint lies at or soon after the place that its
//! own value names, so a search looks at a few neighbours, and a shard that grows copies in order.
//! Shards grow by a seventh, each for itself, which keeps the whole at 9 to 11 bytes a state.

use std::sync::Mutex;

const SHARDS: usize = 256;
const LEFT_WHOLE: &str = "a shard is left whole, whoever panics elsewhere";

/// A set of fingerprints that several threads fill.
pub struct Fingerprints {
    shards: Vec<Mutex<Shard>>,
}

impl Default for Fingerprints {
    fn default() -> Self {
        Fingerprints { shards: (0..SHARDS).map(|_| Mutex::new(Shard::with_room(16))).collect() }
    }
}

impl Fingerprints {
    /// Adds a fingerprint; says whether it was not there yet.
    pub fn insert(&self, fingerprint: u64) -> bool {
        let shard = &self.shards[fingerprint as usize % SHARDS];
        shard.lock().expect(LEFT_WHOLE).insert(fingerprint)
    }

    /// Adds fingerprints; says of each whether it was not there yet. Each shard is locked once, and
    /// what it will read for all of them is read first, so that they wait for memory together.
    pub fn insert_all(&self, fingerprints: &[u64]) -> Vec<bool> {
        let mut is_new = vec![false; fingerprints.len()];
        let (places, ends) = by_shard(fingerprints);
        let mut start = 0;
        for (shard, end) in self.shards.iter().zip(ends) {
            let mut shard = shard.lock().expect(LEFT_WHOLE);
            let places = &places[start..end];
            let read = places.iter().map(|place| shard.first_read(fingerprints[*place as usize]));
            std::hint::black_box(read.fold(0, |all, slot| all ^ slot));
            for place in places {
                is_new[*place as usize] = shard.insert(fingerprints[*place as usize]);
            }
            start = end;
        }
        is_new
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether a set is empty")]
    pub fn len(&self) -> usize {
        self.of_shards(|shard| shard.used)
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.of_shards(|shard| shard.slots.capacity() * size_of::<u64>())
    }

    /// All of them, in no order that means anything.
    pub fn for_each(&self, mut visit: impl FnMut(u64)) {
        for shard in &self.shards {
            let shard = shard.lock().expect(LEFT_WHOLE);
            shard.slots.iter().filter(|slot| **slot != EMPTY).for_each(|slot| visit(*slot));
        }
    }

    fn of_shards(&self, count: impl Fn(&Shard) -> usize) -> usize {
        let locked = self.shards.iter().map(|shard| count(&shard.lock().expect(LEFT_WHOLE)));
        locked.sum()
    }
}

/// The places of fingerprints in the order of their shards, and where those of each shard end.
fn by_shard(fingerprints: &[u64]) -> (Vec<u32>, [usize; SHARDS]) {
    let shard = |fingerprint: u64| fingerprint as usize % SHARDS;
    let mut next = [0; SHARDS];
    fingerprints.iter().for_each(|fingerprint| next[shard(*fingerprint)] += 1);
    let mut start = 0;
    for next in &mut next {
        start += std::mem::replace(next, start);
    }
    let mut places = vec![0; fingerprints.len()];
    for (place, fingerprint) in (0..).zip(fingerprints) {
        let next = &mut next[shard(*fingerprint)];
        places[*next] = place;
        *next += 1;
    }
    (places, next)
}

const EMPTY: u64 = 0;
/// Places behind the last that a fingerprint can name, for those that are pushed on.
const SLACK: usize = 64;

struct Shard {
    slots: Vec<u64>,
    /// How many places fingerprints can name; behind them there is slack.
    places: usize,
    used: usize,
}

impl Shard {
    fn with_room(places: usize) -> Self {
        Shard { slots: vec![EMPTY; places + SLACK], places, used: 0 }
    }

    fn insert(&mut self, fingerprint: u64) -> bool {
        let key = fingerprint.max(1);
        let mut place = self.place(key);
        while self.slots[place] != EMPTY && self.slots[place] < key {
            place += 1;
        }
        if self.slots[place] == key {
            return false;
        }
        if self.used * 8 >= self.places * 7 {
            self.grow();
            return self.insert(fingerprint);
        }
        self.push_in(place, key);
        true
    }

    /// What a search for this fingerprint reads first.
    fn first_read(&self, fingerprint: u64) -> u64 {
        self.slots[self.place(fingerprint.max(1))]
    }

    /// Where a fingerprint belongs, if nobody were in its way.
    fn place(&self, key: u64) -> usize {
        ((u128::from(key) * self.places as u128) >> 64) as usize
    }

    /// Puts a key at its place and pushes what is there on to the next gap.
    fn push_in(&mut self, place: usize, key: u64) {
        let gap = self.slots[place..].iter().position(|slot| *slot == EMPTY);
        let gap = gap.expect("the last place is empty, so that every search ends");
        self.slots.copy_within(place..place + gap, place + 1);
        self.slots[place] = key;
        self.used += 1;
        if place + gap + 1 == self.slots.len() {
            self.add_slack(SLACK);
        }
    }

    fn grow(&mut self) {
        let mut grown = Shard::with_room(self.places * 8 / 7 + 16);
        let mut next = 0;
        for key in self.slots.drain(..).filter(|slot| *slot != EMPTY) {
            next = grown.place(key).max(next);
            if next == grown.slots.len() {
                grown.add_slack(SLACK);
            }
            grown.slots[next] = key;
            next += 1;
        }
        grown.add_slack((next + SLACK / 2).saturating_sub(grown.slots.len()));
        grown.used = self.used;
        *self = grown;
    }

    fn add_slack(&mut self, places: usize) {
        self.slots.reserve_exact(places);
        self.slots.extend(std::iter::repeat_n(EMPTY, places));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_fingerprint_is_new_once() {
        let set = Fingerprints::default();
        let mut known = BTreeSet::new();
        let mut value = 1_u64;

        for round in 0..200_000_u64 {
            value = value.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(round);
            let fingerprint = value ^ value >> 33;
            assert_eq!(set.insert(fingerprint), known.insert(fingerprint));
            assert!(!set.insert(fingerprint));
        }

        let mut all = BTreeSet::new();
        set.for_each(|fingerprint| assert!(all.insert(fingerprint)));
        assert_eq!(all, known);
        assert_eq!(set.len(), known.len());
    }

    #[test]
    fn of_equal_fingerprints_that_are_added_together_the_first_is_new() {
        let set = Fingerprints::default();
        set.insert(7);

        let is_new = set.insert_all(&[5, 7, 5 + SHARDS as u64, 5]);

        assert_eq!(is_new, [true, false, true, false]);
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn fingerprints_that_crowd_at_one_end_are_kept() {
        let set = Fingerprints::default();
        let crowded = (0..5_000).map(|number| u64::MAX - number * SHARDS as u64);

        let new = crowded.clone().filter(|fingerprint| set.insert(*fingerprint)).count();

        assert_eq!(new, 5_000);
        assert!(crowded.into_iter().all(|fingerprint| !set.insert(fingerprint)));
    }

    #[test]
    fn a_large_set_takes_less_than_eleven_bytes_each() {
        let set = Fingerprints::default();

        (1..1_000_000_u64).for_each(|number| {
            set.insert(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        });

        assert!(set.bytes() < 11 * set.len(), "{} for {}", set.bytes(), set.len());
    }
}
