//! What every client of the API server keeps: informer caches, work queues, expectations.
