//! Requests drawn at random, over few keys, so that they meet.

use etcd_client::{
    Client, Compare, CompareOp, DeleteOptions, Error, GetOptions, LeaseGrantOptions, PutOptions,
    ResponseHeader, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse,
};

/// A small generator, so that a seed is a script.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    fn flip(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(String, String, PutOptions),
    Get(String, GetOptions),
    Delete(String, DeleteOptions),
    Txn(Txn),
    Compact(i64),
    Grant(i64),
    Revoke(i64),
}

/// The greatest revision that requests ask for: some are in the future.
const REVISION_MAX: u64 = 300;

impl Step {
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(20) {
            0..7 => Self::Put(key(random), value(random), put_or_keep_options(random)),
            7..12 => Self::Get(key(random), get_options(random)),
            12..14 => Self::Delete(key(random), delete_options(random)),
            14..18 => Self::Txn(txn(random, 2)),
            18 if random.flip(4) => Self::Compact(revision(random)),
            18 => Self::Grant(lease(random)),
            _ => Self::Revoke(lease(random)),
        }
    }

    /// The answer, without what differs from cluster to cluster.
    pub(crate) async fn send(&self, client: &mut Client) -> String {
        match self {
            Self::Put(key, value, options) => {
                let put = client.put(key.as_str(), value.as_str(), Some(options.clone())).await;
                written(put, |put| format!("{:?} {:?}", revision_of(put.header()), put.prev_key()))
            }
            Self::Get(key, options) => {
                let got = client.get(key.as_str(), Some(options.clone())).await;
                written(got, |got| {
                    let header = revision_of(got.header());
                    format!("{header:?} {:?} {} {}", got.kvs(), got.count(), got.more())
                })
            }
            Self::Delete(key, options) => {
                let deleted = client.delete(key.as_str(), Some(options.clone())).await;
                written(deleted, |deleted| {
                    let header = revision_of(deleted.header());
                    format!("{header:?} {} {:?}", deleted.deleted(), deleted.prev_kvs())
                })
            }
            Self::Txn(txn) => {
                let done = client.txn(txn.clone()).await;
                written(done, |done| {
                    let outcomes: Vec<_> = done.op_responses().iter().map(outcome).collect();
                    format!("{:?} {} {outcomes:?}", revision_of(done.header()), done.succeeded())
                })
            }
            Self::Compact(revision) => {
                written(client.compact(*revision, None).await, |compacted| {
                    format!("{:?}", revision_of(compacted.header()))
                })
            }
            Self::Grant(lease) => {
                let options = LeaseGrantOptions::new().with_id(*lease);
                written(client.lease_grant(600, Some(options)).await, |granted| {
                    format!(
                        "{:?} {} {}",
                        revision_of(granted.header()),
                        granted.id(),
                        granted.ttl()
                    )
                })
            }
            Self::Revoke(lease) => written(client.lease_revoke(*lease).await, |revoked| {
                format!("{:?}", revision_of(revoked.header()))
            }),
        }
    }
}

fn written<T>(answer: Result<T, Error>, write: impl Fn(&T) -> String) -> String {
    match answer {
        Ok(answer) => write(&answer),
        Err(Error::GRpcStatus(status)) => format!("{:?} {}", status.code(), status.message()),
        Err(error) => format!("{error:?}"),
    }
}

fn revision_of(header: Option<&ResponseHeader>) -> Option<i64> {
    header.map(ResponseHeader::revision)
}

fn outcome(response: &TxnOpResponse) -> String {
    match response {
        TxnOpResponse::Put(put) => format!("put {:?}", put.prev_key()),
        TxnOpResponse::Get(got) => format!("get {:?} {} {}", got.kvs(), got.count(), got.more()),
        TxnOpResponse::Delete(deleted) => {
            format!("delete {} {:?}", deleted.deleted(), deleted.prev_kvs())
        }
        TxnOpResponse::Txn(done) => {
            let outcomes: Vec<_> = done.op_responses().iter().map(outcome).collect();
            format!("txn {} {outcomes:?}", done.succeeded())
        }
    }
}

