//! Holds the model and the implementation against each other.
//!
//! [`trace`] reads recorded runs and [`refine`] tells whether the model allows them; [`suite`] replays
//! walks of the model on any API server, [`store`] traces of the model's etcd on any etcd. [`sim`] runs the
//! implementation's cores by chance, [`exhaustive`] in every order.

pub mod exhaustive;
pub mod refine;
pub mod sim;
pub mod store;
pub mod suite;
pub mod trace;
