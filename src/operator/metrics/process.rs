//! The resources that this process uses, under the names that all Prometheus clients give them. They are read from /proc, and left
//! out where there is none.

use std::fs;

/// The kernel's unit of processor time for programs, USER_HZ, is 100 a second wherever this is built for.
const TICKS_A_SECOND: f64 = 100.0;

/// The resources that this process uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Processor time, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Resident memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Virtual memory, in bytes.
    pub virtual_bytes: Option<u64>,
    /// When it started, in seconds since 1970.
    pub start_seconds: Option<f64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// How many it may open.
    pub max_fds: Option<u64>,
}

impl Process {
    /// What is so now.
    pub fn read() -> Self {
        let file = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let fds = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        let open_fds = fds.and_then(|count| u64::try_from(count).ok());
        // Reading the folder takes one.
        let open_fds = open_fds.map(|count| count.saturating_sub(1));
        Self { open_fds, ..Self::parse(&file("self/stat"), &file("self/status"), &file("self/limits"), &file("stat")) }
    }

    fn parse(stat: &str, status: &str, limits: &str, system: &str) -> Self {
        // The name of the program, in parentheses, may have any character.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // proc(5) counts from the process id on, which is 1; the state, behind the name, is 3.
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let cpu_seconds = ticks(14).zip(ticks(15)).map(|(user, system)| (user + system) / TICKS_A_SECOND);
        let booted = line(system, "btime").and_then(|rest| rest.trim().parse::<f64>().ok());
        let start_seconds = ticks(22).zip(booted).map(|(ticks, booted)| booted + ticks / TICKS_A_SECOND);
        let kilobytes = |name: &str| line(status, name)?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok();
        Self {
            cpu_seconds,
            resident_bytes: kilobytes("VmRSS:").map(|kilobytes| kilobytes * 1024),
            virtual_bytes: kilobytes("VmSize:").map(|kilobytes| kilobytes * 1024),
            start_seconds,
            open_fds: None,
            max_fds: line(limits, "Max open files").and_then(|rest| rest.split_whitespace().next()?.parse().ok()),
        }
    }
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (vnet) run) S 1 42 42 0 -1 4194304 900 0 0 0 250 50 0 0 20 0 5 0 1000 99999 77 1844 1 1 0";

    #[test]
    fn the_files_of_the_kernel_are_read_by_their_fields() {
        let status = "Name:\tvnet\nVmSize:\t   2048 kB\nVmRSS:\t     12 kB\n";
        let limits =
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096      files\n";
        let process = Process::parse(STAT, status, limits, "cpu 1 2\nbtime 1700000000\n");
        let expected = Process {
            cpu_seconds: Some(3.0),
            resident_bytes: Some(12_288),
            virtual_bytes: Some(2_097_152),
            start_seconds: Some(1_700_000_010.0),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(process, expected);
    }

    #[test]
    fn what_the_kernel_does_not_show_is_left_out() {
        assert_eq!(Process::parse("", "", "Max open files unlimited", ""), Process::default());
    }
}
