//! A search that is saved and resumed ends as one that was never stopped.

use model::check::{self, Options};
use model::checker::breadth_first::{BreadthFirst, How};
use model::checker::limits::{End, Limit, Limits, Until};
use model::checker::progress::Progress;
use model::checker::save::{Heading, ResumeError, resume, save};
use model::scenarios::{self, Visitor};
use model::slice::{Checked, Size, Slice};
use std::path::{Path, PathBuf};

const MUTATION: &str = "queue-ignores-backoff";

#[test]
fn a_resumed_search_ends_as_one_that_was_not_stopped() {
    for (name, scenario, spill) in
        [("whole", "scheduler-queue", false), ("spilled", "scheduler-queue", true)]
    {
        let file = File::named(name);
        let whole = search(scenario, None, Until::Everything, Stop::Never);

        let stop = Stop::AndResume { file: file.0.clone(), spill };
        let resumed = search(scenario, None, Until::Everything, stop);

        assert_eq!(whole.end, End::Exhausted);
        assert_eq!(resumed, whole, "{name}");
    }
}

#[test]
fn a_resumed_search_finds_as_short_a_way() {
    let file = File::named("short");
    let whole = search("scheduler-queue", Some(MUTATION), Until::Everything, Stop::Never);

    let stop = Stop::AndResume { file: file.0.clone(), spill: false };
    let resumed = search("scheduler-queue", Some(MUTATION), Until::Everything, stop);

    assert!(whole.found.iter().any(|length| length.is_some_and(|steps| steps > 0)));
    assert_eq!(resumed, whole);
}

