//! From the bytes of a file to a configuration: unknown fields are refused, wherever they stand.
//!
//! Source: cmd/kube-scheduler/app/options/configfile.go and the codec of apis/config/scheme (v1.36). Values of a wrong
//! type are told in words of our own.

use api::decode::{self, Parsed, YAML_ERRORS};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    API_VERSION, ConfigError, DefaultPreemptionArgs, DynamicResourcesArgs, InterPodAffinityArgs,
    KIND, KubeSchedulerConfiguration, NodeAffinityArgs, NodeResourcesBalancedAllocationArgs,
    NodeResourcesFitArgs, PluginArgs, PodTopologySpreadArgs, VolumeBindingArgs,
};

const GROUP: &str = "kubescheduler.config.k8s.io";
const SCHEME: &str = "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme/scheme.go:29";
const STRICT: &str = "strict decoding error: ";

/// The plugins that can be told something.
const WITH_ARGS: [&str; 8] = [
    DefaultPreemptionArgs::PLUGIN,
    DynamicResourcesArgs::PLUGIN,
    InterPodAffinityArgs::PLUGIN,
    NodeAffinityArgs::PLUGIN,
    NodeResourcesBalancedAllocationArgs::PLUGIN,
    NodeResourcesFitArgs::PLUGIN,
    PodTopologySpreadArgs::PLUGIN,
    VolumeBindingArgs::PLUGIN,
];

/// Why something is not decoded.
enum Refusal {
    /// It is not what it should be.
    Plain(String),
    /// It is, and more.
    Strict(Vec<String>),
}

/// The configuration in a file.
pub(super) fn decode(bytes: &[u8]) -> Result<KubeSchedulerConfiguration, ConfigError> {
    let parsed = parse(bytes).map_err(ConfigError)?;
    check_kind(&parsed.value, bytes).map_err(ConfigError)?;
    let mut errors = parsed.duplicates;
    if let Some(first) = errors.first_mut().filter(|told| told.starts_with("line ")) {
        first.insert_str(0, YAML_ERRORS);
    }
    let configuration: KubeSchedulerConfiguration = typed(parsed.value, &mut errors)?;
    for (index, profile) in configuration.profiles.iter().enumerate() {
        for (position, config) in profile.plugin_config.iter().enumerate() {
            let place = format!("decoding .profiles[{index}].pluginConfig[{position}]: ");
            match check_args(&config.name, &config.args) {
                Ok(()) => {}
                Err(Refusal::Plain(why)) => return Err(ConfigError(place + &why)),
                Err(Refusal::Strict(why)) => {
                    let why = why.join(", ");
                    let name = &config.name;
                    errors.push(format!(
                        "{place}{STRICT}decoding args for plugin {name}: {STRICT}{why}"
                    ));
                }
            }
        }
    }
    match errors.is_empty() {
        true => Ok(configuration),
        false => Err(ConfigError(format!("{STRICT}{}", errors.join(", ")))),
    }
}

fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            decode::parse_json(bytes).map_err(|error| format!("couldn't get version/kind; {error}"))
        }
        Some(_) | None => decode::parse_yaml(bytes).map_err(|error| error.to_string()),
    }
}

fn check_kind(value: &Value, bytes: &[u8]) -> Result<(), String> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let body = || String::from_utf8_lossy(bytes);
    if kind.is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", body()));
    }
    if api_version.is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{}'", body()));
    }
    let of_plugin = kind.strip_suffix("Args");
    let is_known = kind == KIND || of_plugin.is_some_and(|name| WITH_ARGS.contains(&name));
    if api_version != API_VERSION || !is_known {
        return Err(not_registered(kind, api_version));
    }
    match kind == KIND {
        true => Ok(()),
        false => Err(format!("couldn't decode as {KIND}, got {API_VERSION}, Kind={kind}: ")),
    }
}

fn not_registered(kind: &str, api_version: &str) -> String {
    format!("no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"{SCHEME}\"")
}

