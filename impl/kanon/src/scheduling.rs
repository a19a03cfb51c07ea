//! What a scheduler is told in a file.

use std::path::Path;

use host::extenders::Extenders;
use scheduler::Configuration;

use crate::failure::{Failure, While};

/// The configuration in a file, or the one without a file; with a way to its extenders.
pub(crate) fn configured(file: Option<&Path>) -> Result<(Configuration, Extenders), Failure> {
    let Some(file) = file else {
        let extenders = Extenders::new(&[]).map_err(Failure::cannot)?;
        return Ok((Configuration::default(), extenders));
    };
    let text = std::fs::read(file).while_doing(file.display())?;
    let configuration = Configuration::read(&text).map_err(|error| {
        // A failure is one line.
        let told: Vec<&str> = error.0.lines().map(str::trim).collect();
        Failure::cannot(format!("{}: {}", file.display(), told.join(" ")))
    })?;
    let extenders = Extenders::new(&configuration.extenders).while_doing(file.display())?;
    Ok((configuration, extenders))
}
