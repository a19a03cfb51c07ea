//! What etcd, the API servers and their clients hold.

use super::{REVISIONS, SERVERS};
use crate::packed;
use serde::Serialize;

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What etcd has written: revision 1 first.
    pub changes: [Option<Change>; REVISIONS],
    /// etcd does not know any more what was before this revision.
    pub compacted: u8,
    /// The watch caches of the API servers.
    pub servers: [Server; SERVERS],
    /// The reflector.
    pub reflector: Reflector,
    /// The reader.
    pub reader: Reader,
    /// What may still happen.
    pub budgets: Budgets,
}

/// A revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The Pod is written.
    Written,
    /// The Pod is deleted.
    Deleted,
    /// Something else is written, of another resource.
    Other,
}

/// The watch cache of an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Its resourceVersion: it holds what etcd held then.
    pub revision: u8,
    /// It has the events after this revision.
    pub oldest: u8,
}

/// A client that holds a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reflector {
    /// What it does.
    pub phase: Phase,
    /// The newest resourceVersion that it has seen.
    pub resource_version: Option<u8>,
    /// Whether that was refused as too old or too large: it lists the most recent next.
    pub unavailable: bool,
    /// The mod revision of the Pod in its cache.
    pub pod: Option<u8>,
}

/// What a reflector does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It does not run.
    Off,
    /// It has to list.
    Idle,
    /// It waits for a list.
    Listing(Call),
    /// It has to watch: on the API server that it has a connection to, or on either.
    Listed(Option<u8>),
    /// It watches on this API server.
    Watching(u8),
}

/// A client that lists once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// It has not asked.
    Idle,
    /// It waits for a list.
    Listing(Call),
    /// It was refused: 410 Gone, or "Too large resource version".
    Refused,
    /// It has a list of this resourceVersion.
    Answered(u8),
}

/// A list that an API server has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The API server.
    pub server: u8,
    /// What was asked for.
    pub asked: Asked,
    /// etcd's revision when the client asked for the most recent or for any.
    pub floor: u8,
    /// etcd's revision when the API server asked it, for the most recent.
    pub needs: Option<u8>,
}

/// `resourceVersion` and `resourceVersionMatch` of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Unset: the most recent.
    MostRecent,
    /// "0": any, from the cache.
    Any,
    /// At least this resourceVersion.
    NotOlderThan(u8),
    /// Exactly this resourceVersion.
    Exact(u8),
}

/// One of the two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The reflector.
    Reflector,
    /// The reader.
    Reader,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The reader lists.
    pub reads: u8,
    /// An API server crashes and starts again.
    pub crashes: u8,
    /// etcd compacts its history.
    pub compactions: u8,
    /// A watch is closed.
    pub closed_watches: u8,
}

packed!(struct State { changes, compacted, servers, reflector, reader, budgets });
packed!(
    enum Change {
        Written,
        Deleted,
        Other,
    }
);
packed!(struct Server { revision, oldest });
packed!(struct Reflector { phase, resource_version, unavailable, pod });
packed!(
    enum Phase {
        Off,
        Idle,
        Listing(call),
        Listed(server),
        Watching(server),
    }
);
packed!(
    enum Reader {
        Idle,
        Listing(call),
        Refused,
        Answered(revision),
    }
);
packed!(struct Call { server, asked, floor, needs });
packed!(
    enum Asked {
        MostRecent,
        Any,
        NotOlderThan(revision),
        Exact(revision),
    }
);
packed!(struct Budgets { reads, crashes, compactions, closed_watches });
