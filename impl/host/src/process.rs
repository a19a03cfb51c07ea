//! What the operating system knows of this process, as metrics. Source: Linux, proc(5).

use std::fmt::Write;

/// Clock ticks in a second, as Linux shows them to programs on every architecture that Rust is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes the metrics; nothing where there is no `/proc`.
pub(crate) fn write(text: &mut String) -> std::fmt::Result {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).ok();
    if let Some(stat) = read("stat") {
        let cpu = cpu_seconds(&stat).unwrap_or_default();
        writeln!(text, "# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total {cpu}")?;
    }
    if let Some(bytes) = read("status").and_then(|status| resident_bytes(&status)) {
        gauge(text, "process_resident_memory_bytes", bytes)?;
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge(text, "process_open_fds", open.count() as u64)?;
    }
    Ok(())
}

fn gauge(text: &mut String, name: &str, value: u64) -> std::fmt::Result {
    writeln!(text, "# TYPE {name} gauge\n{name} {value}")
}

/// User and system time, fields 14 and 15. The name before them may hold anything, in parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u32>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";

        assert_eq!(cpu_seconds(stat), Some(2.0));
    }

    #[test]
    fn memory_is_counted_in_bytes() {
        assert_eq!(resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
    }
}
