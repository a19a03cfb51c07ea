//! The pods that a Job makes.
//!
//! Source: manageJob in job_controller.go and indexed_job_utils.go in pkg/controller/job (v1.36).

use api::object::controller_reference;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::indexes::COMPLETION_INDEX;
use super::pass::TRACKING_FINALIZER;
use crate::ownership::name;

const COMPLETION_INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";

/// The longest beginning of a generated name.
const GENERATED_NAME_LENGTH_MAX: usize = 58;

/// A pod of the template, with the finalizer that keeps it until it is counted.
pub(super) fn pod(job: &Job, spec: &JobSpec) -> Pod {
    let template = spec.template.clone();
    let metadata = template.metadata.unwrap_or_default();
    let mut finalizers = metadata.finalizers.unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == TRACKING_FINALIZER) {
        finalizers.push(TRACKING_FINALIZER.to_owned());
    }
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", name(&job.metadata))),
            namespace: job.metadata.namespace.clone(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: Some(finalizers),
            owner_references: Some(vec![controller_reference(job)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

/// The pod of one index: it is told which, by a variable, an annotation, a label and its host name.
pub(super) fn indexed_pod(job: &Job, spec: &JobSpec, index: i32) -> Pod {
    let mut pod = pod(job, spec);
    let metadata = &mut pod.metadata;
    metadata.generate_name = Some(generate_name(name(&job.metadata), index));
    for map in [&mut metadata.annotations, &mut metadata.labels] {
        map.get_or_insert_default().insert(COMPLETION_INDEX.to_owned(), index.to_string());
    }
    if let Some(spec) = &mut pod.spec {
        spec.hostname = Some(format!("{}-{index}", name(&job.metadata)));
        let init = spec.init_containers.iter_mut().flatten();
        init.chain(&mut spec.containers).for_each(add_variable);
    }
    pod
}

fn generate_name(job: &str, index: i32) -> String {
    let end = format!("-{index}-");
    let length = job.len().min(GENERATED_NAME_LENGTH_MAX.saturating_sub(end.len()));
    format!("{}{end}", &job[..length])
}

fn add_variable(container: &mut Container) {
    let variables = container.env.get_or_insert_default();
    if variables.iter().any(|variable| variable.name == COMPLETION_INDEX_VARIABLE) {
        return;
    }
    let field_ref = ObjectFieldSelector {
        field_path: format!("metadata.labels['{COMPLETION_INDEX}']"),
        ..ObjectFieldSelector::default()
    };
    let source = EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() };
    variables.push(EnvVar {
        name: COMPLETION_INDEX_VARIABLE.to_owned(),
        value: None,
        value_from: Some(source),
    });
}
