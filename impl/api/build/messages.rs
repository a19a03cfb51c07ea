//! Protobuf field numbers, Go's markers and what lists mean, read from the sources of `k8s-pb`.
//!
//! That crate is generated from upstream's `.proto` files, whose comments carry the markers of the Go
//! types. Names are joined by their letters and digits, whatever their case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;
use syn::ext::IdentExt;
use syn::{
    Attribute, Expr, ExprLit, GenericArgument, Ident, Item, ItemStruct, Lit, Meta, PathArguments,
    Type,
};

use crate::definitions::{Definition, Definitions, Field};

type Messages = BTreeMap<String, Message>;

/// A protobuf message.
struct Message {
    description: String,
    markers: Vec<String>,
    fields: BTreeMap<String, MessageField>,
}

/// A field of a protobuf message.
struct MessageField {
    number: u32,
    /// The folded name of its type.
    type_name: String,
    description: String,
    markers: Vec<String>,
}

/// Writes numbers and markers into the definitions.
pub(crate) fn join(definitions: &mut Definitions) {
    let sources = sources();
    println!("cargo::rerun-if-changed={}", sources.display());
    let mut packages: BTreeMap<String, Messages> = BTreeMap::new();
    for (name, definition) in definitions {
        let Some((package, message)) =
            name.strip_prefix("io.k8s.").and_then(|name| name.rsplit_once('.'))
        else {
            continue;
        };
        let message = fold(message);
        // MutatingAdmissionPolicies are known as of 1.35 only, with the numbers that they have kept.
        for package in [package.to_owned(), format!("{package}beta1")] {
            let messages =
                packages.entry(package).or_insert_with_key(|package| read(&sources, package));
            if let Some(message) = messages.get(&message) {
                join_message(definition, message, messages);
                break;
            }
        }
    }
}

fn join_message(definition: &mut Definition, message: &Message, messages: &Messages) {
    definition.atomic = marker(&message.markers, "structType") == "atomic";
    fill(&mut definition.description, &message.description);
    let properties: Vec<String> = definition.fields.keys().map(|name| fold(name)).collect();
    for (name, field) in &mut definition.fields {
        if let Some((number, found)) = find(message, &fold(name), &properties, messages) {
            join_field(field, number, found);
        }
    }
}

/// A field of a message, or of one that is embedded in it: one that has no property of its own.
fn find<'a>(
    message: &'a Message,
    name: &str,
    properties: &[String],
    messages: &'a Messages,
) -> Option<(Vec<u32>, &'a MessageField)> {
    if let Some(found) = message.fields.get(name) {
        return Some((vec![found.number], found));
    }
    let mut embedded = message.fields.iter().filter(|(name, _)| !properties.contains(name));
    embedded.find_map(|(_, outer)| {
        let (number, found) = find(messages.get(&outer.type_name)?, name, properties, messages)?;
        Some(([vec![outer.number], number].concat(), found))
    })
}

fn join_field(field: &mut Field, number: Vec<u32>, found: &MessageField) {
    field.number = number;
    fill(&mut field.description, &found.description);
    field.list_type = marker(&found.markers, "listType").to_owned();
    field.strategy = marker(&found.markers, "patchStrategy").to_owned();
    field.merge_key = marker(&found.markers, "patchMergeKey").to_owned();
    field.keys = values(&found.markers, "listMapKey").map(str::to_owned).collect();
    field.default = marker(&found.markers, "default").to_owned();
    field.atomic =
        ["mapType", "structType"].into_iter().any(|name| marker(&found.markers, name) == "atomic");
}

/// Lists have no description yet.
fn fill(description: &mut String, found: &str) {
    if description.is_empty() {
        found.clone_into(description);
    }
}

fn marker<'a>(markers: &'a [String], name: &'a str) -> &'a str {
    values(markers, name).next().unwrap_or_default()
}

fn values<'a>(markers: &'a [String], name: &'a str) -> impl Iterator<Item = &'a str> {
    markers.iter().filter_map(move |marker| marker.strip_prefix(name)?.strip_prefix('='))
}

