//! The actions of a trace, as `specs/trace.md` lists them.

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A request that may write, granted or refused.
    Request(Verb),
    /// A cache was brought forward.
    Delivery(Delivery),
    /// A component starts with empty memory.
    Started,
    /// A component's memory is lost.
    Crashed,
    /// A request did not arrive; its sender sees an error.
    RequestLost,
    /// A request was performed; its sender sees an error.
    AnswerLost,
    /// A container of a Pod runs.
    ContainerStarted,
    /// A container of a Pod runs no more.
    ContainerStopped,
    /// A machine lost power.
    NodeDied,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// POST of an object.
    Create,
    /// PUT or PATCH of an object.
    Update,
    /// PUT or PATCH of its `status`.
    UpdateStatus,
    /// PUT or PATCH of its `scale`.
    Scale,
    /// POST of a Pod's `binding`.
    Bind,
    /// DELETE that leaves the object there.
    DeleteGracefully,
    /// DELETE after which the object is gone.
    Delete,
}

/// What reaches a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A list.
    Listed,
    /// ADDED
    Added,
    /// MODIFIED
    Modified,
    /// DELETED
    Deleted,
    /// BOOKMARK
    Bookmark,
    /// ERROR with code 410.
    Expired,
}

impl Action {
    /// The action of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "create" => Self::Request(Verb::Create),
            "update" => Self::Request(Verb::Update),
            "update-status" => Self::Request(Verb::UpdateStatus),
            "scale" => Self::Request(Verb::Scale),
            "bind" => Self::Request(Verb::Bind),
            "delete-gracefully" => Self::Request(Verb::DeleteGracefully),
            "delete" => Self::Request(Verb::Delete),
            "listed" => Self::Delivery(Delivery::Listed),
            "added" => Self::Delivery(Delivery::Added),
            "modified" => Self::Delivery(Delivery::Modified),
            "deleted" => Self::Delivery(Delivery::Deleted),
            "bookmark" => Self::Delivery(Delivery::Bookmark),
            "expired" => Self::Delivery(Delivery::Expired),
            "started" => Self::Started,
            "crashed" => Self::Crashed,
            "request-lost" => Self::RequestLost,
            "answer-lost" => Self::AnswerLost,
            "container-started" => Self::ContainerStarted,
            "container-stopped" => Self::ContainerStopped,
            "node-died" => Self::NodeDied,
            _ => return None,
        })
    }
}
