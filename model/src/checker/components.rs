//! Strongly connected components (Tarjan's algorithm, without recursion).

/// The states of a component, in ascending order.
pub(super) type Component = Vec<u32>;

/// The components of a graph of so many states. `successors` gives nothing for a state that is left
/// out.
pub(super) fn components(
    states: usize,
    successors: &dyn Fn(u32) -> Option<Vec<u32>>,
) -> Vec<Component> {
    let mut tarjan = Tarjan {
        index: vec![UNSEEN; states],
        low: vec![0; states],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for root in 0..states as u32 {
        if tarjan.index[root as usize] == UNSEEN
            && let Some(targets) = successors(root)
        {
            tarjan.visit(root, targets, successors);
        }
    }
    tarjan.found
}

const UNSEEN: u32 = u32::MAX;
const FINISHED: u32 = u32::MAX - 1;

struct Tarjan {
    index: Vec<u32>,
    low: Vec<u32>,
    stack: Vec<u32>,
    next: u32,
    found: Vec<Component>,
}

impl Tarjan {
    fn visit(
        &mut self,
        root: u32,
        targets: Vec<u32>,
        successors: &dyn Fn(u32) -> Option<Vec<u32>>,
    ) {
        self.enter(root);
        let mut calls = vec![(root, targets)];
        while let Some((state, targets)) = calls.last_mut() {
            let state = *state;
            match targets.pop() {
                Some(target) if self.index[target as usize] == UNSEEN => {
                    self.enter(target);
                    calls.push((target, successors(target).unwrap_or_default()));
                }
                Some(target) => self.lower(state, self.index[target as usize]),
                None => {
                    calls.pop();
                    self.leave(state);
                    if let Some((caller, _)) = calls.last() {
                        self.lower(*caller, self.low[state as usize]);
                    }
                }
            }
        }
    }

    fn enter(&mut self, state: u32) {
        self.index[state as usize] = self.next;
        self.low[state as usize] = self.next;
        self.next += 1;
        self.stack.push(state);
    }

    fn lower(&mut self, state: u32, index: u32) {
        if index < FINISHED {
            self.low[state as usize] = self.low[state as usize].min(index);
        }
    }

    /// The last state of a component to be left takes the others off the stack.
    fn leave(&mut self, state: u32) {
        if self.low[state as usize] != self.index[state as usize] {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.index[member as usize] = FINISHED;
            component.push(member);
            if member == state {
                break;
            }
        }
        component.sort_unstable();
        self.found.push(component);
    }
}
