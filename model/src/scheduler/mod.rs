//! kube-scheduler more closely than in [`cluster`](crate::cluster): its cache, its queue, preemption,
//! and what happens when another one takes over.

pub mod cache;
pub mod failover;
pub mod preemption;
pub mod queue;
