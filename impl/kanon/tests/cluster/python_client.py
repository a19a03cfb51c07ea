"""What a program does with the official Python client: each line that is printed is compared.

Usage: python_client.py KUBECONFIG
"""

import itertools
import sys

from kubernetes import client, config, dynamic, watch

config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()

core.create_namespaced_config_map("default", {"metadata": {"name": "a"}, "data": {"k": "v"}})
revision = core.list_namespaced_config_map("default").metadata.resource_version
core.patch_namespaced_config_map("a", "default", {"data": {"k": "w"}})
core.patch_namespaced_config_map("a", "default", [{"op": "add", "path": "/data/l", "value": "x"}])
core.delete_namespaced_config_map("a", "default")
stream = watch.Watch().stream(
    core.list_namespaced_config_map, "default", resource_version=revision, timeout_seconds=60
)
for event in itertools.islice(stream, 3):
    print(event["type"], event["object"].metadata.name, event["object"].data)

cluster = dynamic.DynamicClient(client.ApiClient())
deployments = cluster.resources.get(api_version="apps/v1", kind="Deployment")
containers = [{"name": "c", "image": "busybox:1.35"}]
labels = {"app": "web"}
template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
deployments.create(
    namespace="default",
    body={
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    },
)
deployments.patch(
    name="web",
    namespace="default",
    body={"spec": {"replicas": 3}},
    content_type="application/merge-patch+json",
)
print(deployments.get(name="web", namespace="default").spec.replicas)
print([found.metadata.name for found in deployments.get(namespace="default").items])

try:
    core.read_namespaced_pod("nope", "default")
except client.ApiException as refusal:
    print(refusal.status, refusal.reason)
