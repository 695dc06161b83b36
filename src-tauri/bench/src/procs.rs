//! Processes under measurement: started on a given CPU, read through /proc, ended by their id.
//!
//! Linux only: elsewhere every reading is an error that says so. No unsafe code: pinning goes through `taskset`.

use anyhow::{Context as _, Result, anyhow, bail};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Where this host keeps the readings.
const PROC: &str = "/proc";

/// A thread that sits on one CPU and starts processes there: they inherit its place at no cost to their start.
pub struct Nursery {
    orders: mpsc::Sender<(Command, mpsc::Sender<std::io::Result<Child>>)>,
    /// Whether the CPU could be taken.
    pub pinned: bool,
}

impl Nursery {
    /// Starts the thread on `cpu`; without one, or without `taskset`, processes run anywhere.
    ///
    /// # Errors
    /// When the thread cannot start.
    pub fn on(cpu: Option<usize>) -> Result<Self> {
        let (orders, inbox) = mpsc::channel::<(Command, mpsc::Sender<std::io::Result<Child>>)>();
        let (ready, told) = mpsc::channel();
        std::thread::Builder::new()
            .name("nursery".into())
            .spawn(move || {
                let _ = ready.send(cpu.is_some_and(pin_this_thread));
                for (mut command, reply) in inbox {
                    let _ = reply.send(command.spawn());
                }
            })?;
        let pinned = told.recv().context("the starting thread ended")?;
        Ok(Self { orders, pinned })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self, mut command: Command) -> Result<Process> {
        let (reply, answer) = mpsc::channel();
        command.stdin(Stdio::null());
        let name = command.get_program().to_string_lossy().into_owned();
        self.orders
            .send((command, reply))
            .map_err(|_| anyhow!("the starting thread ended"))?;
        let child = answer
            .recv()?
            .with_context(|| format!("{name} does not start"))?;
        Ok(Process { child })
    }
}

fn pin_this_thread(cpu: usize) -> bool {
    let thread = std::fs::read_link(format!("{PROC}/thread-self"));
    let thread = thread.ok().and_then(|path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    });
    thread.is_some_and(|id| taskset(&id, cpu))
}

/// Puts this process on `cpu`; everything it starts later follows.
pub fn pin_self(cpu: usize) -> bool {
    taskset(&std::process::id().to_string(), cpu)
}

