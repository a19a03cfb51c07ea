//! The commands of a scenario.

use std::time::Duration;

use api::feature_gates::FeatureGateError;
use api::quantity::Quantity;
use api::selector::Selector;
use api::{ApiResource, FeatureGates};
use serde_json::{Value, json};

use crate::sim::load::Load;
use crate::sim::scenario::field::Path;
use crate::sim::scenario::words::{Object, Words, resource};

/// What a block asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    /// The objects stand below.
    Create,
    Patch {
        of: Object,
        subresource: String,
        patch: Value,
    },
    Scale {
        of: Object,
        replicas: i64,
    },
    /// With these fields of `DeleteOptions`.
    Delete {
        of: Object,
        options: Value,
    },
    Evict(Object),
    Get(Get),
    Conditions(Object),
    Events {
        about: Option<String>,
        event_type: Option<String>,
        reason: Option<String>,
    },
    Writes {
        actor: Option<String>,
    },
    Wait(Duration),
    Kill(String),
    Revive(String),
    Join(String),
    Crash(String),
    Off(Duration),
    Stall {
        actor: String,
        resource: &'static ApiResource,
        is_stalled: bool,
    },
    Exit {
        pod: Object,
        code: i32,
    },
    Image {
        name: String,
        is_missing: bool,
    },
    Load(Load),
    Seed(u64),
    /// So many stand for election.
    ControllerManagers(usize),
    FeatureGates(FeatureGates),
}

/// What is shown.
#[derive(Debug, PartialEq)]
pub(super) struct Get {
    pub(super) resource: &'static ApiResource,
    /// Empty for all.
    pub(super) name: String,
    /// Nothing for all.
    pub(super) namespace: Option<String>,
    pub(super) selector: String,
    pub(super) form: Form,
}

/// How it is shown.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Table { is_wide: bool },
    Columns { columns: Vec<(String, Path)>, sorted_by: Option<Path> },
    Part(Path),
}

impl Command {
    /// Whether it says what the cluster is like before anything happens.
    pub(super) fn is_setting(&self) -> bool {
        matches!(self, Self::Seed(_) | Self::ControllerManagers(_) | Self::FeatureGates(_))
    }

    /// Reads a command line and what stands below it; or what is wrong with it.
    pub(super) fn parse(line: &str, body: &str) -> Result<Self, String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let takes_body = matches!(verb, "create" | "patch");
        if !takes_body && !body.trim().is_empty() {
            return Err(format!("\"{verb}\" takes no lines below it"));
        }
        match verb {
            "create" => nothing(rest, "create").map(|()| Self::Create),
            "patch" => patch(rest, body),
            "scale" => scale(rest),
            "delete" => delete(rest),
            "evict" => pod(rest, "evict POD").map(Self::Evict),
            "get" => get(rest).map(Self::Get),
            "conditions" => Words::parse(rest, &["-n"])?.object().map(Self::Conditions),
            "events" => events(rest),
            "writes" => writes(rest),
            "settle" => nothing(rest, "settle").map(|()| Self::Wait(Duration::from_secs(1))),
            "wait" => Ok(Self::Wait(duration(rest)?)),
            "kill" => one(rest, "kill NODE").map(Self::Kill),
            "revive" => one(rest, "revive NODE").map(Self::Revive),
            "off" => Ok(Self::Off(duration(rest)?)),
            "join" => one(rest, "join NODE").map(Self::Join),
            "crash" => one(rest, "crash ACTOR").map(Self::Crash),
            "stall" => stall(rest, true),
            "resume" => stall(rest, false),
            "exit" => exit(rest),
            "lose-image" => image(rest, true),
            "find-image" => image(rest, false),
            "load" => load(rest).map(Self::Load),
            "seed" => Ok(Self::Seed(number(rest)?)),
            "feature-gates" => rest
                .parse()
                .map(Self::FeatureGates)
                .map_err(|error: FeatureGateError| error.to_string()),
            "controller-managers" => Ok(Self::ControllerManagers(number(rest)?)),
            other => Err(format!("\"{other}\" is no command")),
        }
    }
}

fn nothing(rest: &str, usage: &str) -> Result<(), String> {
    Words::parse(rest, &[])?.exactly::<0>(usage).map(|_| ())
}

fn one(rest: &str, usage: &str) -> Result<String, String> {
    let [word] = Words::parse(rest, &[])?.exactly(usage)?;
    Ok(word.to_owned())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("\"{text}\" is no number"))
}

/// `90s`, `10m`, `1h30m`, `2d`.
fn duration(text: &str) -> Result<Duration, String> {
    let refusal = || format!("\"{text}\" is no duration");
    let mut seconds = 0;
    for part in text.trim().split_inclusive(['d', 'h', 'm', 's']) {
        let (count, unit) = part.split_at(part.len() - 1);
        let unit = match unit {
            "d" => 24 * 3600,
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            _ => return Err(refusal()),
        };
        seconds += count.parse::<u64>().map_err(|_| refusal())? * unit;
    }
    Ok(Duration::from_secs(seconds))
}

