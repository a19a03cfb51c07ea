//! Which node a pod runs on, and why.
