//! The steps of the controller, of Nodes, and of clients.

use super::{
    Action, Budgets, Event, Kind, NODE_INFORMER, Objects, SERVICE_INFORMER, Service, State, Write,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverService => state.deliver(SERVICE_INFORMER),
            Action::DeliverNode => state.deliver(NODE_INFORMER),
            Action::Sync => state.sync(),
            Action::CommitWrite => state.commit_write(Service::may_say),
            Action::CreateService => state.create_service(),
            Action::EditType => state.edit_type(),
            Action::DeleteService => state.delete_service(),
            Action::MoveNodes => state.move_nodes(),
            Action::Crash => state.crash(),
        }
    }
}

impl Service {
    /// Whether it is to have a balancer.
    pub fn is_balanced(&self) -> bool {
        self.kind == Kind::Balanced && !self.deleted
    }

    /// Whether the API server lets its status say addresses.
    pub fn may_say(&self) -> bool {
        self.kind == Kind::Balanced
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller looks at the Service, and decides.
    pub fn sync(&self) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let Objects { service, addresses } = seen;
        let service = service?;
        if service.is_balanced() {
            return self.ensure(&service, addresses);
        }
        let asked = match service.ingress {
            _ if !service.finalizer => return None,
            Some(_) => Write::ClearIngress,
            None => Write::RemoveFinalizer,
        };
        Some(State { made: None, asked: Some(asked), ..*self })
    }

    /// The finalizer first, then the addresses.
    fn ensure(&self, service: &Service, addresses: u8) -> Option<Self> {
        if !service.finalizer {
            return Some(State { made: None, asked: Some(Write::AddFinalizer), ..*self });
        }
        let asked = Some(Write::SetIngress(addresses));
        (self.made != Some(addresses)).then_some(State { made: Some(addresses), asked, ..*self })
    }

    /// The API server patches the Service, if there is one of the name; what is refused is tried again.
    pub fn commit_write(&self, may_say: fn(&Service) -> bool) -> Option<Self> {
        let asked = self.asked?;
        let next = State { asked: None, ..*self };
        let refused = Some(State { made: None, ..next });
        let Some(live) = self.store.now().service else { return refused };
        let service = match asked {
            Write::SetIngress(_) if !may_say(&live) => return refused,
            Write::SetIngress(addresses) => Service { ingress: Some(addresses), ..live },
            Write::ClearIngress => Service { ingress: None, ..live },
            Write::AddFinalizer if live.deleted => return refused,
            Write::AddFinalizer => Service { finalizer: true, ..live },
            Write::RemoveFinalizer => Service { finalizer: false, ..live },
        };
        let is_gone = service.deleted && !service.finalizer;
        let is_same = service == live;
        Some(if is_same { next } else { next.put((!is_gone).then_some(service)) })
    }

    /// A client creates the Service, with a balancer.
    pub fn create_service(&self) -> Option<Self> {
        let services = self.budgets.services.checked_sub(1)?;
        let next = State { budgets: Budgets { services, ..self.budgets }, ..*self };
        let kind = Kind::Balanced;
        let new = Service { kind, finalizer: false, ingress: None, deleted: false };
        self.store.now().service.is_none().then(|| next.put(Some(new)))
    }

    /// A client edits the type of the Service.
    pub fn edit_type(&self) -> Option<Self> {
        let edits = self.budgets.edits.checked_sub(1)?;
        let next = State { budgets: Budgets { edits, ..self.budgets }, ..*self };
        let service = self.store.now().service?;
        let kind = match service.kind {
            Kind::Plain => Kind::Balanced,
            Kind::Balanced => Kind::Plain,
        };
        Some(next.put(Some(Service { kind, ..service })))
    }

    /// A client deletes the Service, which stays while it has the finalizer.
    pub fn delete_service(&self) -> Option<Self> {
        let service = self.store.now().service.filter(|service| !service.deleted)?;
        Some(self.put(service.finalizer.then_some(Service { deleted: true, ..service })))
    }

    /// The Nodes have other addresses.
    pub fn move_nodes(&self) -> Option<Self> {
        let moves = self.budgets.moves.checked_sub(1)?;
        let mut next = State { budgets: Budgets { moves, ..self.budgets }, ..*self };
        next.store.write(Event::Nodes(self.store.now().addresses + 1));
        Some(next)
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { made: None, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, service: Option<Service>) -> Self {
        self.store.write(Event::Service(service));
        self
    }
}
