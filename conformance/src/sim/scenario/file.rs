//! A scenario as text: blocks of a command, `----` and its output, with comments before them.

use api::FeatureGates;

use crate::sim::scenario::Failure;
use crate::sim::scenario::command::Command;

const DIVIDER: &str = "----";

/// What the cluster is like before anything happens.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) seed: Option<u64>,
    /// How many controller managers stand for election; 0 where the only one need not.
    pub(super) controller_managers: usize,
    pub(super) feature_gates: FeatureGates,
}

/// A file that can be played.
pub(super) struct Scenario {
    pub(super) settings: Settings,
    pub(super) blocks: Vec<Block>,
    /// What follows the last block.
    rest: Vec<String>,
}

/// A command.
pub(super) struct Block {
    /// The line of the command, counted from 1.
    pub(super) line: usize,
    pub(super) command: Command,
    /// The lines below the command.
    pub(super) body: String,
    /// Comments, empty lines, the command and its lines, as they stand in the file.
    before: Vec<String>,
}

impl Scenario {
    /// Reads a file. Its outputs are not kept: playing it makes them.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let mut scenario = Self { settings: Settings::default(), blocks: vec![], rest: vec![] };
        let mut before = vec![];
        while let Some((number, line)) = lines.next() {
            before.push(line.to_owned());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let body: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != DIVIDER).collect();
            before.extend(body.iter().map(|line| (*line).to_owned()));
            lines.by_ref().map(|(_, line)| line).take_while(|line| !line.is_empty()).for_each(drop);
            let read = Block::new(number, line, (body.join("\n"), std::mem::take(&mut before)));
            scenario.push(read?)?;
        }
        scenario.rest = before;
        scenario.divided(text)
    }

    fn push(&mut self, block: Block) -> Result<(), Failure> {
        if block.command.is_setting() && self.blocks.iter().any(|one| !one.command.is_setting()) {
            let why = "this stands before everything that happens".to_owned();
            return Err(Failure::Command { line: block.line, why });
        }
        if let Command::Seed(seed) = block.command {
            self.settings.seed = Some(seed);
        } else if let Command::ControllerManagers(count) = block.command {
            self.settings.controller_managers = count;
        } else if let Command::FeatureGates(gates) = &block.command {
            self.settings.feature_gates = gates.clone();
        }
        self.blocks.push(block);
        Ok(())
    }

    /// Only the last block can be without its divider: it takes all lines there are.
    fn divided(self, text: &str) -> Result<Self, Failure> {
        let dividers = text.lines().filter(|line| *line == DIVIDER).count();
        match self.blocks.last() {
            Some(last) if dividers < self.blocks.len() => Err(Failure::Command {
                line: last.line,
                why: "no line ---- follows the command".to_owned(),
            }),
            Some(_) | None => Ok(self),
        }
    }

    /// The file with these outputs, one for each block.
    pub(super) fn with_outputs(&self, outputs: &[String]) -> String {
        let mut lines: Vec<&str> = vec![];
        for (block, output) in self.blocks.iter().zip(outputs) {
            if !lines.is_empty() {
                lines.push("");
            }
            lines.extend(block.before.iter().map(String::as_str));
            lines.push(DIVIDER);
            lines.extend(output.lines());
        }
        if !self.rest.is_empty() {
            lines.push("");
        }
        lines.extend(self.rest.iter().map(String::as_str));
        lines.join("\n") + "\n"
    }
}

impl Block {
    fn new(
        line: usize,
        command: &str,
        (body, before): (String, Vec<String>),
    ) -> Result<Self, Failure> {
        let command =
            Command::parse(command, &body).map_err(|why| Failure::Command { line, why })?;
        Ok(Self { line, command, body, before })
    }
}
