//! The bounds of buckets, as upstream has them (v1.36), in seconds and bytes.

/// Of requests to the API server, and to etcd.
pub(crate) const REQUESTS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

/// Of requests, as service level objectives want them.
pub(crate) const OBJECTIVES: [f64; 21] = [
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0,
    30.0, 45.0, 60.0,
];

/// Of answers, in bytes.
pub(crate) const RESPONSE_SIZES: [f64; 7] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Of events of watches, in bytes.
pub(crate) const WATCH_SIZES: [f64; 8] = powers(1024.0, 2.0);

/// Of authentication, authorization and attempts to schedule.
pub(crate) const FROM_A_MILLISECOND: [f64; 15] = powers(0.001, 2.0);

/// From a pod's coming to its node.
pub(crate) const FROM_TEN_MILLISECONDS: [f64; 20] = powers(0.01, 2.0);

/// Of attempts until a pod was scheduled.
pub(crate) const ATTEMPTS: [f64; 5] = powers(1.0, 2.0);

/// Of work queues.
pub(crate) const QUEUES: [f64; 10] = powers(10e-9, 10.0);

/// Of what components ask of an API server.
pub(crate) const CLIENTS: [f64; 12] =
    [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0];

/// Of the time that certificates have left: half an hour to a year.
pub(crate) const CERTIFICATES: [f64; 14] = [
    0.0,
    1800.0,
    3600.0,
    7200.0,
    21600.0,
    43200.0,
    86400.0,
    172800.0,
    345600.0,
    604800.0,
    2_592_000.0,
    7_776_000.0,
    15_552_000.0,
    31_104_000.0,
];

const fn powers<const N: usize>(first: f64, factor: f64) -> [f64; N] {
    let mut all = [first; N];
    let mut place = 1;
    while place < N {
        all[place] = all[place - 1] * factor;
        place += 1;
    }
    all
}
