//! Keeps the CPUs from halting while latencies are measured: a loop on each that runs only when nothing else wants to.
//!
//! On a virtual machine to wake a halted CPU takes longer than anything that is measured, and how often one halts depends on what else runs. Not
//! the machine of the goal table, so only on demand. Started by `rows` as `switchyard-bench spin`; ends with its standard input.

use crate::procs::taskset;
use anyhow::{Context as _, Result, ensure};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The loops; they end with this value.
pub struct Awake(Vec<Child>);

impl Awake {
    /// Starts a loop of the lowest priority on each CPU that is measured on.
    ///
    /// # Errors
    /// When `chrt` or `taskset` is missing or refuses.
    pub fn start() -> Result<Self> {
        let mut all = Self(Vec::new());
        for cpu in [0, 1] {
            let mut command = Command::new("chrt");
            command.args(["--idle", "0"]).arg(std::env::current_exe()?);
            command.arg("spin").stdin(Stdio::piped());
            let child = command.stdout(Stdio::null()).spawn();
            let child = child.context("--awake needs chrt (Debian: util-linux)")?;
            let id = child.id().to_string();
            all.0.push(child);
            ensure!(taskset(&id, cpu), "--awake could not use CPU {cpu}");
        }
        Ok(all)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The loop itself.
pub fn spin() {
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let waiting = std::thread::Builder::new().spawn(move || {
        let mut ends = [0; 64];
        while std::io::stdin().read(&mut ends).is_ok_and(|n| n > 0) {}
        told.store(true, Ordering::Relaxed);
    });
    // Without the thread nobody would end it.
    while waiting.is_ok() && !over.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}
