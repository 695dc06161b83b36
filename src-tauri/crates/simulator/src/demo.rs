//! The two accounts of `switchyard demo`: quota falls with every request and comes back after a short while.

use std::io;

use crate::{
    SimAccount, Simulator,
    quota::{Quota, QuotaWindow},
    setup::{AccountSetup, Setup},
};

/// Seconds after which a demo account's quota is fresh again.
const PERIOD_S: i64 = 180;

/// A simulator with accounts to show.
#[derive(Debug)]
pub struct Demo {
    /// The running simulator.
    pub simulator: Simulator,
    /// Its accounts, the first one with less left.
    pub accounts: Vec<SimAccount>,
}

impl Simulator {
    /// Starts a simulator with two signed-in accounts whose quota falls with every request.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn demo() -> io::Result<Demo> {
        let simulator = Self::start(Setup {
            keep_requests: 0,
            ..Setup::default()
        })
        .await?;
        let accounts = [
            ("work@example.com", "plus", 70.0, 10.0),
            ("home@example.com", "pro", 20.0, 4.0),
        ];
        let accounts = accounts.map(|(email, plan, used, cost)| {
            let mut setup = AccountSetup::new(email).plan(plan);
            setup.quota = Quota {
                primary: Some(QuotaWindow {
                    period_s: PERIOD_S,
                    ..QuotaWindow::new(used, 18_000)
                }),
                secondary: Some(QuotaWindow::new(used / 2.0, 604_800)),
                percent_per_request: cost,
                enforced: true,
                ..Quota::default()
            };
            simulator.add_codex_account(setup)
        });
        Ok(Demo {
            simulator,
            accounts: accounts.to_vec(),
        })
    }
}
