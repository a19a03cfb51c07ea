//! A pod's network: one veth pair, one /32 address, one route on the host. Made with `ip` (iproute2).
//!
//! Inside, everything goes through 169.254.1.1, whose link address is fixed, so that it works on hosts
//! without a default route too; the host's end also answers for others by proxy ARP. Pods reach beyond
//! the machine behind its address (masquerading by `nft`, where there is one).

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::Error;

const GATEWAY: &str = "169.254.1.1";
const GATEWAY_LINK: &str = "ee:ee:ee:ee:ee:ee";
const LINK_PREFIX: &str = "kanon";

/// A range of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: u32,
    bits: u32,
}

impl Cidr {
    /// Reads `10.244.0.0/24`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = || Error::Cidr(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(refused)?;
        let address: Ipv4Addr = address.parse().map_err(|_| refused())?;
        let length: u32 = length.parse().map_err(|_| refused())?;
        let bits =
            32_u32.checked_sub(length).filter(|bits| (2..32).contains(bits)).ok_or_else(refused)?;
        Ok(Self { first: address.to_bits() & !((1 << bits) - 1), bits })
    }

    /// Its addresses for pods: neither the first two nor the last.
    pub(crate) fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        (2..(1_u32 << self.bits) - 1).map(move |offset| Ipv4Addr::from_bits(self.first + offset))
    }
}

/// The name of the host's end of a pod's link. An interface's name has at most 15 characters.
pub(crate) fn link_name(pod_uid: &str) -> String {
    let hash = format!("{:x}", Sha256::digest(pod_uid));
    format!("{LINK_PREFIX}{}", &hash[..10])
}

/// Connects a pod's pinned network namespace. Runs in a thread that is inside that namespace; `on_host`
/// must therefore have run before, outside.
pub(crate) fn connect_inside(address: &str) -> Result<(), Error> {
    ip(&format!(
        "link set lo up\n\
         addr add {address}/32 dev eth0\n\
         link set eth0 up\n\
         route add {GATEWAY} dev eth0 scope link\n\
         neigh replace {GATEWAY} lladdr {GATEWAY_LINK} dev eth0 nud permanent\n\
         route add default via {GATEWAY} dev eth0\n"
    ))
}

/// Makes the pair, gives the far end to the namespace, and routes the address to the near end.
pub(crate) fn connect_on_host(
    pod_uid: &str,
    namespace: &Path,
    address: &str,
    source: &str,
) -> Result<(), Error> {
    let link = link_name(pod_uid);
    let namespace = namespace.display();
    let source = if source.is_empty() { String::new() } else { format!(" src {source}") };
    ip(&format!(
        "link add {link} address {GATEWAY_LINK} type veth peer name eth0 netns {namespace}\n\
         link set {link} up\n\
         route replace {address}/32 dev {link} scope link{source}\n"
    ))?;
    sysctl(&format!("net/ipv4/conf/{link}/proxy_arp"), "1");
    sysctl(&format!("net/ipv4/conf/{link}/rp_filter"), "0");
    Ok(())
}

/// Removes a pod's link, and with it both ends and the route.
pub(crate) fn disconnect(pod_uid: &str) {
    let link = link_name(pod_uid);
    if Path::new("/sys/class/net").join(&link).exists() {
        // One that vanished meanwhile is what was wanted.
        let _gone = ip(&format!("link del {link}\n"));
    }
}

/// Lets the host forward between pods and hide them behind its address.
pub(crate) fn prepare_host(node: &str, pod_cidr: &str) -> Result<(), Error> {
    if !Path::new("/proc/sys/net/ipv4/ip_forward").exists() {
        return Err(Error::Missing("ip"));
    }
    sysctl("net/ipv4/ip_forward", "1");
    let table = table(node);
    // Without nft pods still reach each other and the host, only not what lies beyond.
    let _optional = run(
        "nft",
        &["-f", "-"],
        &format!(
            "table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n\
             chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;\n\
             ip saddr {pod_cidr} oifname != \"{LINK_PREFIX}*\" oifname != \"lo\" masquerade\n}}\n}}\n"
        ),
    );
    Ok(())
}

/// Takes back what `prepare_host` made, but for forwarding, which others may rely on.
pub(crate) fn restore_host(node: &str) {
    let _never_made = run("nft", &["delete", "table", "ip", &table(node)], "");
}

fn table(node: &str) -> String {
    let name: String = node
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .collect();
    format!("kanon_{name}")
}

fn sysctl(name: &str, value: &str) {
    // A kernel without this switch needs none.
    let _absent = std::fs::write(Path::new("/proc/sys").join(name), value);
}

fn ip(commands: &str) -> Result<(), Error> {
    run("ip", &["-batch", "-"], commands)
}

fn run(program: &'static str, arguments: &[&str], input: &str) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Program { program, message: error.to_string() };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            if missing { Error::Missing(program) } else { failed(error) }
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has ended says why on standard error.
        let _ended = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(Error::Program { program, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_leaves_out_its_first_two_addresses_and_its_last() {
        let hosts: Vec<String> =
            Cidr::parse("10.1.2.0/29").unwrap().hosts().map(|host| host.to_string()).collect();

        assert_eq!(hosts, ["10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6"]);
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        for text in ["10.1.2.0", "10.1.2.0/33", "10.1.2.0/32", "pods/24"] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }
}
