//! A bridge with network namespaces on it, of which each can be cut off. Needs root.

use std::process::Command;

use libtest_mimic::Failed;

/// Whether networks can be made here.
pub(crate) fn can_be_made() -> bool {
    run(&["netns", "add", "kanon-can"]).is_ok() && run(&["netns", "del", "kanon-can"]).is_ok()
}

/// Namespaces that reach each other and this one. They end with this.
pub(crate) struct Network {
    bridge: String,
    /// The beginning of its addresses. Networks that killed runs have left behind have others.
    prefix: String,
    namespaces: usize,
}

impl Network {
    pub(crate) fn of(namespaces: usize) -> Result<Self, Failed> {
        let process = std::process::id();
        let prefix = format!("198.{}.{}", 18 + (process >> 8) % 2, process % 256);
        let network = Self { bridge: format!("ke{process}"), prefix, namespaces };
        let bridge = network.bridge.as_str();
        run(&["link", "add", bridge, "type", "bridge"])?;
        run(&["address", "add", &format!("{}.254/24", network.prefix), "dev", bridge])?;
        run(&["link", "set", bridge, "up"])?;
        (0..namespaces).try_for_each(|number| network.connect(number))?;
        Ok(network)
    }

    fn connect(&self, number: usize) -> Result<(), Failed> {
        let (namespace, outer) = (&*self.namespace(number), &*self.outer(number));
        let address = &*format!("{}/24", self.address(number));
        run(&["netns", "add", namespace])?;
        run(&["link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", namespace])?;
        run(&["link", "set", outer, "master", &self.bridge, "up"])?;
        run(&["-n", namespace, "address", "add", address, "dev", "eth0"])?;
        run(&["-n", namespace, "link", "set", "eth0", "up"])?;
        run(&["-n", namespace, "link", "set", "lo", "up"])
    }

    /// Nothing reaches a namespace any more, and nothing leaves it.
    pub(crate) fn cut(&self, number: usize) -> Result<(), Failed> {
        run(&["link", "set", &self.outer(number), "down"])
    }

    /// It is as before.
    pub(crate) fn heal(&self, number: usize) -> Result<(), Failed> {
        run(&["link", "set", &self.outer(number), "up"])
    }

    pub(crate) fn address(&self, number: usize) -> String {
        format!("{}.{}", self.prefix, number + 1)
    }

    /// A program in a namespace.
    pub(crate) fn command(&self, number: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(number), program]);
        command
    }

    fn namespace(&self, number: usize) -> String {
        format!("{}-{number}", self.bridge)
    }

    fn outer(&self, number: usize) -> String {
        format!("{}v{number}", self.bridge)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What was not made cannot be removed.
        for number in 0..self.namespaces {
            drop(run(&["link", "del", &self.outer(number)]));
            drop(run(&["netns", "del", &self.namespace(number)]));
        }
        drop(run(&["link", "del", &self.bridge]));
    }
}

fn run(arguments: &[&str]) -> Result<(), Failed> {
    let output = Command::new("ip").args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), why.trim()).into())
}
