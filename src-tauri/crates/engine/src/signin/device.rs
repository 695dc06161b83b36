//! Waiting until a device code is typed: when to ask, and when to stop. Asking is the caller's.

use std::time::Duration;

use upstream::AccessError;
use upstream::oauth::device::{DeviceGrant, DeviceProgress};

/// How much longer the wait becomes when the issuer asks for it, or cannot be reached (RFC 8628 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// Longest wait between two questions.
const SLOWEST: Duration = Duration::from_secs(60);

/// Answer to one question.
#[derive(Debug)]
pub(super) enum Progress<G> {
    Pending,
    SlowDown,
    Typed(G),
}

impl From<DeviceProgress> for Progress<DeviceGrant> {
    fn from(progress: DeviceProgress) -> Self {
        match progress {
            DeviceProgress::Pending => Self::Pending,
            DeviceProgress::SlowDown => Self::SlowDown,
            DeviceProgress::Authorized(grant) => Self::Typed(grant),
        }
    }
}

/// How the waiting ended.
#[derive(Debug)]
pub(super) enum Waited<G> {
    Typed(G),
    Expired,
    Refused(AccessError),
}

/// Asks every `interval`, at most for `lifetime`. A failure that may pass is waited out.
pub(super) async fn wait<G, F>(
    mut interval: Duration,
    lifetime: Duration,
    mut poll: impl FnMut() -> F,
) -> Waited<G>
where
    F: Future<Output = Result<Progress<G>, AccessError>>,
{
    let asking = async {
        loop {
            tokio::time::sleep(interval).await;
            match poll().await {
                Ok(Progress::Pending) => {}
                Ok(Progress::SlowDown) => interval = SLOWEST.min(interval + SLOWER),
                Ok(Progress::Typed(grant)) => return Waited::Typed(grant),
                Err(error) if error.is_transient() => interval = SLOWEST.min(interval + SLOWER),
                Err(error) => return Waited::Refused(error),
            }
        }
    };
    tokio::time::timeout(lifetime, asking)
        .await
        .unwrap_or(Waited::Expired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use upstream::RefreshError;

    const LIFETIME: Duration = Duration::from_secs(900);

    /// F3: at the server's interval, slower when it asks for it, until the code is typed, refused or too old. Seconds at which it asked.
    #[tokio::test(start_paused = true)]
    async fn f3_a_device_code_is_asked_for_at_the_servers_interval() {
        let refused = |banned| {
            AccessError::Refresh(RefreshError::Refused {
                code: "expired_token".into(),
                confirmed: true,
                banned,
            })
        };
        let away = || {
            AccessError::Refresh(RefreshError::Unavailable {
                reason: "down".into(),
                retry_at: None,
            })
        };
        type Script = Vec<Result<Progress<u8>, AccessError>>;
        let cases: [(Script, &[u64], &str); 5] = [
            (vec![Ok(Progress::Typed(1))], &[5], "typed"),
            (
                vec![
                    Ok(Progress::Pending),
                    Ok(Progress::Pending),
                    Ok(Progress::Typed(1)),
                ],
                &[5, 10, 15],
                "typed",
            ),
            (
                vec![
                    Ok(Progress::SlowDown),
                    Ok(Progress::Pending),
                    Ok(Progress::Typed(1)),
                ],
                &[5, 15, 25],
                "typed",
            ),
            (vec![Err(away()), Ok(Progress::Typed(1))], &[5, 15], "typed"),
            (
                vec![Ok(Progress::Pending), Err(refused(false))],
                &[5, 10],
                "refused",
            ),
        ];
        for (script, asked_at, expected) in cases {
            let began = tokio::time::Instant::now();
            let mut script = script.into_iter();
            let mut asked = Vec::new();
            let waited = wait(Duration::from_secs(5), LIFETIME, || {
                asked.push(began.elapsed().as_secs());
                std::future::ready(script.next().unwrap())
            })
            .await;
            let found = match waited {
                Waited::Typed(_) => "typed",
                Waited::Expired => "expired",
                Waited::Refused(_) => "refused",
            };
            assert_eq!((asked.as_slice(), found), (asked_at, expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn f3_a_device_code_that_nobody_types_expires() {
        let began = tokio::time::Instant::now();
        let mut asked = 0;
        let lifetime = Duration::from_secs(898);
        let waited = wait::<(), _>(Duration::from_secs(5), lifetime, || {
            asked += 1;
            std::future::ready(Ok(Progress::Pending))
        })
        .await;
        assert!(matches!(waited, Waited::Expired));
        assert_eq!((began.elapsed(), asked), (lifetime, 179));
    }
}
