//! What a kubelet's loop needs of a container runtime.

use host::node_server::NodeServer;
use host::transport::BoxFuture;
use kubelet::eviction::Usage;
use kubelet::runtime::{RuntimeCommand, RuntimeEvent, RuntimeStatus};
use tokio::sync::mpsc::UnboundedSender;

use crate::Error;

/// Where a runtime reports to.
pub type EventSink = UnboundedSender<RuntimeEvent>;

/// Runs containers, or pretends to.
pub trait Runtime: NodeServer {
    /// Begins to report, and says what runs already. Called once, before any command.
    fn start(&self, events: EventSink) -> BoxFuture<'_, Result<Vec<RuntimeStatus>, Error>>;

    /// What the machine has left and what its pods use, `with_disks` also of the disk, if it is a machine.
    fn usage(&self, with_disks: bool) -> BoxFuture<'_, Option<Usage>>;

    /// Begins to carry out a command; what comes of it is reported. Called inside a tokio runtime.
    fn perform(&self, command: RuntimeCommand);
}
