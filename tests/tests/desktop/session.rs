//! A private desktop session: its own X server, D-Bus and keyring, and the folders of the application under test.
//!
//! Nothing of a surrounding session gets in: an application on a shared bus could be mistaken for another one. Everything started here is
//! ended by its own process id.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tests::{LIMIT, TestApp, binary_path};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use zbus::names::BusName;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

/// See the module.
pub struct Session {
    _display: Child,
    _bus: Child,
    keyring: Option<Child>,
    manager: Option<Child>,
    display: String,
    address: String,
    /// HOME and XDG_RUNTIME_DIR of the application, which its keyring shares.
    person: PathBuf,
}

impl Session {
    /// For this application.
    pub async fn start(app: &TestApp) -> Self {
        let person = app.evidence().folder().join("person");
        let mut display = spawn(
            Command::new("Xvfb").args("-displayfd 1 -screen 0 800x600x24 -nolisten tcp".split(' ')),
            "Xvfb",
            "xvfb",
        );
        let mut bus = spawn(
            Command::new("dbus-daemon")
                .arg(format!("--config-file={}", bus_configuration(&person)))
                .args(["--nofork", "--print-address"]),
            "dbus-daemon",
            "dbus",
        );
        let (number, address) = (first_line(&mut display).await, first_line(&mut bus).await);
        Self {
            _display: display,
            _bus: bus,
            keyring: None,
            manager: None,
            display: format!(":{number}"),
            address,
            person,
        }
    }

    /// With an unlocked keyring: a Secret Service as a person's session has it.
    pub async fn unlock_keyring(&mut self) {
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .env("HOME", &self.person)
            .env("XDG_DATA_HOME", self.person.join("data"));
        self.surround(&mut command);
        let mut keyring = spawn(&mut command, "gnome-keyring-daemon", "gnome-keyring");
        let mut stdin = keyring.stdin.take().expect("its standard input");
        stdin.write_all(b"test").await.expect("it reads a password");
        drop(stdin);
        self.keyring = Some(keyring);
        let bus = self.connect().await;
        let names = zbus::fdo::DBusProxy::new(&bus).await.expect("the bus");
        let name = BusName::try_from("org.freedesktop.secrets").expect("a name");
        eventually("gnome-keyring takes its name on the bus", async || {
            names
                .name_has_owner(name.clone())
                .await
                .expect("the bus answers")
                .then_some(())
        })
        .await;
    }

    /// With somebody who closes windows when they are asked to.
    pub fn start_window_manager(&mut self) {
        let mut command = Command::new("openbox");
        command.env("HOME", &self.person);
        self.surround(&mut command);
        self.manager = Some(spawn(&mut command, "openbox", "openbox"));
    }

    /// The id of the visible window with this title.
    pub async fn window(&self, title: &str) -> Option<String> {
        let title = format!("^{title}$");
        let found = self.x(&["search", "--onlyvisible", "--name", &title]).await;
        found?.lines().next().map(str::to_owned)
    }

    /// Asks the window with this title to close, as its button does, until it has.
    pub async fn close_window(&self, title: &str) {
        let mut asked = false;
        eventually("the window closes", async || {
            let Some(id) = self.window(title).await else {
                // While the window manager takes a new window over, there is none for a moment.
                return asked.then_some(());
            };
            // The key means the window that has the focus.
            let keys = ["windowactivate", "--sync", &id, "key", "alt+F4"];
            asked |= self.x(&keys).await.is_some();
            None
        })
        .await;
    }

    async fn x(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("xdotool");
        command.args(arguments);
        self.surround(&mut command);
        let tool = spawn(&mut command, "xdotool", "xdotool");
        let output = timeout(LIMIT, tool.wait_with_output()).await;
        let output = output.expect("xdotool ends").expect("its output");
        let said = String::from_utf8(output.stdout).expect("text");
        output.status.success().then_some(said)
    }

