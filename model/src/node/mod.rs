//! One Node more closely than in [`cluster`](crate::cluster): the pod workers of its kubelet, and its
//! static Pods.

pub mod pod_worker;
pub mod static_pods;
