//! etcd's semantics as plain data: revisions, transactions, history and watches.