fn pod(rest: &str, usage: &str) -> Result<Object, String> {
    let words = Words::parse(rest, &["-n"])?;
    let [name] = words.exactly(usage)?;
    Ok(words.pod(name))
}

fn patch(rest: &str, body: &str) -> Result<Command, String> {
    let (line, inline) = match rest.find('{') {
        Some(begin) => rest.split_at(begin),
        None => (rest, ""),
    };
    let text = if inline.is_empty() { body } else { inline };
    let patch = api::decode::parse_yaml(text.as_bytes()).map_err(|error| error.to_string())?.value;
    if !patch.is_object() {
        return Err("a patch is an object".to_owned());
    }
    let words = Words::parse(line, &["-n", "--subresource"])?;
    let of = words.object()?;
    let subresource = words.flag("--subresource").unwrap_or_default().to_owned();
    Ok(Command::Patch { of, subresource, patch })
}

fn scale(rest: &str) -> Result<Command, String> {
    let words = Words::parse(rest, &["-n", "--replicas"])?;
    let replicas = number(words.flag("--replicas").unwrap_or_default())?;
    Ok(Command::Scale { of: words.object()?, replicas })
}

fn delete(rest: &str) -> Result<Command, String> {
    let words = Words::parse(rest, &["-n", "--cascade", "--force"])?;
    let policy = match words.flag("--cascade").unwrap_or("background") {
        "background" => "Background",
        "foreground" => "Foreground",
        "orphan" => "Orphan",
        other => return Err(format!("\"{other}\" is no way to cascade")),
    };
    let mut options = json!({"propagationPolicy": policy});
    if words.has("--force") {
        options["gracePeriodSeconds"] = json!(0);
    }
    Ok(Command::Delete { of: words.object()?, options })
}

fn get(rest: &str) -> Result<Get, String> {
    let words = Words::parse(rest, &["-n", "-A", "-l", "-o", "--sort-by"])?;
    let (resource, name) = words.objects()?;
    let form = match words.flag("-o") {
        None => Form::Table { is_wide: false },
        Some("wide") => Form::Table { is_wide: true },
        Some(form) => match form.strip_prefix("custom-columns=") {
            Some(columns) => Form::Columns {
                columns: columns.split(',').map(column).collect::<Result<_, _>>()?,
                sorted_by: words.flag("--sort-by").map(Path::parse).transpose()?,
            },
            None => Form::Part(Path::parse(form)?),
        },
    };
    Ok(Get {
        resource,
        name: name.to_owned(),
        namespace: (resource.namespaced && !words.has("-A")).then(|| words.namespace()),
        selector: words.flag("-l").unwrap_or_default().to_owned(),
        form,
    })
}

fn column(text: &str) -> Result<(String, Path), String> {
    let (head, path) = text.split_once(':').ok_or_else(|| format!("\"{text}\" is no column"))?;
    Ok((head.to_owned(), Path::parse(path)?))
}

fn events(rest: &str) -> Result<Command, String> {
    let words = Words::parse(rest, &["--for", "--types", "--reason"])?;
    words.exactly::<0>("events")?;
    let about = words.flag("--for").map(|about| {
        let (kind, name) = about.split_once('/').unwrap_or((about, ""));
        resource(kind).map(|found| format!("{}/{name}", found.singular))
    });
    let event_type = words.flag("--types").map(str::to_owned);
    let reason = words.flag("--reason").map(str::to_owned);
    Ok(Command::Events { about: about.transpose()?, event_type, reason })
}

fn writes(rest: &str) -> Result<Command, String> {
    let words = Words::parse(rest, &["--by"])?;
    words.exactly::<0>("writes")?;
    Ok(Command::Writes { actor: words.flag("--by").map(str::to_owned) })
}

fn stall(rest: &str, is_stalled: bool) -> Result<Command, String> {
    let words = Words::parse(rest, &[])?;
    let [actor, plural] = words.exactly("stall ACTOR RESOURCE")?;
    Ok(Command::Stall { actor: actor.to_owned(), resource: resource(plural)?, is_stalled })
}

fn exit(rest: &str) -> Result<Command, String> {
    let words = Words::parse(rest, &["-n"])?;
    let [name, code] = words.exactly("exit POD CODE")?;
    Ok(Command::Exit { pod: words.pod(name), code: number(code)? })
}

fn load(rest: &str) -> Result<Load, String> {
    let words = Words::parse(rest, &[])?;
    let [selector, cpu] = words.exactly("load SELECTOR CPU")?;
    let cpu = Quantity::parse(cpu).map_err(|_| format!("\"{cpu}\" is no quantity"))?;
    Ok(Load { selector: Selector::parse(selector)?, cpu_milli: cpu.milli() })
}

fn image(rest: &str, is_missing: bool) -> Result<Command, String> {
    one(rest, "lose-image IMAGE").map(|name| Command::Image { name, is_missing })
}