/// Whether a plugin that can be told something is told that.
fn check_args(name: &str, args: &Value) -> Result<(), Refusal> {
    match name {
        DefaultPreemptionArgs::PLUGIN => check::<DefaultPreemptionArgs>(args),
        DynamicResourcesArgs::PLUGIN => check::<DynamicResourcesArgs>(args),
        InterPodAffinityArgs::PLUGIN => check::<InterPodAffinityArgs>(args),
        NodeAffinityArgs::PLUGIN => check::<NodeAffinityArgs>(args),
        NodeResourcesBalancedAllocationArgs::PLUGIN => {
            check::<NodeResourcesBalancedAllocationArgs>(args)
        }
        NodeResourcesFitArgs::PLUGIN => check::<NodeResourcesFitArgs>(args),
        PodTopologySpreadArgs::PLUGIN => check::<PodTopologySpreadArgs>(args),
        VolumeBindingArgs::PLUGIN => check::<VolumeBindingArgs>(args),
        _ => Ok(()),
    }
}

fn check<A: PluginArgs>(args: &Value) -> Result<(), Refusal> {
    let text = |field: &str| args[field].as_str().unwrap_or_default();
    let (plugin, kind, api_version) = (A::PLUGIN, text("kind"), text("apiVersion"));
    let of = |why: String| Refusal::Plain(format!("decoding args for plugin {plugin}: {why}"));
    let asked = format!("{plugin}Args");
    if !api_version.is_empty() && api_version != API_VERSION {
        let kind = if kind.is_empty() { &asked } else { kind };
        return Err(of(not_registered(kind, api_version)));
    }
    if !kind.is_empty() && kind != asked {
        return Err(Refusal::Plain(format!(
            "args for plugin {plugin} were not of type {asked}.{GROUP}, got {kind}.{GROUP}"
        )));
    }
    let mut own = if args.is_null() { Value::Object(Map::new()) } else { args.clone() };
    if let Some(fields) = own.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "kind" | "apiVersion"));
    }
    let mut errors = vec![];
    typed::<A>(own, &mut errors).map_err(|error| of(error.0))?;
    if errors.is_empty() { Ok(()) } else { Err(Refusal::Strict(errors)) }
}

/// A value as what it should be. Fields that are unknown are told: they are those that are not written again.
fn typed<T: DeserializeOwned + Serialize>(
    mut value: Value,
    errors: &mut Vec<String>,
) -> Result<T, ConfigError> {
    drop_nulls(&mut value);
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| {
        let field = culprit::<T>(&value);
        ConfigError(if field.is_empty() { error.to_string() } else { format!("{field}: {error}") })
    })?;
    let written = serde_json::to_value(&typed).map_err(|error| ConfigError(error.to_string()))?;
    unknown_fields("", (&value, &written), errors);
    Ok(typed)
}

/// Null is the same as absence, as in Go.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn unknown_fields(path: &str, (read, written): (&Value, &Value), errors: &mut Vec<String>) {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            for (name, value) in read {
                let path = field(path, name);
                match written.get(name) {
                    Some(written) => unknown_fields(&path, (value, written), errors),
                    None => errors.push(format!("unknown field \"{path}\"")),
                }
            }
        }
        (Value::Array(read), Value::Array(written)) => {
            for (index, both) in read.iter().zip(written).enumerate() {
                unknown_fields(&format!("{path}[{index}]"), both, errors);
            }
        }
        _ => {}
    }
}

fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of the first value that keeps the rest from being read.
fn culprit<T: DeserializeOwned>(value: &Value) -> String {
    narrow("", value, &|part| serde_json::from_value::<T>(part).is_ok())
}

fn narrow(path: &str, value: &Value, is_read: &dyn Fn(Value) -> bool) -> String {
    if let Value::Array(items) = value {
        let alone = |part| is_read(Value::Array(vec![part]));
        let bad = items.iter().enumerate().find(|(_, item)| !alone((*item).clone()));
        if let Some((index, item)) = bad {
            return narrow(&format!("{path}[{index}]"), item, &alone);
        }
    }
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let alone = |part| is_read(Value::Object(Map::from_iter([(name.clone(), part)])));
            if !alone(value.clone()) {
                return narrow(&field(path, name), value, &alone);
            }
        }
    }
    path.to_owned()
}
