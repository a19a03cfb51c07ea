//! The store on disk: a write-ahead log and snapshots.
