//! Plays every scenario: what it says must come true, whatever the order of things.
//!
//! `KANON_UPDATE=1` writes what has come true into the files.

use std::path::{Path, PathBuf};

use conformance::sim::scenario::{first_difference, play, play_in_order};
use libtest_mimic::{Arguments, Failed, Trial};

/// Other orders in which each file must come true.
const SEEDS: std::ops::Range<u64> = 1..3;

fn main() {
    let trials = files().into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || comes_true(&path))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(&folder).expect("there are scenarios");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "txt")).collect();
    files.sort();
    files
}

fn comes_true(path: &Path) -> Result<(), Failed> {
    let expected = std::fs::read_to_string(path)?;
    let played = play(&expected).map_err(|failure| told(path, &failure))?;
    if std::env::var_os("KANON_UPDATE").is_some() && played != expected {
        std::fs::write(path, &played)?;
    } else {
        same(path, "", &expected, &played)?;
    }
    for seed in SEEDS {
        let in_order = play_in_order(&played, seed).map_err(|failure| told(path, &failure))?;
        same(path, &format!("with seed {seed}, "), &played, &in_order)?;
    }
    Ok(())
}

fn told(path: &Path, why: &impl std::fmt::Display) -> Failed {
    format!("{}: {why}", path.display()).into()
}

fn same(path: &Path, when: &str, expected: &str, played: &str) -> Result<(), Failed> {
    let Some(line) = first_difference(expected, played) else { return Ok(()) };
    let at = |text: &str| text.lines().nth(line - 1).unwrap_or("the end of the file").to_owned();
    let (expected, played) = (at(expected), at(played));
    Err(told(path, &format!("{when}line {line} is\n  {played}\nand not\n  {expected}")))
}
