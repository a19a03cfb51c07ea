//! A container's mounts, with the content of those whose files are known.
//!
//! A volume belongs to nobody in particular, but the token in it does. Source: pkg/volume/projected/projected.go (v1.36).

use std::collections::BTreeMap;

use api::storage;
use k8s_openapi::api::core::v1::{
    Container, DownwardAPIVolumeFile, KeyToPath, Pod, Volume, VolumeProjection,
};

use crate::claims;
use crate::fields::{self, Place};
use crate::references::{self, Found, Kind};
use crate::runtime::{File, Mount, MountSource};
use crate::spec;
use crate::tokens::TokenRequest;

/// Files by their path in a volume.
pub(crate) type Files = BTreeMap<String, File>;

const MODE: i32 = 0o644;

/// The mounts in order, or why a volume cannot be set up.
pub(crate) fn mounts(
    pod: &Pod,
    container: &Container,
    found: &Found,
    place: Place<'_>,
) -> Result<Vec<Mount>, String> {
    let volumes: Vec<&Volume> = references::mounted(pod, container).collect();
    let mounts = container.volume_mounts.iter().flatten();
    mounts
        .map(|mount| {
            let volume = volumes.iter().find(|volume| volume.name == mount.name);
            let volume = volume.ok_or(format!("volume \"{}\" not found", mount.name))?;
            let source = source(volume, &Context { pod, container, found, place })?;
            let claim = volume.persistent_volume_claim.as_ref();
            Ok(Mount {
                read_only: mount.read_only == Some(true)
                    || claim.is_some_and(|claim| claim.read_only == Some(true))
                    || matches!(source, MountSource::Files { .. }),
                source,
                sub_path: mount.sub_path.clone().unwrap_or_default(),
                path: mount.mount_path.clone(),
            })
        })
        .collect()
}

/// Why a volume is not mounted.
pub(crate) fn failure(volume: &str, why: &str) -> String {
    format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}")
}

/// What the content of a volume may depend on.
pub(crate) struct Context<'a> {
    pub(crate) pod: &'a Pod,
    /// The one that mounts it.
    pub(crate) container: &'a Container,
    pub(crate) found: &'a Found,
    pub(crate) place: Place<'a>,
}

fn source(volume: &Volume, context: &Context<'_>) -> Result<MountSource, String> {
    let name = volume.name.clone();
    if let Some(empty) = &volume.empty_dir {
        return Ok(MountSource::EmptyDir {
            volume: name,
            memory: empty.medium.as_deref() == Some("Memory"),
        });
    }
    if let Some(host) = &volume.host_path {
        let create_directory = host.type_.as_deref() == Some("DirectoryOrCreate");
        return Ok(MountSource::HostPath { path: host.path.clone(), create_directory });
    }
    if let Some((claim, is_own)) = storage::claim_of_volume(context.pod, volume) {
        return claims::source(context.pod, volume, (&claim, is_own), context.found);
    }
    let failed = |why: String| failure(&name, &why);
    let unsupported = || failed("this kind of volume is not supported".to_owned());
    let files = files(volume, context).map_err(failed)?.ok_or_else(unsupported)?;
    Ok(MountSource::Files { volume: name, files })
}

/// The files of a volume, if that is all it is.
pub(crate) fn files(volume: &Volume, context: &Context<'_>) -> Result<Option<Files>, String> {
    if let Some(source) = &volume.config_map {
        let reference = (Kind::ConfigMap, source.name.clone());
        let mode = source.default_mode.unwrap_or(MODE);
        object(context, &reference, (source.items.as_deref(), source.optional, mode)).map(Some)
    } else if let Some(source) = &volume.secret {
        let reference = (Kind::Secret, source.secret_name.clone().unwrap_or_default());
        let mode = source.default_mode.unwrap_or(MODE);
        object(context, &reference, (source.items.as_deref(), source.optional, mode)).map(Some)
    } else if let Some(source) = &volume.downward_api {
        let mode = source.default_mode.unwrap_or(MODE);
        downward(context, source.items.as_deref(), mode).map(Some)
    } else if let Some(source) = &volume.projected {
        let mode = source.default_mode.unwrap_or(MODE);
        let mut files = Files::new();
        for one in source.sources.iter().flatten() {
            files.extend(projected(context, one, mode)?);
        }
        Ok(Some(files))
    } else {
        Ok(None)
    }
}

fn projected(context: &Context<'_>, source: &VolumeProjection, mode: i32) -> Result<Files, String> {
    if let Some(source) = &source.config_map {
        let reference = (Kind::ConfigMap, source.name.clone());
        return object(context, &reference, (source.items.as_deref(), source.optional, mode));
    }
    if let Some(source) = &source.secret {
        let reference = (Kind::Secret, source.name.clone());
        return object(context, &reference, (source.items.as_deref(), source.optional, mode));
    }
    if let Some(source) = &source.downward_api {
        return downward(context, source.items.as_deref(), mode);
    }
    if let Some(source) = &source.service_account_token {
        let token = context.found.tokens.get(&TokenRequest::of(source));
        let token = token.ok_or("failed to fetch token")?;
        let file = secret(context.pod, token.text.clone().into_bytes(), mode);
        return Ok(Files::from([(source.path.clone(), file)]));
    }
    Err("this kind of projection is not supported".to_owned())
}

/// A file that only the user of the pod's containers may read, if all run as the same, and the group that
/// its volumes belong to.
fn secret(pod: &Pod, content: Vec<u8>, mode: i32) -> File {
    let group = spec::spec(pod).security_context.as_ref().and_then(|context| context.fs_group);
    let owner = spec::user_of_all(pod);
    let mode = match (owner, group) {
        (None, None) => mode,
        (Some(_), None) => 0o600,
        (_, Some(_)) => 0o640,
    };
    let id = |id: Option<i64>| id.and_then(|id| u32::try_from(id).ok());
    File { owner: id(owner), group: id(group), ..file(content, mode) }
}

fn object(
    context: &Context<'_>,
    reference: &(Kind, String),
    (items, optional, mode): (Option<&[KeyToPath]>, Option<bool>, i32),
) -> Result<Files, String> {
    let optional = optional == Some(true);
    let Some(data) = references::object(context.found, reference, optional)? else {
        return Ok(Files::new());
    };
    let Some(items) = items else {
        return Ok(data
            .iter()
            .map(|(key, value)| (key.clone(), file(value.clone(), mode)))
            .collect());
    };
    let mut files = Files::new();
    for item in items {
        match data.get(&item.key) {
            Some(value) => {
                files.insert(item.path.clone(), file(value.clone(), item.mode.unwrap_or(mode)));
            }
            None if optional => {}
            None => return Err(format!("references non-existent key: {}", item.key)),
        }
    }
    Ok(files)
}

fn downward(
    context: &Context<'_>,
    items: Option<&[DownwardAPIVolumeFile]>,
    mode: i32,
) -> Result<Files, String> {
    let mut files = Files::new();
    for item in items.unwrap_or_default() {
        let text = match (&item.field_ref, &item.resource_field_ref) {
            (Some(field), _) => fields::field(context.pod, &field.field_path, context.place)?,
            (None, Some(resource)) => {
                let wanted = (resource, context.place.allocatable);
                fields::resource(context.pod, context.container, wanted)?
            }
            (None, None) => String::new(),
        };
        files.insert(item.path.clone(), file(text.into_bytes(), item.mode.unwrap_or(mode)));
    }
    Ok(files)
}

fn file(content: Vec<u8>, mode: i32) -> File {
    File { content, mode: mode.unsigned_abs() & 0o7777, owner: None, group: None }
}