fn taskset(id: &str, cpu: usize) -> bool {
    let mut command = Command::new("taskset");
    command
        .args(["-p", "-c", &cpu.to_string(), id])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A started process; it ends with this value.
pub struct Process {
    child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        let others: Vec<String> = self
            .tree()
            .into_iter()
            .filter(|id| *id != self.child.id())
            .map(|id| id.to_string())
            .collect();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !others.is_empty() {
            let _ = Command::new("kill")
                .arg("-KILL")
                .args(others)
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Process {
    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// It and everything it started.
    fn tree(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            next += 1;
            for thread in threads(id) {
                let children =
                    std::fs::read_to_string(format!("{PROC}/{id}/task/{thread}/children"))
                        .unwrap_or_default();
                all.extend(
                    children
                        .split_whitespace()
                        .filter_map(|word| word.parse::<u32>().ok()),
                );
            }
        }
        all
    }

    /// CPU time used so far.
    ///
    /// # Errors
    /// When it cannot be read here.
    pub fn cpu(&self) -> Result<Cpu> {
        let mut cpu = Cpu::default();
        for id in self.tree() {
            for thread in threads(id) {
                let Ok(text) =
                    std::fs::read_to_string(format!("{PROC}/{id}/task/{thread}/schedstat"))
                else {
                    continue;
                };
                let nanos = text
                    .split_whitespace()
                    .next()
                    .and_then(|word| word.parse().ok())
                    .unwrap_or(0);
                cpu.threads.insert((id, thread), nanos);
            }
            let Ok(stat) = std::fs::read_to_string(format!("{PROC}/{id}/stat")) else {
                continue;
            };
            cpu.ticks += ticks(&stat, false);
        }
        if cpu.threads.is_empty() {
            bail!(
                "CPU time of another process is read from /proc/PID/task/*/schedstat: Linux only, and the process must still run"
            );
        }
        Ok(cpu)
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it cannot be read here.
    pub fn resident(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// Highest resident memory in bytes since [`Process::forget_peak`].
    ///
    /// # Errors
    /// When it cannot be read here.
    pub fn peak(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    /// Starts the peak afresh.
    pub fn forget_peak(&self) {
        for id in self.tree() {
            let _ = std::fs::write(format!("{PROC}/{id}/clear_refs"), "5");
        }
    }

    fn memory(&self, field: &str) -> Result<u64> {
        let mut kib = 0;
        for id in self.tree() {
            let path = PathBuf::from(format!("{PROC}/{id}/status"));
            let text = std::fs::read_to_string(&path)
                .context("memory of another process is read from /proc/PID/status: Linux only")?;
            let line = text.lines().find_map(|line| line.strip_prefix(field));
            kib += line
                .and_then(|rest| rest.split_whitespace().next())
                .and_then(|word| word.parse::<u64>().ok())
                .unwrap_or(0);
        }
        Ok(kib * 1024)
    }
}

/// CPU time in hundredths of a second from the text of `/proc/PID/stat`, on demand with that of children that have ended.
fn ticks(stat: &str, with_children: bool) -> u64 {
    // Fields are counted after the name, which may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let count = if with_children { 4 } else { 2 };
    let times = fields.split_whitespace().skip(11).take(count);
    times.filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// A reading of what the whole host has worked, and how much of it this process, the processes it started, and `child` have.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    all: u64,
    busy: u64,
    own: u64,
}

impl Host {
    /// Reads it; `None` where it cannot be read. Of living children only `child` is counted, so nothing else should run.
    pub fn read(child: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("{PROC}/stat")).ok()?;
        let words = stat.lines().next()?.split_whitespace().skip(1);
        let times: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        // user, nice, system, idle, waiting for disks, interrupts (two kinds), taken by other machines of the same host.
        let &[user, nice, system, idle, waits, hard, soft, stolen, ..] = &*times else {
            return None;
        };
        let busy = user + nice + system + stolen;
        let of = |process: &str| std::fs::read_to_string(format!("{PROC}/{process}/stat")).ok();
        Some(Self {
            all: busy + idle + waits + hard + soft,
            busy,
            own: ticks(&of("self")?, true) + ticks(&of(&child.to_string())?, false),
        })
    }

    /// Percent of all CPUs that others had since `before`.
    pub fn others_since(self, before: Self) -> f64 {
        let busy = self.busy.saturating_sub(before.busy);
        let others = busy.saturating_sub(self.own.saturating_sub(before.own));
        100.0 * others as f64 / self.all.saturating_sub(before.all).max(1) as f64
    }
}

fn threads(id: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(format!("{PROC}/{id}/task")) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
        })
        .collect()
}

/// A reading of CPU time.
#[derive(Debug, Clone, Default)]
pub struct Cpu {
    threads: HashMap<(u32, u32), u64>,
    /// Hundredths of a second, with the time of threads that have ended.
    ticks: u64,
}

impl Cpu {
    /// CPU time between two readings: exact for living threads; when ended threads used noticeably more, the coarse count.
    pub fn since(&self, before: &Cpu) -> Duration {
        let spent = |(id, nanos): (&(u32, u32), &u64)| {
            nanos.saturating_sub(before.threads.get(id).copied().unwrap_or(0))
        };
        let exact = Duration::from_nanos(self.threads.iter().map(spent).sum());
        let coarse = Duration::from_millis(10 * self.ticks.saturating_sub(before.ticks));
        if coarse > exact + Duration::from_millis(30) {
            coarse
        } else {
            exact
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_name() {
        let stat = "7 (a (odd) name) S 1 7 7 0 -1 4194560 10 20 0 0 100 20 3000 400 20 0 1 0 99 0";
        assert_eq!((ticks(stat, false), ticks(stat, true)), (120, 3_520));
        assert_eq!(ticks("", true), 0);
    }

    #[test]
    fn what_others_worked() {
        let before = Host {
            all: 1_000,
            busy: 500,
            own: 100,
        };
        let after = Host {
            all: 1_200,
            busy: 650,
            own: 200,
        };
        assert_eq!(after.others_since(before), 25.0);
    }
}
