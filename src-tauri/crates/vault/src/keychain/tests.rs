//! The keychain vault over pretended platforms: small items, hanging prompts, connections that die.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::Receiver;

use super::*;
use crate::contract;
use crate::split::tests::SmallItems;

/// Longer than any call here takes; a call that is meant to hang hangs until the test lets it go.
const LONG: Duration = Duration::from_secs(60);

struct Pretended {
    items: Arc<SmallItems>,
    connects: AtomicUsize,
    locked: AtomicBool,
    /// Connections answer this many calls and then fail, as after a restart of the keyring.
    calls_per_connection: usize,
    /// While set, calls wait on it before answering.
    prompt: Mutex<Option<Receiver<()>>>,
}

impl Pretended {
    fn new(limit: usize, calls_per_connection: usize) -> Arc<Self> {
        Arc::new(Self {
            items: Arc::new(SmallItems::new(limit)),
            connects: AtomicUsize::new(0),
            locked: AtomicBool::new(false),
            calls_per_connection,
            prompt: Mutex::new(None),
        })
    }
}

struct Line {
    items: Arc<SmallItems>,
    left: AtomicUsize,
    prompt: Option<Receiver<()>>,
}

// A receiver is not shareable, but one call at a time uses a line.
struct Guarded(Mutex<Line>);

impl Guarded {
    fn answer<T>(
        &self,
        work: impl FnOnce(&SmallItems) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let line = self.0.lock().unwrap();
        if let Some(prompt) = &line.prompt {
            let _ = prompt.recv();
        }
        let left = line.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(VaultError::Unavailable { why: "gone".into() });
        }
        line.left.store(left - 1, Ordering::Relaxed);
        work(&line.items)
    }
}

impl Items for Guarded {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.answer(|items| items.read(name))
    }
    fn write(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.answer(|items| items.write(name, value))
    }
    fn erase(&self, name: &str) -> Result<bool, VaultError> {
        self.answer(|items| items.erase(name))
    }
    fn limit(&self) -> Option<usize> {
        self.0.lock().unwrap().items.limit()
    }
}

impl Platform for Pretended {
    fn connect(&self) -> Result<Arc<dyn Items>, VaultError> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Guarded(Mutex::new(Line {
            items: Arc::clone(&self.items),
            left: AtomicUsize::new(self.calls_per_connection),
            prompt: self.prompt.lock().unwrap().take(),
        }))))
    }
    fn locked(&self) -> Option<bool> {
        Some(self.locked.load(Ordering::Relaxed))
    }
    fn kind(&self) -> VaultKind {
        VaultKind::WindowsCredentialManager
    }
}

#[test]
fn the_contract_holds_over_items_of_windows_size() {
    let home = tempfile::tempdir().unwrap();
    let platform = Pretended::new(2560, usize::MAX);
    let vault = KeychainVault::with_platform(home.path(), LONG, platform.clone()).unwrap();
    contract::check(&vault);
    assert!(
        platform.items.map.lock().unwrap().is_empty(),
        "nothing is left behind"
    );
    assert_eq!(platform.connects.load(Ordering::Relaxed), 1);
}

/// F23: two homes of one person share a keychain, not items; a home keeps its items when it is opened again or moved.
#[test]
fn homes_do_not_collide() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let platform = Pretended::new(2560, usize::MAX);
    let open = |home: &Path| KeychainVault::with_platform(home, LONG, platform.clone()).unwrap();
    open(one.path())
        .put("gateway-keys", &SecretString::from("one"))
        .unwrap();
    assert_eq!(contract::read(&open(two.path()), "gateway-keys"), None);
    open(two.path())
        .put("gateway-keys", &SecretString::from("two"))
        .unwrap();
    assert_eq!(
        contract::read(&open(one.path()), "gateway-keys").as_deref(),
        Some("one")
    );

    let moved = two.path().join("moved");
    std::fs::create_dir(&moved).unwrap();
    std::fs::rename(one.path().join(HOME_MARK_FILE), moved.join(HOME_MARK_FILE)).unwrap();
    assert_eq!(
        contract::read(&open(&moved), "gateway-keys").as_deref(),
        Some("one")
    );
}

#[test]
fn a_damaged_home_mark_is_refused_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(HOME_MARK_FILE);
    std::fs::write(&path, "what is this").unwrap();
    let result = KeychainVault::with_platform(home.path(), LONG, Pretended::new(2560, usize::MAX));
    assert!(matches!(result.err(), Some(VaultError::Corrupt { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what is this");
}

/// The keyring was restarted: the dead connection is replaced without anybody noticing.
#[test]
fn a_dead_connection_is_replaced_once() {
    let home = tempfile::tempdir().unwrap();
    let platform = Pretended::new(2560, 8);
    let vault = KeychainVault::with_platform(home.path(), LONG, platform.clone()).unwrap();
    for round in 0..20 {
        vault
            .put("a", &SecretString::from(format!("{round}")))
            .unwrap();
        assert_eq!(contract::read(&vault, "a"), Some(format!("{round}")));
    }
    assert!(platform.connects.load(Ordering::Relaxed) > 5);
}

/// F24: a prompt that nobody answers ends as Locked within the limit; later calls do not open a second prompt; unlocking makes all well.
#[test]
fn an_unanswered_prompt_is_locked_and_recovers() {
    let home = tempfile::tempdir().unwrap();
    let platform = Pretended::new(2560, usize::MAX);
    let short = Duration::from_millis(20);
    let mut vault = KeychainVault::with_platform(home.path(), LONG, platform.clone()).unwrap();
    vault.put("a", &SecretString::from("kept")).unwrap();

    // Locked from here on: a new connection hangs at its first call.
    let (answer, prompt) = mpsc::sync_channel(0);
    *platform.prompt.lock().unwrap() = Some(prompt);
    platform.locked.store(true, Ordering::Relaxed);
    vault.connection.lock().unwrap().items = None;
    vault.time_limit = short;
    assert!(matches!(vault.get("a"), Err(VaultError::Locked)));
    let connects = platform.connects.load(Ordering::Relaxed);
    vault.time_limit = LONG;
    for _ in 0..5 {
        let error = vault.get("a").err();
        assert!(
            error.as_ref().is_some_and(VaultError::is_locked),
            "{error:?}"
        );
    }
    assert_eq!(
        platform.connects.load(Ordering::Relaxed),
        connects,
        "no second prompt"
    );

    // Unlocked by other means while the first call still hangs.
    platform.locked.store(false, Ordering::Relaxed);
    assert_eq!(contract::read(&vault, "a").as_deref(), Some("kept"));
    drop(answer);
}

#[test]
fn messages_name_both_ways_out() {
    let text = VaultError::Unavailable {
        why: "no bus".into(),
    }
    .to_string();
    for word in [
        "no bus",
        "gnome-keyring",
        "SWITCHYARD_VAULT=file",
        "SWITCHYARD_PASSPHRASE",
    ] {
        assert!(text.contains(word), "{text}");
    }
}