fn key(random: &mut Random) -> String {
    match random.flip(200) {
        true => String::new(),
        false => format!("k/{}", random.below(8)),
    }
}

fn value(random: &mut Random) -> String {
    format!("v{}", random.below(5))
}

fn lease(random: &mut Random) -> i64 {
    random.below(4) as i64 + 1
}

fn revision(random: &mut Random) -> i64 {
    random.below(REVISION_MAX) as i64
}

/// The key alone, a range (sometimes upside down), a prefix, or all from it on.
fn range_end(random: &mut Random) -> Option<Vec<u8>> {
    match random.below(6) {
        0..3 => None,
        3 => Some(key(random).into_bytes()),
        4 => Some(b"k0".to_vec()),
        _ => Some(vec![0]),
    }
}

/// Outside transactions only: etcd 3.4.23 ends where a key that is to keep its lease was removed before,
/// in the same transaction.
fn put_or_keep_options(random: &mut Random) -> PutOptions {
    match random.flip(8) {
        true => PutOptions::new().with_ignore_lease(),
        false => put_options(random),
    }
}

fn put_options(random: &mut Random) -> PutOptions {
    let mut options = PutOptions::new();
    if random.flip(2) {
        options = options.with_prev_key();
    }
    if random.flip(6) {
        options = options.with_lease(lease(random));
    }
    options
}

fn get_options(random: &mut Random) -> GetOptions {
    let mut options = GetOptions::new();
    if let Some(end) = range_end(random) {
        options = options.with_range(end);
    }
    if random.flip(3) {
        options = options.with_limit(random.below(4) as i64);
    }
    if random.flip(4) {
        options = options.with_revision(revision(random));
    }
    if random.flip(4) {
        let target = random.of(&[
            SortTarget::Key,
            SortTarget::Version,
            SortTarget::Create,
            SortTarget::Mod,
            SortTarget::Value,
        ]);
        let order = random.of(&[SortOrder::None, SortOrder::Ascend, SortOrder::Descend]);
        options = options.with_sort(target, order);
    }
    if random.flip(8) {
        options = options.with_keys_only();
    }
    if random.flip(8) {
        options = options.with_count_only();
    }
    if random.flip(8) {
        options = options.with_min_mod_revision(revision(random));
    }
    if random.flip(8) {
        options = options.with_max_create_revision(revision(random));
    }
    options
}

fn delete_options(random: &mut Random) -> DeleteOptions {
    let mut options = DeleteOptions::new();
    if random.flip(2) {
        options = options.with_prev_key();
    }
    if let Some(end) = range_end(random).filter(|_| random.flip(2)) {
        options = options.with_range(end);
    }
    options
}

fn txn(random: &mut Random, depth: u64) -> Txn {
    let compares: Vec<_> = (0..random.below(3)).map(|_| compare(random)).collect();
    let mut branch = || (0..random.below(4)).map(|_| operation(random, depth)).collect::<Vec<_>>();
    let (success, failure) = (branch(), branch());
    Txn::new().when(compares).and_then(success).or_else(failure)
}

fn operation(random: &mut Random, depth: u64) -> TxnOp {
    match random.below(8) {
        0..3 => TxnOp::put(key(random), value(random), Some(put_options(random))),
        3..5 => TxnOp::get(key(random), Some(get_options(random))),
        5..7 => TxnOp::delete(key(random), Some(delete_options(random))),
        _ if depth > 0 => TxnOp::txn(txn(random, depth - 1)),
        _ => TxnOp::put(key(random), value(random), None),
    }
}

fn compare(random: &mut Random) -> Compare {
    let relation =
        random.of(&[CompareOp::Equal, CompareOp::NotEqual, CompareOp::Less, CompareOp::Greater]);
    let key = key(random);
    let compare = match random.below(5) {
        0 => Compare::version(key, relation, random.below(4) as i64),
        1 => Compare::create_revision(key, relation, revision(random)),
        2 => Compare::mod_revision(key, relation, revision(random)),
        3 => Compare::lease(key, relation, lease(random)),
        _ => Compare::value(key, relation, value(random)),
    };
    match random.flip(5) {
        true => compare.with_range("k0"),
        false => compare,
    }
}
