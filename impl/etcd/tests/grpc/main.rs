//! etcd's v3 API as a client of etcd sees it, over a socket.

mod kv;
mod lease;
mod other;
mod reading;
mod support;
mod txn;
mod watch;
mod watching;
