//! Makes an image of one static busybox, for tests and for a first cluster without a registry.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// Programs that busybox is when called by their names; a name that it lacks prints so.
const PROGRAMS: &str = "[ awk base64 basename cat chmod chown cp cut date dd df dirname dmesg du echo env \
    expr false find free grep gunzip gzip head hexdump hostname httpd id ifconfig ip kill killall less ln \
    ls md5sum mkdir mkfifo mknod more mount mv nc netstat nproc nslookup od ping printf ps pwd readlink \
    realpath reset rm rmdir route sed seq sh sha256sum sleep sort stat stty sync tail tar tee test timeout \
    top touch tr true tty umount uname uniq uptime vi watch wc wget which whoami xargs yes";

/// A docker archive of one image, `name`, whose only content is this busybox.
pub fn busybox_archive(busybox: &Path, name: &str) -> io::Result<Vec<u8>> {
    let layer = layer(&std::fs::read(busybox)?)?;
    let configuration = serde_json::to_vec(&json!({
        "architecture": super::archive::ARCHITECTURE,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{:x}", Sha256::digest(&layer))]},
    }))?;
    let config = format!("{:x}.json", Sha256::digest(&configuration));
    let manifest = json!([{"Config": config, "RepoTags": [name], "Layers": ["layer.tar"]}]);
    let mut archive = Builder::new(vec![]);
    append(&mut archive, "layer.tar", &layer, 0o644)?;
    append(&mut archive, &config, &configuration, 0o644)?;
    append(&mut archive, "manifest.json", &serde_json::to_vec(&manifest)?, 0o644)?;
    archive.into_inner()
}

fn layer(busybox: &[u8]) -> io::Result<Vec<u8>> {
    let mut layer = Builder::new(vec![]);
    for (directory, mode) in
        [("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("var", 0o755)]
    {
        let mut header = header(EntryType::Directory, 0, mode);
        layer.append_data(&mut header, format!("{directory}/"), io::empty())?;
    }
    append(&mut layer, "bin/busybox", busybox, 0o755)?;
    for program in PROGRAMS.split_whitespace() {
        let mut header = header(EntryType::Symlink, 0, 0o777);
        layer.append_link(&mut header, format!("bin/{program}"), "busybox")?;
    }
    append(
        &mut layer,
        "etc/passwd",
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        0o644,
    )?;
    append(&mut layer, "etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644)?;
    layer.into_inner()
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn append<W: Write>(
    archive: &mut Builder<W>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, content.len() as u64, mode);
    archive.append_data(&mut header, path, content)
}