fn fold(name: &str) -> String {
    name.replace(['_', '-', '$'], "").to_lowercase()
}

fn read(sources: &Path, package: &str) -> Messages {
    let path = sources.join(package.replace('.', "/").replace('-', "_")).join("mod.rs");
    let Ok(text) = fs::read_to_string(path) else {
        return Messages::new();
    };
    let file = syn::parse_file(&text).expect("k8s-pb is Rust");
    file.items.iter().filter_map(message).collect()
}

fn message(item: &Item) -> Option<(String, Message)> {
    let Item::Struct(ItemStruct { attrs, ident, fields, .. }) = item else {
        return None;
    };
    let fields = fields.iter().filter_map(message_field).collect();
    let (description, markers) = (description(attrs), markers(attrs));
    Some((folded(ident), Message { description, markers, fields }))
}

fn message_field(field: &syn::Field) -> Option<(String, MessageField)> {
    let name = folded(field.ident.as_ref()?);
    let number = number(&field.attrs)?;
    let type_name = type_name(&field.ty).unwrap_or_default();
    let (description, markers) = (description(&field.attrs), markers(&field.attrs));
    Some((name, MessageField { number, type_name, description, markers }))
}

fn folded(ident: &Ident) -> String {
    fold(&ident.unraw().to_string())
}

/// The number in `#[prost(message, optional, tag = "1")]`.
fn number(attributes: &[Attribute]) -> Option<u32> {
    let prost = attributes.iter().find(|attribute| attribute.path().is_ident("prost"))?;
    let tokens = prost.meta.require_list().ok()?.tokens.to_string();
    let (_, tag) = tokens.rsplit_once("tag")?;
    tag.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// The innermost type, `volumesource` of `Option<VolumeSource>`.
fn type_name(kind: &Type) -> Option<String> {
    let Type::Path(path) = kind else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Some(folded(&segment.ident));
    };
    arguments.args.iter().find_map(|argument| {
        if let GenericArgument::Type(inner) = argument { type_name(inner) } else { None }
    })
}

/// `listType=map` and the like: the comment's lines that open with `+`.
fn markers(attributes: &[Attribute]) -> Vec<String> {
    let lines = attributes.iter().filter_map(comment);
    lines.filter_map(|line| line.trim().strip_prefix('+').map(str::to_owned)).collect()
}

/// The comment without markers: a line for each paragraph, an empty one between them. Addresses stand in
/// angle brackets there, which are rustdoc's.
fn description(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(comment).collect::<Vec<_>>();
    let lines = lines.iter().map(|line| line.trim()).filter(|line| !line.starts_with('+'));
    let paragraphs = lines.collect::<Vec<_>>().join(" ").replace("  ", "\n\n");
    let plain = paragraphs.split('<').map(|part| match part.split_once('>') {
        Some((address, rest)) if address.starts_with("http") => format!("{address}{rest}"),
        _ => part.to_owned(),
    });
    plain.collect::<String>().trim().to_owned()
}

fn comment(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else {
        return None;
    };
    pair.path.is_ident("doc").then(|| text.value())
}

/// The folder of `k8s-pb`'s sources, which cargo has fetched as a dependency of this script.
fn sources() -> PathBuf {
    let metadata = metadata(&["--offline"]).or_else(|| metadata(&[]));
    let metadata = metadata.expect("cargo describes the workspace that it builds");
    let packages = metadata["packages"].as_array();
    let manifest = packages
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "k8s-pb")
        .and_then(|package| package["manifest_path"].as_str())
        .expect("k8s-pb is a build dependency");
    Path::new(manifest).with_file_name("src")
}

fn metadata(options: &[&str]) -> Option<Value> {
    let output = Command::new(env::var_os("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(env::var_os("HOST")?)
        .args(options)
        .current_dir(env::var_os("CARGO_MANIFEST_DIR")?)
        .output()
        .ok()?;
    output.status.success().then(|| serde_json::from_slice(&output.stdout).ok()).flatten()
}
