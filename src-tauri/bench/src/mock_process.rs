//! The mock upstream from the bench's side: starting it, and telling it how to answer.
//!
//! What it does is in `mock`. Used by `main` and `rows`.

use crate::mock::Mode;
use crate::wire::Connection;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::process::{Command, Stdio};

/// The mock upstream in its own process, on this process's CPU.
pub struct Mock {
    /// Where it listens.
    pub port: u16,
    child: std::process::Child,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mock {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not tell its port.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command
            .arg("mock")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the mock does not start")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.as_mut() {
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        }
        let port = line.trim().parse();
        let mock = Self {
            port: port.unwrap_or(0),
            child,
        };
        anyhow::ensure!(mock.port > 0, "the mock told no port");
        Ok(mock)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sets how it answers from now on.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn answer(&self, mode: Mode) -> Result<()> {
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: mock\r\ncontent-length: 0\r\n\r\n",
            mode.path()
        );
        let answer = Connection::open(self.port)
            .await?
            .ask(&[Bytes::from(request)], |_| {})
            .await?;
        anyhow::ensure!(answer.status == 200, "the mock refuses {mode:?}");
        Ok(())
    }
}
