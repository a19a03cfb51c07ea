//! What the operating system knows of this process, as metrics. Source: Linux, proc(5).

use super::text::{Kind, Text};

/// Clock ticks in a second, as Linux shows them to programs on every architecture that Rust is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes the metrics; nothing where there is no `/proc`.
pub(crate) fn write(text: &mut Text) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{file}")).ok();
    if let Some(stat) = read("self/stat") {
        let help = "Processor time that was used, in seconds.";
        one(text, ("process_cpu_seconds_total", Kind::Counter, help), cpu_seconds(&stat));
        let help = "The size of virtual memory, in bytes.";
        let bytes = field(&stat, 23).map(|bytes| bytes as f64);
        one(text, ("process_virtual_memory_bytes", Kind::Gauge, help), bytes);
        let help = "When the process was started, in seconds since 1970.";
        let begun = read("stat").and_then(|system| start_seconds(&stat, &system));
        one(text, ("process_start_time_seconds", Kind::Gauge, help), begun);
    }
    let help = "Memory that is resident, in bytes.";
    let bytes = read("self/status").and_then(|status| resident_bytes(&status));
    one(text, ("process_resident_memory_bytes", Kind::Gauge, help), bytes);
    let help = "File descriptors that are open.";
    let open = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    one(text, ("process_open_fds", Kind::Gauge, help), open);
    let help = "File descriptors that may be open.";
    let most = read("self/limits").and_then(|limits| open_files_max(&limits));
    one(text, ("process_max_fds", Kind::Gauge, help), most);
}

fn one(
    text: &mut Text,
    (name, kind, help): (&str, Kind, &str),
    value: Option<impl std::fmt::Display>,
) {
    if let Some(value) = value {
        text.family(name, kind, help);
        text.sample(name, &[], value);
    }
}

/// A field of `/proc/self/stat`, counted from 1. The name before the third may hold anything, in parentheses.
fn field(stat: &str, number: usize) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(number - 3)?.parse().ok()
}

/// User and system time.
fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) as f64 / TICKS_PER_SECOND)
}

/// When the machine was started, and how long after that the process was.
fn start_seconds(stat: &str, system: &str) -> Option<f64> {
    let booted = system.lines().find_map(|line| line.strip_prefix("btime "))?;
    let booted: f64 = booted.trim().parse().ok()?;
    Some(booted + field(stat, 22)? as f64 / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files_max(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 0 0 0 0 250 4096 9";

        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(start_seconds(stat, "cpu 1\nbtime 1000\n"), Some(1002.5));
        assert_eq!(field(stat, 23), Some(4096));
    }

    #[test]
    fn memory_is_counted_in_bytes() {
        assert_eq!(resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
    }

    #[test]
    fn files_may_be_open_up_to_the_soft_limit() {
        let limits = "Max processes  1 2 processes\nMax open files  1024  4096  files\n";

        assert_eq!(open_files_max(limits), Some(1024));
        assert_eq!(open_files_max("Max open files  unlimited  unlimited  files\n"), None);
    }
}
