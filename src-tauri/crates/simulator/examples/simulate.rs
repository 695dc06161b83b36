//! Runs the simulator until standard input closes, and prints as one JSON line where it is and which credentials it knows:
//! `cargo run -p simulator --example simulate [PORT]`.
#![expect(
    clippy::print_stdout,
    reason = "the addresses are this program's output"
)]

use serde_json::json;
use simulator::{AccountSetup, KeySetup, Setup, Simulator};
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    let simulator = Simulator::start(Setup {
        port,
        ..Setup::default()
    })
    .await?;
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com"));
    let relay = simulator.add_relay(KeySetup::new("sk-sim"));
    let addresses = json!({
        "base_url": simulator.base_url(), "codex_base_url": simulator.codex_base_url(), "relay_base_url": simulator.relay_base_url(),
        "auth_url": simulator.auth_url(), "usage_url": simulator.usage_url(), "relay_key": relay.key,
        "account": {"email": account.email, "account_id": account.account_id, "access_token": account.access_token, "refresh_token": account.refresh_token, "id_token": account.id_token},
    });
    println!("{addresses}");
    let mut ignored = Vec::new();
    tokio::io::stdin().read_to_end(&mut ignored).await?;
    Ok(())
}
