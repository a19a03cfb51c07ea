//! Time in a scenario: it stands still while anything is due, then passes to the next thing that is.

use api::Timestamp;

use crate::sim::scenario::Stop;
use crate::sim::world::World;

/// How many steps may happen within one second. A cluster that takes more does not come to rest.
const STEPS_MAX: u64 = 100_000;

impl World<'_> {
    /// Does everything that is due until a time; or what must not have happened.
    pub(super) fn work_until(&mut self, end: Timestamp) -> Result<(), Stop> {
        let mut steps = 0;
        loop {
            let enabled = self.enabled();
            if let Some(step) = self.random.pick(&enabled).copied() {
                steps += 1;
                if steps > STEPS_MAX {
                    return Err(Stop::Claim("the cluster does not come to rest".to_owned()));
                }
                self.take(step);
                self.check().map_err(|violation| Stop::Claim(violation.why))?;
                continue;
            }
            match self.next_deadline().filter(|deadline| *deadline <= end) {
                Some(deadline) => {
                    steps = if deadline.as_second() > self.now.as_second() { 0 } else { steps };
                    self.now = self.now.max(deadline);
                }
                None => {
                    self.now = end;
                    return Ok(());
                }
            }
        }
    }
}
