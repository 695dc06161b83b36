//! Sleep and battery saver, told by what stands in for logind and the power profiles on the private bus.

use serde_json::Value;
use tests::TestApp;
use zbus::interface;
use zbus::object_server::InterfaceRef;

use crate::session::{Session, eventually};

const LOGIN: &str = "/org/freedesktop/login1";
const PROFILES: &str = "/org/freedesktop/UPower/PowerProfiles";

struct Login;

#[interface(name = "org.freedesktop.login1.Manager")]
impl Login {
    #[zbus(signal)]
    async fn prepare_for_sleep(
        emitter: &zbus::object_server::SignalEmitter<'_>,
        begins: bool,
    ) -> zbus::Result<()>;
}

struct Profiles(&'static str);

#[interface(name = "org.freedesktop.UPower.PowerProfiles")]
impl Profiles {
    #[zbus(property)]
    fn active_profile(&self) -> String {
        self.0.to_owned()
    }
}

async fn switch(profiles: &InterfaceRef<Profiles>, profile: &'static str) {
    let mut inside = profiles.get_mut().await;
    inside.0 = profile;
    let told = inside.active_profile_changed(profiles.signal_emitter());
    told.await.expect("the bus takes it");
}

/// Whether the application says that the machine saves its battery.
async fn saving(session: &Session, app: &TestApp) -> bool {
    let asked = session.command_line(app, &["--json", "status"]);
    let output = { asked }.output().await.expect("the command line");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    status["saving_power"].as_bool().expect("yes or no")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f68_f122_the_machine_tells_of_its_sleep_and_of_its_battery_saver() {
    let mut app = TestApp::new("desktop-power").prepare().await;
    let session = Session::start(&app).await;
    let machine = session
        .connecting()
        .serve_at(LOGIN, Login)
        .and_then(|bus| bus.serve_at(PROFILES, Profiles("power-saver")))
        .and_then(|bus| bus.name("org.freedesktop.login1"))
        .and_then(|bus| bus.name("org.freedesktop.UPower.PowerProfiles"))
        .expect("names")
        .build()
        .await
        .expect("the private bus answers");
    let login: InterfaceRef<Login> = machine.object_server().interface(LOGIN).await.unwrap();
    let profiles = machine.object_server().interface(PROFILES).await.unwrap();

    app.serve_with(session.desktop(&app, &["--hidden"])).await;
    eventually("the saver is noticed", async || {
        saving(&session, &app).await.then_some(())
    })
    .await;

    switch(&profiles, "balanced").await;
    eventually("its end is noticed", async || {
        (!saving(&session, &app).await).then_some(())
    })
    .await;

    // Going to sleep is nothing to do; awake again, connections are renewed at once: the clocks here saw no sleep at all.
    let emitter = login.signal_emitter();
    Login::prepare_for_sleep(emitter, true).await.unwrap();
    Login::prepare_for_sleep(emitter, false).await.unwrap();
    eventually("the sleep is noticed", async || {
        let text = app.stderr();
        (text.matches("connections are renewed").count() == 1).then_some(())
    })
    .await;
}
