//! ResourceQuota admission: reads the usage from a cache that lags, and raises it in the store.

use super::{HARD, Quota, Refusal, Request, State};

impl State {
    /// Admission reads the usage from its cache. If the quota would be exceeded, the request is
    /// refused.
    pub fn read_quota(&self, client: u8) -> Option<State> {
        let quota = self.quota?;
        self.admitted(client, quota.cached, HARD)
    }

    /// Admission raises the usage by a write that names the version it has read. After a conflict it
    /// decides anew from the store.
    pub fn charge_quota(&self, client: u8) -> Option<State> {
        let quota = self.quota?;
        let usage = self.request(client)?.usage?;
        match usage == quota.used {
            true => self.charged(client, usage + 1),
            false => {
                let request = Request { usage: None, ..self.request(client)? };
                self.with_request(client, request).admitted(client, quota.used, HARD)
            }
        }
    }

    /// The cache of admission receives the usage.
    pub fn cache_quota(&self) -> Option<State> {
        let quota = self.quota?;
        let lags = quota.cached != quota.used;
        lags.then_some(State { quota: Some(Quota { cached: quota.used, ..quota }), ..*self })
    }

    pub(super) fn admitted(&self, client: u8, used: u8, hard: u8) -> Option<State> {
        let request = self.request(client).filter(|of| !of.charged && of.usage.is_none())?;
        if used >= hard {
            return Some(self.answered(client, Some(Refusal::Forbidden)));
        }
        Some(self.with_request(client, Request { usage: Some(used), ..request }))
    }

    pub(super) fn charged(&self, client: u8, used: u8) -> Option<State> {
        let mut next = *self;
        next.quota = Some(Quota { used, ..self.quota? });
        let request = Request { charged: true, usage: None, ..self.request(client)? };
        Some(next.with_request(client, request))
    }

    /// Whether admission is done with a request.
    pub(super) fn may_be_handled(&self, request: Request) -> bool {
        self.quota.is_none() || request.charged
    }
}
