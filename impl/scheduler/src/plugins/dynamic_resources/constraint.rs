//! What the devices of a claim must have in common, or must not.
//!
//! Source: structured/internal/incubating/constraint.go (v1.36). No two devices of a constraint may have the same value;
//! upstream compares with the last device of each request only.

use k8s_openapi::api::resource::v1::{Device, DeviceAttribute, DeviceConstraint};

/// A constraint, and the values of the devices that meet it together.
#[derive(Clone, Debug)]
pub(super) struct Constraint<'a> {
    attribute: &'a str,
    /// All values are the same, or else no two are.
    is_match: bool,
    /// The requests that it is about; all, where none is named.
    requests: &'a [String],
    values: Vec<&'a DeviceAttribute>,
}

/// A request, and the one of its alternatives that a device is for.
pub(super) type RequestName<'a> = (&'a str, Option<&'a str>);

impl<'a> Constraint<'a> {
    /// A constraint that no device is bound to yet; none of a type that nobody knows.
    pub(super) fn of(constraint: &'a DeviceConstraint) -> Option<Self> {
        let (matched, distinct) = (&constraint.match_attribute, &constraint.distinct_attribute);
        let attribute = matched.as_deref().or(distinct.as_deref())?;
        let requests = constraint.requests.as_deref().unwrap_or_default();
        Some(Self { attribute, is_match: matched.is_some(), requests, values: vec![] })
    }

    /// Adds a device of a driver; whether it goes with the others.
    pub(super) fn add(
        &mut self,
        request: RequestName<'_>,
        (driver, device): (&str, &'a Device),
    ) -> bool {
        if !self.is_about(request) {
            return true;
        }
        let Some(value) = lookup(device, driver, self.attribute) else { return false };
        let mut others = self.values.iter();
        let goes = match self.is_match {
            true => others.next().is_none_or(|first| is_same(first, value)),
            false => {
                self.values.is_empty()
                    || is_scalar(value) && !others.any(|other| is_same(other, value))
            }
        };
        if goes {
            self.values.push(value);
        }
        goes
    }

    /// Removes the device that was added last.
    pub(super) fn remove(&mut self, request: RequestName<'_>) {
        if self.is_about(request) {
            self.values.pop();
        }
    }

    fn is_about(&self, (request, alternative): RequestName<'_>) -> bool {
        let names = |named: &String| {
            named == request
                || alternative.is_some_and(|alternative| {
                    named.split_once('/') == Some((request, alternative))
                })
        };
        self.requests.is_empty() || self.requests.iter().any(names)
    }
}

/// The attribute of this full name. A driver's own may stand without its domain.
fn lookup<'a>(device: &'a Device, driver: &str, name: &str) -> Option<&'a DeviceAttribute> {
    let attributes = device.attributes.as_ref()?;
    attributes.get(name).or_else(|| {
        let (domain, id) = name.split_once('/')?;
        attributes.get(id).filter(|_| domain == driver)
    })
}

fn is_scalar(value: &DeviceAttribute) -> bool {
    value.bool.is_some() || value.int.is_some() || value.string.is_some() || value.version.is_some()
}

fn is_same(one: &DeviceAttribute, other: &DeviceAttribute) -> bool {
    is_scalar(one) && one == other
}
