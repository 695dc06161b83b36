//! Removing a sign-in may end it at the provider, and never the Codex CLI's (F21, codex-backend 1.6).

use std::time::Duration;

use simulator::Quota;

use crate::stage::Stage;

const ON: (&str, &str) = ("codex.revoke_on_removal", "true");

#[tokio::test]
async fn f21_a_sign_in_is_ended_where_that_is_wanted_and_nobody_else_uses_it() {
    for (flags, codex_cli_too, ended) in [
        (&[ON][..], false, true),
        (&[][..], false, false),
        (&[ON][..], true, false),
    ] {
        let stage = Stage::set([Quota::default()], flags).await;
        let account = &stage.accounts[0];
        if codex_cli_too {
            let home = stage.folder.path().join("codex");
            std::fs::create_dir(&home).unwrap();
            std::fs::write(home.join("auth.json"), account.auth_json()).unwrap();
        }
        stage.engine.remove("a@example.com").await.unwrap();
        assert!(stage.engine.accounts().is_empty());
        // The end of the engine waits for what must not be cut.
        stage.engine.shutdown(Duration::from_secs(5)).await;
        let calls = stage.simulator.requests_to("/oauth/revoke").len();
        assert_eq!(calls, usize::from(ended), "{flags:?} {codex_cli_too}");
        assert_eq!(
            account.is_spent(&account.refresh_token),
            ended,
            "{flags:?} {codex_cli_too}"
        );
    }
}
