use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::env::Env;

fn instance(control: PathBuf) -> Instance {
    Instance {
        pid: std::process::id(),
        url: "http://127.0.0.1:8787".into(),
        version: "0.1.0".into(),
        control,
    }
}

#[test]
#[cfg(unix)]
fn f123_the_home_is_found_in_order() {
    let apps = if cfg!(target_os = "macos") {
        "/u/Library/Application Support/switchyard"
    } else {
        "/u/.local/share/switchyard"
    };
    for (flag, env, expected) in [
        (
            Some("/flag"),
            vec![("SWITCHYARD_HOME", "/env"), ("HOME", "/u")],
            "/flag",
        ),
        (
            None,
            vec![("SWITCHYARD_HOME", "/env"), ("HOME", "/u")],
            "/env",
        ),
        (None, vec![("SWITCHYARD_HOME", ""), ("HOME", "/u")], apps),
        (None, vec![("HOME", "/u")], apps),
        (
            None,
            vec![("HOME", "/u"), ("XDG_DATA_HOME", "relative")],
            apps,
        ),
    ] {
        let env = Env::from_pairs(env);
        assert_eq!(
            Home::locate(flag.map(Path::new), &env).unwrap().root(),
            Path::new(expected)
        );
    }
    assert!(matches!(
        Home::locate(None, &Env::default()),
        Err(HomeError::NoFolder)
    ));
}

#[test]
#[cfg(target_os = "linux")]
fn f123_the_xdg_folder_counts_on_linux() {
    let env = Env::from_pairs([("HOME", "/u"), ("XDG_DATA_HOME", "/x")]);
    assert_eq!(
        Home::locate(None, &env).unwrap().root(),
        Path::new("/x/switchyard")
    );
}

#[test]
fn a_relative_home_is_made_absolute() {
    let home = Home::at(Path::new("some/where")).unwrap();
    assert!(home.root().is_absolute() && home.root().ends_with("some/where"));
}

#[test]
#[cfg(unix)]
fn f123_folder_0700_files_0600() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(&dir.path().join("deep/er/home")).unwrap();
    let lock = home.lock().unwrap();
    lock.publish(&instance(home.control_socket(&Env::default())))
        .unwrap();
    assert_eq!(mode(home.root()), 0o700);
    assert_eq!(mode(&home.lock_file()), 0o600);
    assert_eq!(mode(&home.discovery_file()), 0o600);

    // One of ours that has become readable is made private again …
    fs::set_permissions(home.root(), fs::Permissions::from_mode(0o755)).unwrap();
    home.create().unwrap();
    assert_eq!(mode(home.root()), 0o700);

    // … somebody else's folder is left as it is, and refused …
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "dear").unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        Home::at(&foreign).unwrap().lock(),
        Err(HomeError::TooOpen { .. })
    ));
    assert_eq!(mode(&foreign), 0o755);

    // … and a file is no home.
    assert!(matches!(
        Home::at(&foreign.join("letter.txt")).unwrap().lock(),
        Err(HomeError::Io { .. })
    ));
}

#[test]
fn f128_one_writer_and_its_pid_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(&dir.path().join("h")).unwrap();
    let held = home.lock().unwrap();
    let error = home.lock().unwrap_err();
    assert!(
        error.to_string().contains("in use by another instance"),
        "{error}"
    );
    if cfg!(unix) {
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
    }
    drop(held);
    home.lock().unwrap();
}

#[test]
fn f128_entering_finds_the_running_instance() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(&dir.path().join("h")).unwrap();
    let me = instance(home.control_socket(&Env::default()));
    let Entry::Locked(lock) = home.enter(Duration::ZERO).unwrap() else {
        panic!("nobody holds it")
    };

    // Held, but not (yet) serving.
    assert!(matches!(
        home.enter(Duration::ZERO),
        Err(HomeError::InUse { .. })
    ));
    lock.publish(&me).unwrap();
    let Entry::Running(found) = home.enter(Duration::ZERO).unwrap() else {
        panic!("it is held")
    };
    assert_eq!(found, me);

    // A clean stop withdraws the discovery file.
    drop(lock);
    assert!(!home.discovery_file().exists());
}

#[test]
fn f128_a_killed_instance_leaves_nothing_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(&dir.path().join("h")).unwrap();
    home.create().unwrap();
    // What a kill -9 leaves: the files, without the lock.
    fs::write(home.lock_file(), "4711\n").unwrap();
    fs::write(
        home.discovery_file(),
        serde_json::to_vec(&instance(PathBuf::from("x"))).unwrap(),
    )
    .unwrap();
    fs::write(home.root().join(".settings.toml.unfinished-4711-0"), "[ser").unwrap();
    let Entry::Locked(lock) = home.enter(Duration::ZERO).unwrap() else {
        panic!("the holder is dead")
    };
    let mut left: Vec<_> = fs::read_dir(home.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["lock"]);
    assert!(home.discovered().is_none());
    drop(lock);
}

#[test]
fn a_newer_discovery_file_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path()).unwrap();
    fs::write(
        home.discovery_file(),
        r#"{"pid":1,"url":"http://127.0.0.1:1","version":"9","control":"c","later":{}}"#,
    )
    .unwrap();
    assert_eq!(home.discovered().unwrap().pid, 1);
    fs::write(home.discovery_file(), r#"{"pid":"#).unwrap();
    assert!(home.discovered().is_none());
}

#[test]
#[cfg(unix)]
fn a_long_home_gets_a_short_private_socket() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let env = Env::from_pairs([("XDG_RUNTIME_DIR", dir.path().to_str().unwrap())]);
    let short = Home::at(Path::new("/h")).unwrap();
    assert_eq!(short.control_socket(&env), Path::new("/h/control.sock"));

    let long = Home::at(&dir.path().join("x".repeat(120))).unwrap();
    let lock = long.lock().unwrap();
    let socket = long.control_socket(&env);
    assert!(socket.as_os_str().len() <= 103, "{}", socket.display());
    fs::create_dir(socket.parent().unwrap()).unwrap();
    fs::write(&socket, "dead").unwrap();
    lock.home().prepare_control_socket(&socket).unwrap();
    assert!(!socket.exists());
    assert_eq!(
        fs::metadata(socket.parent().unwrap())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
    assert_ne!(short.tag(), long.tag());
}

#[test]
fn f123_a_write_is_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    write_atomic(&path, b"one", PRIVATE).unwrap();
    write_atomic(&path, b"two", PRIVATE).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    // A target that cannot be replaced: the old one stays and nothing is left beside it.
    let folder = dir.path().join("folder");
    fs::create_dir_all(folder.join("inner")).unwrap();
    write_atomic(&folder, b"no", PRIVATE).unwrap_err();
    assert!(folder.join("inner").is_dir());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
