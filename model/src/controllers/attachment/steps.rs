//! The steps of the controller, of the driver, of kubelets, and of Pods that come and go.

use super::{
    ATTACHMENT_INFORMER, Action, Attachment, Budgets, Event, NODE_INFORMER, NODES, Node, Objects,
    POD_INFORMER, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::DeliverAttachment => state.deliver_attachment(),
            Action::DeliverNode => state.deliver(NODE_INFORMER),
            Action::Attach { node } => state.attach(node, State::is_free_for),
            Action::Report { node } => state.report(node),
            Action::Detach { node } => state.detach(node, State::may_detach),
            Action::GiveUp { node } => state.give_up(node),
            Action::DriverAttaches { node } => state.driver_attaches(node),
            Action::DriverDetaches { node } => state.driver_detaches(node),
            Action::WantMount { node } => state.want_mount(node),
            Action::Mount { node } => state.mount(node),
            Action::Unmount { node } => state.unmount(node),
            Action::PlacePod { node } => state.place_pod(node),
            Action::EndPod { node } => state.end_pod(node),
            Action::LoseNode { node } => state.lose_node(node),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller hears of an attachment: what it has asked for is seen.
    pub fn deliver_attachment(&self) -> Option<Self> {
        let mut next = *self;
        if let Event::Attachment(node, _) = next.store.deliver(ATTACHMENT_INFORMER)? {
            next.asked[usize::from(node)] = false;
        }
        Some(next)
    }

    /// The controller asks for the attachment of a volume that a Pod on the node uses.
    pub fn attach(&self, node: u8, is_free: fn(&Self, usize) -> bool) -> Option<Self> {
        let number = usize::from(node);
        let seen = self.store.caches()?;
        let wants = seen.pods[number] && seen.attachments[number].is_none() && !self.asked[number];
        let is_created = self.store.now().attachments[number].is_none();
        let mut next = (wants && is_free(self, number)).then_some(*self)?;
        next.asked[number] = true;
        let new = Attachment { attached: false, deleting: false };
        is_created.then(|| next.put(Event::Attachment(node, Some(new))))
    }

    /// Whether no other node has the volume, as far as the controller has seen and asked for.
    pub fn is_free_for(&self, number: usize) -> bool {
        let seen = self.store.caches();
        let has = |other: usize| {
            seen.is_some_and(|seen| seen.attachments[other].is_some()) || self.asked[other]
        };
        (0..NODES).all(|other| other == number || !has(other))
    }

    /// The controller writes into the status of a Node whether the volume is attached: not any more before it
    /// is detached.
    pub fn report(&self, number: u8) -> Option<Self> {
        let node = usize::from(number);
        let seen = self.store.caches()?;
        let attachment = seen.attachments[node];
        let is_attached = attachment.is_some_and(|one| one.attached && !one.deleting);
        let stays = seen.pods[node] || self.is_in_use(&seen, node);
        let live = self.store.now().nodes[node];
        let reported = is_attached && stays;
        (seen.nodes[node].reported != reported && live.reported != reported)
            .then(|| self.put(Event::Node(number, Node { reported, ..live })))
    }

    fn is_in_use(&self, seen: &Objects, node: usize) -> bool {
        seen.nodes[node].in_use && !self.given_up[node]
    }

    /// The controller ends the attachment of a volume that no Pod on the node uses.
    pub fn detach(&self, number: u8, may: fn(&Self, usize) -> bool) -> Option<Self> {
        let node = usize::from(number);
        let seen = self.store.caches()?;
        let attachment = seen.attachments[node].filter(|one| !one.deleting && !seen.pods[node])?;
        let live = self.store.now().attachments[node].filter(|one| !one.deleting)?;
        let goes = Attachment { deleting: true, ..live };
        (may(self, node) && attachment.attached <= live.attached)
            .then(|| self.put(Event::Attachment(number, Some(goes))))
    }

    /// Whether a node has unmounted the volume and is not told that it is attached.
    pub fn may_detach(&self, node: usize) -> bool {
        let seen = self.store.caches();
        seen.is_some_and(|seen| !self.is_in_use(&seen, node) && !seen.nodes[node].reported)
    }

    /// Six minutes pass, and a node that is not ready has not unmounted the volume.
    pub fn give_up(&self, number: u8) -> Option<Self> {
        let node = usize::from(number);
        let seen = self.store.caches()?;
        let mut next = *self;
        let was = std::mem::replace(&mut next.given_up[node], true);
        (!seen.nodes[node].ready && !seen.pods[node] && !was).then_some(next)
    }

    /// The driver attaches the volume.
    pub fn driver_attaches(&self, number: u8) -> Option<Self> {
        let attachment = self.store.now().attachments[usize::from(number)]?;
        let attached = Attachment { attached: true, ..attachment };
        (!attachment.attached && !attachment.deleting)
            .then(|| self.put(Event::Attachment(number, Some(attached))))
    }

    /// The driver detaches the volume, and lets the attachment go.
    pub fn driver_detaches(&self, number: u8) -> Option<Self> {
        let attachment = self.store.now().attachments[usize::from(number)]?;
        attachment.deleting.then(|| self.put(Event::Attachment(number, None)))
    }

    /// A kubelet says that it is about to use the volume of its Pod.
    pub fn want_mount(&self, number: u8) -> Option<Self> {
        let objects = self.store.now();
        let node = objects.nodes[usize::from(number)].filter_ready()?;
        let wants = objects.pods[usize::from(number)] && !node.in_use;
        wants.then(|| self.put(Event::Node(number, Node { in_use: true, ..node })))
    }

    /// A kubelet mounts the volume that its Node's status has as attached, and so has the attachment.
    pub fn mount(&self, number: u8) -> Option<Self> {
        let objects = self.store.now();
        let node = objects.nodes[usize::from(number)].filter_ready()?;
        objects.attachments[usize::from(number)].filter(|one| one.attached && !one.deleting)?;
        let mut next = *self;
        let was = std::mem::replace(&mut next.mounted[usize::from(number)], true);
        let may = objects.pods[usize::from(number)] && node.in_use && node.reported;
        (may && !was).then_some(next)
    }

    /// A kubelet unmounts the volume of a Pod that is gone, and says so.
    pub fn unmount(&self, number: u8) -> Option<Self> {
        let objects = self.store.now();
        let node = objects.nodes[usize::from(number)].filter_ready()?;
        let mut next = *self;
        next.mounted[usize::from(number)] = false;
        let is_done = !objects.pods[usize::from(number)] && node.in_use;
        is_done.then(|| next.put(Event::Node(number, Node { in_use: false, ..node })))
    }

    /// A Pod that uses the volume comes to a node.
    pub fn place_pod(&self, number: u8) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        let objects = self.store.now();
        objects.nodes[usize::from(number)].filter_ready()?;
        let next = State { budgets: Budgets { pods, ..self.budgets }, ..*self };
        (!objects.pods[usize::from(number)]).then(|| next.put(Event::Pod(number, true)))
    }

    /// A Pod ends, or is deleted because its node is lost.
    pub fn end_pod(&self, number: u8) -> Option<Self> {
        self.store.now().pods[usize::from(number)].then(|| self.put(Event::Pod(number, false)))
    }

    /// A node is lost, with what runs on it.
    pub fn lose_node(&self, number: u8) -> Option<Self> {
        let losses = self.budgets.losses.checked_sub(1)?;
        let node = self.store.now().nodes[usize::from(number)].filter_ready()?;
        let next = State { budgets: Budgets { losses, ..self.budgets }, ..*self };
        Some(next.put(Event::Node(number, Node { ready: false, ..node })))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let (asked, given_up) = ([false; NODES], [false; NODES]);
        let mut next = State { asked, given_up, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

impl Node {
    fn filter_ready(self) -> Option<Self> {
        self.ready.then_some(self)
    }
}
