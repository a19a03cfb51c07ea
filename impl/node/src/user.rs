//! Finds out who a container runs as, from the pod, the image and the image's own `/etc/passwd`.

use std::path::Path;

use kubelet::runtime::Security;

/// Numbers only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// The user.
    pub(crate) uid: u32,
    /// The first group.
    pub(crate) gid: u32,
    /// Further groups.
    pub(crate) groups: Vec<u32>,
}

/// Who runs in `rootfs` when the image names `image_user`; an error says why nobody does.
pub(crate) fn resolve(
    security: &Security,
    image_user: &str,
    rootfs: &Path,
) -> Result<User, String> {
    let (name, group) = image_user.split_once(':').unwrap_or((image_user, ""));
    let passwd = lines(rootfs, "etc/passwd");
    let uid = match (security.run_as_user, name) {
        (Some(uid), _) => number(uid)?,
        (None, "") => 0,
        (None, name) => lookup(&passwd, name, 2).ok_or(format!("no users found for {name}"))?,
    };
    let by_uid =
        passwd.iter().find(|fields| fields.get(2).is_some_and(|field| *field == uid.to_string()));
    let own_group = by_uid.and_then(|fields| fields.get(3)?.parse().ok()).unwrap_or(0);
    let gid = match (security.run_as_group, group) {
        (Some(gid), _) => number(gid)?,
        (None, "") => own_group,
        (None, group) => lookup(&lines(rootfs, "etc/group"), group, 2)
            .ok_or(format!("no groups found for {group}"))?,
    };
    if security.run_as_non_root && uid == 0 {
        return Err("container has runAsNonRoot and image will run as root".to_owned());
    }
    let groups = security.supplemental_groups.iter().map(|gid| number(*gid));
    Ok(User { uid, gid, groups: groups.collect::<Result<_, _>>()? })
}

fn number(id: i64) -> Result<u32, String> {
    u32::try_from(id).map_err(|_| format!("{id} is not a user or group"))
}

fn lines(rootfs: &Path, file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(rootfs.join(file)).unwrap_or_default();
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

/// A number, or the numbered field of the line with this name.
fn lookup(lines: &[Vec<String>], name: &str, field: usize) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let line = lines.iter().find(|fields| fields.first().is_some_and(|first| first == name))?;
    line.get(field)?.parse().ok()
}