    /// Everything the Secret Service keeps, one item after the other.
    pub async fn secrets(&self) -> Vec<String> {
        type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);
        const NAME: &str = "org.freedesktop.secrets";
        const SERVICE: &str = "org.freedesktop.Secret.Service";
        let bus = self.connect().await;
        let service = Proxy::new(&bus, NAME, "/org/freedesktop/secrets", SERVICE).await;
        let service = service.expect("the Secret Service");
        let (_, session): (OwnedValue, OwnedObjectPath) = service
            .call("OpenSession", &("plain", Value::from("")))
            .await
            .expect("a session of the Secret Service");
        let (items, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = service
            .call("SearchItems", &(HashMap::<&str, &str>::new(),))
            .await
            .expect("its items");
        let secrets: HashMap<OwnedObjectPath, Secret> = service
            .call("GetSecrets", &(items, session))
            .await
            .expect("its secrets");
        let texts = secrets.into_values().map(|(_, _, value, _)| value);
        texts
            .map(|value| String::from_utf8_lossy(&value).into_owned())
            .collect()
    }

    /// A connection to its bus.
    pub async fn connect(&self) -> Connection {
        zbus::connection::Builder::address(self.address.as_str())
            .expect("an address")
            .build()
            .await
            .expect("the private bus answers")
    }

    /// A builder of a connection to its bus.
    pub fn connecting(&self) -> zbus::connection::Builder<'static> {
        zbus::connection::Builder::address(self.address.clone().as_str()).expect("an address")
    }

    /// Display and bus for a program.
    pub fn surround(&self, command: &mut Command) {
        command
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.address)
            .env("XDG_RUNTIME_DIR", &self.person)
            .env("NO_AT_BRIDGE", "1")
            .env("GTK_A11Y", "none")
            .env("LANG", "C.UTF-8")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("XAUTHORITY");
    }

    /// The desktop application in this session, over the home of `app`. With a keyring it is the vault, else the encrypted file is.
    pub fn desktop(&self, app: &TestApp, arguments: &[&str]) -> Command {
        self.inside(app, &desktop_path(), arguments)
    }

    /// The command line in this session.
    pub fn command_line(&self, app: &TestApp, arguments: &[&str]) -> Command {
        self.inside(app, &binary_path(), arguments)
    }

    /// Another program in the surroundings of the application.
    pub fn program(&self, app: &TestApp, program: &Path, arguments: &[&str]) -> Command {
        self.inside(app, program, arguments)
    }

    fn inside(&self, app: &TestApp, program: &Path, arguments: &[&str]) -> Command {
        let like = app.command(&[]);
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.person);
        for (name, value) in like.as_std().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.surround(&mut command);
        if self.keyring.is_some() {
            command
                .env("SWITCHYARD_VAULT", "keychain")
                .env_remove("SWITCHYARD_PASSPHRASE");
        }
        command
            .env("SWITCHYARD_SERVER_PORT", "0")
            .kill_on_drop(true);
        command
    }

    /// What the clipboard holds.
    pub async fn clipboard(&self) -> Option<String> {
        let mut command = Command::new("xclip");
        command.args(["-selection", "clipboard", "-o"]);
        self.surround(&mut command);
        let tool = spawn(&mut command, "xclip", "xclip");
        let output = timeout(LIMIT, tool.wait_with_output())
            .await
            .expect("xclip ends")
            .expect("its output");
        let text = String::from_utf8(output.stdout).expect("text");
        (output.status.success() && !text.is_empty()).then_some(text)
    }
}

/// The built application: `SWITCHYARD_DESKTOP_BIN`, else beside the command line.
pub fn desktop_path() -> PathBuf {
    let beside = || {
        binary_path().with_file_name(format!(
            "switchyard-desktop{}",
            std::env::consts::EXE_SUFFIX
        ))
    };
    let path = std::env::var_os("SWITCHYARD_DESKTOP_BIN").map_or_else(beside, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build -p switchyard-desktop`",
        path.display()
    );
    path
}

/// Looks again and again until there is something, within the time limit.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    timeout(LIMIT, looking)
        .await
        .unwrap_or_else(|_| panic!("in {LIMIT:?} it did not come to this: {what}"))
}

fn spawn(command: &mut Command, program: &str, package: &str) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program} cannot be started ({error}): install the Debian package {package}")
        })
}

async fn first_line(child: &mut Child) -> String {
    let lines = BufReader::new(child.stdout.take().expect("its standard output"));
    timeout(LIMIT, lines.lines().next_line())
        .await
        .expect("a line in time")
        .expect("its standard output")
        .expect("a line")
}

/// A bus that starts nothing by itself: the machine's own services would come up as soon as somebody asks for their name.
fn bus_configuration(folder: &Path) -> String {
    let path = folder.join("bus.conf");
    let text = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;
    std::fs::write(&path, text).expect("the bus configuration is written");
    path.display().to_string()
}
