//! Plugins that were in the tree and are CSI drivers now.
//!
//! Source: csi-translation-lib/plugins (v1.36).

use k8s_openapi::api::core::v1::PersistentVolume;

/// By plugin, its driver.
const DRIVERS: [(&str, &str); 7] = [
    ("kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
    ("kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("kubernetes.io/azure-file", "file.csi.azure.com"),
    ("kubernetes.io/cinder", "cinder.csi.openstack.org"),
    ("kubernetes.io/gce-pd", "pd.csi.storage.gke.io"),
    ("kubernetes.io/portworx-volume", "pxd.portworx.com"),
    ("kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"),
];

/// The driver that has replaced a plugin.
pub(crate) fn driver_of(plugin: &str) -> Option<&'static str> {
    DRIVERS.iter().find(|(name, _)| *name == plugin).map(|(_, driver)| *driver)
}

/// The plugin of a volume, if a driver has replaced it.
pub(crate) fn plugin_of(volume: &PersistentVolume) -> Option<&'static str> {
    let spec = volume.spec.as_ref()?;
    let is_of = |plugin: &str| match plugin {
        "kubernetes.io/aws-ebs" => spec.aws_elastic_block_store.is_some(),
        "kubernetes.io/azure-disk" => spec.azure_disk.is_some(),
        "kubernetes.io/azure-file" => spec.azure_file.is_some(),
        "kubernetes.io/cinder" => spec.cinder.is_some(),
        "kubernetes.io/gce-pd" => spec.gce_persistent_disk.is_some(),
        "kubernetes.io/portworx-volume" => spec.portworx_volume.is_some(),
        "kubernetes.io/vsphere-volume" => spec.vsphere_volume.is_some(),
        _ => false,
    };
    DRIVERS.iter().map(|(plugin, _)| *plugin).find(|plugin| is_of(plugin))
}
