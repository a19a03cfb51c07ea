//! Kubernetes objects as data: schemas, selectors, quantities, patches and Status.
