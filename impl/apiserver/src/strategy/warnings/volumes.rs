//! What is said of volumes: of kinds that are gone, and of paths that lie in each other.

use api::object::text;
use api::quantity::Quantity;
use serde_json::{Value, json};

use super::super::fields::{get, items, or_null};
use super::node_labels;

/// Kinds of volumes that are deprecated, by their fields; in the order in which upstream says so.
const OF_PODS: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const OF_PERSISTENT: [&str; 6] =
    ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"];
const ANNOTATIONS: [(&str, &str); 2] = [
    (
        "volume.beta.kubernetes.io/storage-class",
        "deprecated since v1.8; use \"storageClassName\" attribute instead",
    ),
    (
        "volume.beta.kubernetes.io/mount-options",
        "deprecated since v1.31; use \"mountOptions\" attribute instead",
    ),
];

/// Upstream writes the field as its internal type does.
fn told(field: &str) -> &str {
    if field == "storageos" { "storageOS" } else { field }
}

fn message(field: &str) -> Option<&'static str> {
    OF_PODS.iter().find(|(kind, _)| *kind == field).map(|(_, message)| *message)
}

/// What is said of the kinds of a pod's volumes.
pub(super) fn of_pod(path: &str, volumes: &[Value]) -> Vec<String> {
    let mut warnings = vec![];
    for (index, volume) in volumes.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let old = OF_PODS.iter().filter(|(field, _)| get(volume, &[field]).is_some());
        warnings.extend(old.map(|(field, message)| format!("{path}.{}: {message}", told(field))));
        let claim = get(volume, &["ephemeral", "volumeClaimTemplate", "spec"]);
        let path = format!("{path}.ephemeral.volumeClaimTemplate.spec");
        warnings.extend(claim.into_iter().flat_map(|spec| of_claim_spec(&path, spec)));
    }
    warnings.extend(volumes.iter().flat_map(overlaps));
    warnings
}

/// What is said of a PersistentVolume.
pub(super) fn of_persistent_volume(volume: &Value) -> Vec<String> {
    let given = |name: &str| get(volume, &["metadata", "annotations", name]).is_some();
    let old = ANNOTATIONS.iter().filter(|(name, _)| given(name));
    let mut warnings: Vec<String> =
        old.map(|(name, message)| format!("metadata.annotations[{name}]: {message}")).collect();
    if text(volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Recycle" {
        warnings.push("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.".to_owned());
    }
    let terms = items(volume, &["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
    for (index, term) in terms.iter().enumerate() {
        let path = format!("spec.nodeAffinity.required.nodeSelectorTerms[{index}]");
        warnings.extend(node_labels::in_term(&path, term, false));
    }
    let gone = OF_PERSISTENT.iter().filter(|field| get(volume, &["spec", field]).is_some());
    warnings.extend(
        gone.filter_map(|field| Some(format!("spec.{}: {}", told(field), message(field)?))),
    );
    warnings
}

/// What is said of a PersistentVolumeClaim.
pub(super) fn of_claim(claim: &Value) -> Vec<String> {
    let (annotation, _) = ANNOTATIONS[0];
    let mut warnings = vec![];
    if get(claim, &["metadata", "annotations", annotation]).is_some() {
        warnings.push(format!("metadata.annotations[{annotation}]: deprecated since v1.8; use \"storageClassName\" attribute instead"));
    }
    warnings.extend(of_claim_spec("spec", or_null(claim, &["spec"])));
    warnings
}

/// What is said of how much a claim asks for.
pub(super) fn of_claim_spec(path: &str, spec: &Value) -> Vec<String> {
    let parts = ["requests", "limits"].into_iter();
    let warnings = parts.filter_map(|part| {
        let amount = get(spec, &["resources", part, "storage"])?;
        fraction(&format!("{path}.resources.{part}[storage]"), amount)
    });
    warnings.collect()
}

/// What is said of an amount of bytes that is not whole.
pub(super) fn fraction(path: &str, amount: &Value) -> Option<String> {
    let quantity = Quantity::from_value(amount).ok()?;
    let is_whole = quantity.milli() % 1000 == 0;
    (!is_whole).then(|| {
        format!("{path}: fractional byte value \"{quantity}\" is invalid, must be an integer")
    })
}

/// A path in a volume and what puts something there.
#[derive(Clone, PartialEq)]
struct Placed {
    path: String,
    source: String,
}

impl Placed {
    fn new(path: &str, source: &str) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), source: source.to_owned() }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let is_below =
            |inner: &str, outer: &str| format!("{inner}/").starts_with(&format!("{outer}/"));
        !self.path.is_empty()
            && !other.path.is_empty()
            && (is_below(&self.path, &other.path) || is_below(&other.path, &self.path))
    }

    fn told(&self) -> String {
        match self.source.as_str() {
            "" => json!(self.path).to_string(),
            source => format!("{} ({source})", json!(self.path)),
        }
    }
}

