//! A command line as words: what stands by its place, and what by its flag.

use std::collections::BTreeMap;

use api::{ApiResource, resources};

/// The words of a line.
pub(super) struct Words<'a> {
    line: &'a str,
    places: Vec<&'a str>,
    flags: BTreeMap<&'a str, &'a str>,
}

/// An object, as a command names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) resource: &'static ApiResource,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Object {
    /// `deployment.apps`, as kubectl writes kinds.
    pub(super) fn kind(&self) -> String {
        kind(self.resource)
    }

    /// Its path at the API server.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.resource.path(Some(&self.namespace)), self.name)
    }
}

/// `deployment.apps`, as kubectl writes kinds.
pub(super) fn kind(resource: &ApiResource) -> String {
    let kind = resource.kind.to_lowercase();
    if resource.group.is_empty() { kind } else { format!("{kind}.{}", resource.group) }
}

/// The resource with this plural, singular or short name.
pub(super) fn resource(word: &str) -> Result<&'static ApiResource, String> {
    let is_it = |one: &&&ApiResource| {
        word == one.plural || word == one.singular || one.short_names.contains(&word)
    };
    let found = resources::ALL.iter().find(is_it).copied();
    found.ok_or_else(|| format!("the server doesn't have a resource type \"{word}\""))
}

impl<'a> Words<'a> {
    /// Cuts a line into words. `known` are the flags that it may have: `-n NAME`, `-A`, `--replicas=2`.
    pub(super) fn parse(line: &'a str, known: &[&str]) -> Result<Self, String> {
        let mut words = Self { line, places: vec![], flags: BTreeMap::new() };
        let mut rest = line.split_whitespace();
        while let Some(word) = rest.next() {
            let (flag, value) = match (word, word.split_once('=')) {
                ("-n" | "-o" | "-l", _) => (word, rest.next().unwrap_or_default()),
                (_, Some((flag, value))) if flag.starts_with("--") => (flag, value),
                (_, _) if word.starts_with('-') => (word, ""),
                (_, _) => {
                    words.places.push(word);
                    continue;
                }
            };
            if !known.contains(&flag) {
                return Err(format!("unknown flag: {flag}"));
            }
            words.flags.insert(flag, value);
        }
        Ok(words)
    }

    /// The value of a flag, if it is there.
    pub(super) fn flag(&self, name: &str) -> Option<&'a str> {
        self.flags.get(name).copied()
    }

    /// Whether a flag is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.flags.contains_key(name)
    }

    /// The namespace that is asked for.
    pub(super) fn namespace(&self) -> String {
        self.flag("-n").unwrap_or("default").to_owned()
    }

    /// Exactly these words.
    pub(super) fn exactly<const N: usize>(&self, usage: &str) -> Result<[&'a str; N], String> {
        let places: Result<[&str; N], _> = self.places.clone().try_into();
        places.map_err(|_| format!("\"{}\" is not: {usage}", self.line))
    }

    /// A resource and perhaps a name.
    pub(super) fn objects(&self) -> Result<(&'static ApiResource, &'a str), String> {
        match self.places.as_slice() {
            [word] => {
                let (word, name) = word.split_once('/').unwrap_or((word, ""));
                Ok((resource(word)?, name))
            }
            [word, name] => Ok((resource(word)?, name)),
            _ => Err(format!("\"{}\" does not name a resource", self.line)),
        }
    }

    /// One object.
    pub(super) fn object(&self) -> Result<Object, String> {
        let (resource, name) = self.objects()?;
        if name.is_empty() {
            return Err(format!("\"{}\" does not name an object", self.line));
        }
        let namespace = if resource.namespaced { self.namespace() } else { String::new() };
        Ok(Object { resource, namespace, name: name.to_owned() })
    }

    /// One pod.
    pub(super) fn pod(&self, name: &str) -> Object {
        let (resource, namespace) = (&resources::PODS, self.namespace());
        Object { resource, namespace, name: name.trim_start_matches("pod/").to_owned() }
    }
}
