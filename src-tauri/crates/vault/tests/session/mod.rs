//! A private login session for tests: own folders, own D-Bus, own gnome-keyring, no display. Everything started here is ended by its own
//! process id when the session is dropped, and every wait is bounded.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// No single step takes longer on the slowest machine.
const STEP: Duration = Duration::from_secs(90);
/// Marks the lines in which a child speaks to its parent, among the test runner's own output.
const VOICE: &str = "child says: ";

/// Which services the bus knows beside those started on it. Never the machine's own: they would start by themselves.
pub enum Bus {
    /// None.
    Plain,
    /// A keyring prompter that never comes up, as on a session nobody looks at.
    HangingPrompter,
}

pub struct Session {
    folder: TempDir,
    home: PathBuf,
    bus: Option<std::process::Child>,
    keyring: Option<std::process::Child>,
    address: String,
}

impl Session {
    pub fn new(kind: Bus) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run", "switchyard", "data", "config", "cache", "services"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        private(&folder.path().join("run"));
        let services = folder.path().join("services");
        if let Bus::HangingPrompter = kind {
            let script = folder.path().join("prompter.sh");
            std::fs::write(&script, "echo $$ > \"$0.pid\"\nexec sleep 60\n").unwrap();
            std::fs::write(
                services.join("org.gnome.keyring.SystemPrompter.service"),
                format!(
                    "[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=/bin/sh {}\n",
                    script.display()
                ),
            )
            .unwrap();
        }
        let configuration = folder.path().join("bus.conf");
        std::fs::write(&configuration, bus_configuration(&services)).unwrap();
        let mut bus = start(
            Command::new("dbus-daemon")
                .arg(format!("--config-file={}", configuration.display()))
                .args(["--nofork", "--print-address"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
            "dbus-daemon",
            "dbus",
        );
        let lines = lines_of(bus.stdout.take().unwrap());
        let address = lines
            .recv_timeout(STEP)
            .expect("dbus-daemon prints its address");
        let home = folder.path().join("switchyard");
        Self {
            folder,
            home,
            bus: Some(bus),
            keyring: None,
            address,
        }
    }

    /// The Switchyard home of this session.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A gnome-keyring whose login collection is made, or unlocked, with the password "test".
    pub fn start_unlocked_keyring(&mut self) {
        self.start_keyring(
            &["--foreground", "--unlock", "--components=secrets"],
            b"test",
        );
    }

    /// A gnome-keyring that nobody unlocks: its collections are locked, or absent in a new session.
    pub fn start_keyring_as_found(&mut self) {
        self.start_keyring(&["--foreground", "--components=secrets"], b"");
    }

    fn start_keyring(&mut self, arguments: &[&str], password: &[u8]) {
        let appeared = self.name_appears("org.freedesktop.secrets");
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut keyring = start(
            self.inside(&mut command),
            "gnome-keyring-daemon",
            "gnome-keyring",
        );
        keyring.stdin.take().unwrap().write_all(password).unwrap();
        self.keyring = Some(keyring);
        appeared
            .recv_timeout(STEP)
            .expect("gnome-keyring takes its name on the bus");
    }

    pub fn stop_keyring(&mut self) {
        end(self.keyring.take());
    }

    pub fn stop_bus(&mut self) {
        end(self.bus.take());
    }

    /// What secret-tool prints, or nothing when it finds nothing.
    pub fn secret_tool(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("secret-tool");
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let tool = start(self.inside(&mut command), "secret-tool", "libsecret-tools");
        let (done, result) = mpsc::channel();
        thread::spawn(move || done.send(tool.wait_with_output()));
        let output = result
            .recv_timeout(STEP)
            .expect("secret-tool ends")
            .unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Looks through every file of the session for the text.
    pub fn assert_no_file_holds(&self, text: &str) {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    files += 1;
                    let bytes = std::fs::read(entry.path()).unwrap();
                    let found = bytes
                        .windows(text.len())
                        .any(|window| window == text.as_bytes());
                    assert!(!found, "{} holds a secret", entry.path().display());
                }
            }
        }
        assert!(
            files > 2,
            "the keyring's own file is among the {files} files looked at"
        );
    }

    /// Runs one test of this binary as a child inside the session.
    pub fn run_test_again(&self, test: &str, variables: &[(&str, &str)]) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .envs(variables.iter().copied());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = self.inside(&mut command).spawn().unwrap();
        let complaints = lines_of(process.stderr.take().unwrap());
        let lines = lines_of(process.stdout.take().unwrap());
        Child {
            input: process.stdin.take(),
            process: Some(process),
            lines,
            complaints,
        }
    }

    /// The session's environment and nothing of a surrounding one.
    fn inside<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let at = |name: &str| self.folder.path().join(name);
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "GNOME_KEYRING_CONTROL",
            "SSH_AUTH_SOCK",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", at("run"))
            .env("XDG_DATA_HOME", at("data"))
            .env("XDG_CONFIG_HOME", at("config"))
            .env("XDG_CACHE_HOME", at("cache"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// Gives word when somebody takes `name` on the bus after this call.
    fn name_appears(&self, name: &'static str) -> Receiver<()> {
        let (address, (listening, ready), (appeared, result)) =
            (self.address.clone(), mpsc::channel(), mpsc::channel());
        thread::spawn(move || {
            let bus = zbus::blocking::connection::Builder::address(address.as_str())
                .unwrap()
                .build()
                .unwrap();
            let changes = zbus::blocking::fdo::DBusProxy::new(&bus)
                .unwrap()
                .receive_name_owner_changed()
                .unwrap();
            listening.send(()).unwrap();
            for change in changes {
                let change = change.args().unwrap();
                if change.name().as_str() == name && change.new_owner().is_some() {
                    let _ = appeared.send(());
                    return;
                }
            }
        });
        ready.recv_timeout(STEP).expect("the private bus answers");
        result
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        end(self.keyring.take());
        end(self.bus.take());
        // The prompter was started by the bus; it would end by itself after a minute.
        if let Ok(id) = std::fs::read_to_string(self.folder.path().join("prompter.sh.pid")) {
            let _ = Command::new("kill").arg(id.trim()).status();
        }
    }
}

/// This test binary, run once more.
pub struct Child {
    process: Option<std::process::Child>,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: Receiver<String>,
}

impl Child {
    /// The next thing the child says.
    pub fn hear(&mut self) -> String {
        loop {
            match self.lines.recv_timeout(STEP) {
                // The test runner writes the test's name on the same line first.
                Ok(line) => {
                    if let Some((_, said)) = line.split_once(VOICE) {
                        return said.to_owned();
                    }
                }
                Err(_) => panic!("the child said nothing more: {}", self.all_output()),
            }
        }
    }

    /// Lets a child that waits go on.
    pub fn tell(&mut self) {
        self.input.as_mut().unwrap().write_all(b"go on\n").unwrap();
    }

    /// Waits for the child's end, which must be a success.
    pub fn succeed(mut self) {
        let output = self.all_output();
        let status = self.process.take().unwrap().wait().unwrap();
        assert!(status.success(), "{output}");
    }

    /// Everything up to the end of the child; killed when it does not end.
    fn all_output(&mut self) -> String {
        self.input = None;
        let mut all = String::new();
        for source in [&self.lines, &self.complaints] {
            loop {
                match source.recv_timeout(STEP) {
                    Ok(line) => all.extend([line.as_str(), "\n"]),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        all.push_str("(killed: it did not end in time)\n");
                        let _ = self.process.as_mut().unwrap().kill();
                        break;
                    }
                }
            }
        }
        all
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        end(self.process.take());
    }
}

/// In the child: one line to the parent.
pub fn tell_parent(text: &str) {
    println!("{VOICE}{text}");
}

/// In the child: until the parent says to go on.
pub fn wait_for_parent() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "go on\n");
}

fn start(command: &mut Command, program: &str, package: &str) -> std::process::Child {
    match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            panic!("{program} cannot be started ({error}): install the Debian package {package}")
        }
    }
}

fn end(process: Option<std::process::Child>) {
    if let Some(mut process) = process {
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn lines_of(source: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (line, lines) = mpsc::channel();
    thread::spawn(move || {
        for text in BufReader::new(source).lines().map_while(Result::ok) {
            if line.send(text).is_err() {
                return;
            }
        }
    });
    lines
}

fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn bus_configuration(services: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth><servicedir>{}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#,
        services.display()
    )
}
