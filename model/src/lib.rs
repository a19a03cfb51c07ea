//! The formal model of a Kubernetes cluster.
