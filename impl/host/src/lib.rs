//! HTTP, TLS, time, names and the loops that run the cores.
