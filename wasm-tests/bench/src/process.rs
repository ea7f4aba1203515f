//! What the kernel says of a process, and where it lets it run.

use std::fs;
use std::process::{Command, Stdio};

/// The CPU time that a process has used so far, all threads together, in nanoseconds.
///
/// A thread that ends takes its share along: Envoy's live as long as it does.
pub fn cpu_nanoseconds(pid: u32) -> Result<u64, String> {
    let tasks = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&tasks).map_err(|error| format!("{tasks}: {error}"))?;
    let schedstat = |task: fs::DirEntry| fs::read_to_string(task.path().join("schedstat")).ok();
    let first = |line: String| {
        line.split(' ')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
    };
    let times: Vec<u64> = tasks
        .flatten()
        .filter_map(schedstat)
        .filter_map(first)
        .collect();
    if times.is_empty() {
        by_ticks(pid)
    } else {
        Ok(times.iter().sum())
    }
}

/// The same where the kernel has no `schedstat`: in steps of 10 ms.
fn by_ticks(pid: u32) -> Result<u64, String> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    // The name, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<u64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(str::parse)
        .collect();
    match *ticks {
        [user, system] => Ok((user + system) * 10_000_000),
        _ => Err(format!("{path} has no times")),
    }
}

/// The memory of a process that is resident, in bytes.
pub fn resident(pid: u32) -> Result<u64, String> {
    memory(pid, "VmRSS:")
}

/// The most that was resident since the process began, or since [`forget_peak`].
pub fn peak(pid: u32) -> Result<u64, String> {
    memory(pid, "VmHWM:")
}

/// Begins the peak anew (`proc_pid_clear_refs(5)`).
pub fn forget_peak(pid: u32) -> Result<(), String> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").map_err(|error| format!("{path}: {error}"))
}

fn memory(pid: u32, field: &str) -> Result<u64, String> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes
        .map(|number| number * 1024)
        .ok_or_else(|| format!("{path} has no {field}"))
}

/// The CPUs that this process may use.
pub fn cpus() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.unwrap_or_default()
        .trim()
        .split(',')
        .filter_map(range)
        .flatten()
        .collect()
}

/// Has all threads of a process, and those that they will start, run on these CPUs only.
pub fn pin(pid: u32, cpus: &[usize]) -> Result<(), String> {
    let list: Vec<String> = cpus.iter().map(usize::to_string).collect();
    let mut command = Command::new("taskset");
    command.args([
        "--all-tasks",
        "--cpu-list",
        "--pid",
        &list.join(","),
        &pid.to_string(),
    ]);
    let status = command.stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("taskset: {status}")),
        Err(error) => Err(format!("taskset: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_in_the_cpu_time() {
        let pid = std::process::id();
        let (before, ticks) = (cpu_nanoseconds(pid).unwrap(), by_ticks(pid).unwrap());
        let begin = std::time::Instant::now();
        // However little of the machine is left for it.
        while cpu_nanoseconds(pid).unwrap() < before + 50_000_000 {
            assert!(begin.elapsed().as_secs() < 20, "no work is seen");
        }
        let used = by_ticks(pid).unwrap() - ticks;
        assert!((10_000_000..1_000_000_000).contains(&used), "{used}");
        assert!(resident(pid).unwrap() > 100_000);
        assert!(!cpus().is_empty());
    }

    #[test]
    fn a_peak_is_remembered_until_it_is_forgotten() {
        const SIZE: u64 = 64 << 20;
        let pid = std::process::id();
        drop(std::hint::black_box(vec![1_u8; SIZE as usize]));
        assert!(peak(pid).unwrap() > resident(pid).unwrap() + SIZE / 2);
        forget_peak(pid).unwrap();
        assert!(peak(pid).unwrap() < resident(pid).unwrap() + SIZE / 2);
    }
}