/// What is said of paths in one volume that hide each other.
fn overlaps(volume: &Value) -> Vec<String> {
    let name = json!(text(volume, &["name"]));
    let of_items = |field: &str, source: &str| {
        let paths = items(volume, &[field, "items"]).iter();
        paths.map(|item| Placed::new(text(item, &["path"]), source)).collect::<Vec<_>>()
    };
    let map = format!("ConfigMap {}", json!(text(volume, &["configMap", "name"])));
    let secret = format!("Secret {}", json!(text(volume, &["secret", "secretName"])));
    let kinds = [
        (map, of_items("configMap", "")),
        (secret, of_items("secret", "")),
        ("DownwardAPI".to_owned(), of_items("downwardAPI", "")),
    ];
    let mut warnings = vec![];
    for (kind, paths) in kinds {
        warnings.extend(
            hidden(&paths).map(|pair| format!("volume {name} ({kind}): overlapping paths: {pair}")),
        );
    }
    let sources = items(volume, &["projected", "sources"]);
    let empty =
        sources.iter().filter(|source| source.as_object().is_none_or(serde_json::Map::is_empty));
    warnings.extend(empty.map(|_| format!("volume {name} (Projected) has no sources provided")));
    let paths: Vec<Placed> = sources.iter().flat_map(projected).collect();
    let pairs = hidden(&paths);
    warnings
        .extend(pairs.map(|pair| format!("volume {name} (Projected): overlapping paths: {pair}")));
    warnings
}

fn hidden(paths: &[Placed]) -> impl Iterator<Item = String> {
    paths.iter().enumerate().flat_map(|(index, path)| {
        let earlier = paths[..index].iter().filter(|other| path.overlaps(other));
        earlier.map(|other| format!("{} with {}", path.told(), other.told()))
    })
}

fn projected(source: &Value) -> Vec<Placed> {
    let of_items = |field: &str, told: &str| {
        let paths = items(source, &[field, "items"]).iter();
        paths.map(|item| Placed::new(text(item, &["path"]), told)).collect::<Vec<_>>()
    };
    let named =
        |kind: &str, field: &str| format!("{kind} {}", json!(text(source, &[field, "name"])));
    let mut paths = of_items("configMap", &named("ConfigMap", "configMap"));
    paths.extend(of_items("secret", &named("Secret", "secret")));
    paths.extend(of_items("downwardAPI", "DownwardAPI"));
    if let Some(token) = get(source, &["serviceAccountToken"]) {
        paths.push(Placed::new(text(token, &["path"]), "ServiceAccountToken"));
    }
    if let Some(bundle) = get(source, &["clusterTrustBundle"]) {
        let name = ["name", "signerName"].into_iter().map(|field| text(bundle, &[field]));
        let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let told = format!("ClusterTrustBundle {}", json!(name));
        paths.push(Placed::new(text(bundle, &["path"]), &told));
    }
    paths
}