#[test]
fn a_file_of_another_search_is_refused() {
    let file = File::of_stopped_search("other");

    assert!(try_resume("scheduler-queue", None, &file.0).is_ok());
    let other = |scenario, mutation| match try_resume(scenario, mutation, &file.0) {
        Err(ResumeError::OtherModel { what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(other("lease", None), "scenario scheduler-queue, not lease");
    assert_eq!(other("scheduler-queue", Some(MUTATION)), format!("mutation none, not {MUTATION}"));
}

#[test]
fn a_file_of_another_version_of_the_model_is_refused() {
    let file = File::of_stopped_search("version");

    let pretend = Resuming { file: &file.0, scenario: "scheduler-queue", mutation: None };
    let resumed = scenarios::with(
        "scheduler-queue",
        &Size::default(),
        Some("queue-adds-pod-in-flight"),
        pretend,
    )
    .unwrap();

    let Err(ResumeError::OtherModel { what }) = resumed else { panic!("{resumed:?}") };
    assert!(what.starts_with("version of the model "), "{what}");
}

#[test]
fn a_damaged_file_is_refused() {
    let file = File::of_stopped_search("damaged");
    let written = std::fs::read(&file.0).unwrap();
    let heading = written.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let after = |bytes: &[u8]| {
        std::fs::write(&file.0, bytes).unwrap();
        try_resume("scheduler-queue", None, &file.0)
    };

    for length in [heading, heading + 7, written.len() / 2, written.len() - 1] {
        let resumed = after(&written[..length]);
        assert!(matches!(resumed, Err(ResumeError::Damaged)), "{length}: {resumed:?}");
    }
    for place in [heading, written.len() / 3, written.len() / 2, written.len() - 1] {
        let mut flipped = written.clone();
        flipped[place] ^= 0x10;
        let resumed = after(&flipped);
        assert!(matches!(resumed, Err(ResumeError::Damaged)), "{place}: {resumed:?}");
    }
    let longer = after(&[written.as_slice(), b"x"].concat());
    assert!(matches!(longer, Err(ResumeError::Damaged)), "{longer:?}");
}

#[test]
fn a_search_of_another_size_says_which_and_a_resumed_one_what_is_new() {
    let file = File::named("sized");
    let three = Size { pods: Some(3), ..Size::default() };
    let stopping = Options {
        scenario: Some("scheduling".to_owned()),
        size: three,
        liveness: false,
        save: Some(file.0.clone()),
        limits: Limits { states_max: Some(20_000), ..Limits::NONE },
        ..Options::default()
    };
    let first = check::run(&stopping, &mut Progress::silent()).unwrap().scenarios.remove(0);
    let resuming = Options { resume: stopping.save.clone(), save: None, ..stopping };

    let second = check::run(&resuming, &mut Progress::silent()).unwrap();
    let designed = Options { size: Size::default(), ..resuming };
    let other = check::run(&designed, &mut Progress::silent()).unwrap_err().to_string();

    assert_eq!(second.scenarios[0].states_resumed, first.states);
    let text = second.to_string();
    assert!(text.contains(&format!("({} of them before)", first.states)), "{text}");
    assert_eq!(other, "the saved search has size 3 pods, not as designed");
}

#[test]
fn another_file_is_refused() {
    let file = File::named("garbage");
    for garbage in [&b""[..], b"{}\n", b"garbage\nmore", &[0xff; 100_000]] {
        std::fs::write(&file.0, garbage).unwrap();
        let resumed = try_resume("scheduler-queue", None, &file.0);
        assert!(matches!(resumed, Err(ResumeError::NotAResumeFile)), "{resumed:?}");
    }
    let missing = try_resume("scheduler-queue", None, Path::new("/nowhere/at/all"));
    assert!(matches!(missing, Err(ResumeError::File(_))), "{missing:?}");
}

/// A name in the folder of temporary files; the file goes with it.
struct File(PathBuf);

impl File {
    fn named(name: &str) -> Self {
        let name = format!("kanon-resume-{}-{name}", std::process::id());
        File(std::env::temp_dir().join(name))
    }

    fn of_stopped_search(name: &str) -> Self {
        let file = File::named(name);
        let stop = Stop::ForGood { file: file.0.clone() };
        search("scheduler-queue", None, Until::Everything, stop);
        file
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

enum Stop {
    Never,
    AndResume { file: PathBuf, spill: bool },
    ForGood { file: PathBuf },
}

#[derive(Debug, PartialEq)]
struct Ended {
    end: End,
    states: usize,
    transitions: u64,
    depth: u32,
    /// By claim: how long the run is that was found.
    found: Vec<Option<usize>>,
}

fn search(scenario: &str, mutation: Option<&str>, until: Until, stop: Stop) -> Ended {
    let searching = Searching {
        scenario: scenario.to_owned(),
        mutation: mutation.map(str::to_owned),
        until,
        stop,
    };
    scenarios::with(scenario, &Size::default(), mutation, searching).expect("the scenario exists")
}

struct Searching {
    scenario: String,
    mutation: Option<String>,
    until: Until,
    stop: Stop,
}

impl Visitor for Searching {
    type Result = Ended;

    fn visit<S: Slice>(self, model: Checked<S>) -> Ended {
        let Searching { scenario, mutation, until, stop } = self;
        let heading = Heading::of(&model, &scenario, &Size::default(), mutation.as_deref(), true);
        let how = |states_max, spill: bool| How {
            threads: 2,
            limits: Limits { until: until.clone(), states_max, ..Limits::NONE },
            spill: spill.then(std::env::temp_dir),
        };
        let again = Checked::new(model.slice.clone());
        let mut search = BreadthFirst::start(model, true);
        match stop {
            Stop::Never => {}
            Stop::AndResume { file, spill } => {
                run(&mut search, &how(Some(20_000), spill));
                save(&search, &heading, &file).expect("the folder of temporary files can be used");
                search = resume(again, &heading, &file)
                    .expect("the folder of temporary files can be used");
            }
            Stop::ForGood { file } => {
                let end = run(&mut search, &how(Some(20_000), false));
                assert_eq!(end, End::Stopped(Limit::States));
                save(&search, &heading, &file).expect("the folder of temporary files can be used");
                return ended(&search, end);
            }
        }
        let end = run(&mut search, &how(None, false));
        ended(&search, end)
    }
}

fn run<S: Slice>(search: &mut BreadthFirst<S>, how: &How) -> End {
    search.run(how, &mut Progress::silent()).expect("the folder of temporary files can be used")
}

fn ended<S: Slice>(search: &BreadthFirst<S>, end: End) -> Ended {
    let found = (0..search.model.claims.len()).map(|claim| {
        let found = search.discoveries.of(claim)?;
        Some(search.path_to(claim, *found).len())
    });
    Ended {
        end,
        states: search.states(),
        transitions: search.transitions,
        depth: search.depth,
        found: found.collect(),
    }
}

/// Tries to go on from a file; how many states were met so far.
fn try_resume(scenario: &str, mutation: Option<&str>, file: &Path) -> Result<usize, ResumeError> {
    let resuming = Resuming { file, scenario, mutation };
    scenarios::with(scenario, &Size::default(), mutation, resuming).expect("the scenario exists")
}

struct Resuming<'a> {
    file: &'a Path,
    scenario: &'a str,
    mutation: Option<&'a str>,
}

impl Visitor for Resuming<'_> {
    type Result = Result<usize, ResumeError>;

    fn visit<S: Slice>(self, model: Checked<S>) -> Self::Result {
        let size = Size::default();
        let heading = Heading::of(&model, self.scenario, &size, self.mutation, true);
        resume(model, &heading, self.file).map(|search| search.states())
    }
}
