//! The other side of the tray: the watcher that applications register with, and the menu as a panel reads it over D-Bus.

use std::collections::HashMap;

use tests::LIMIT;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};
use zbus::{Connection, Proxy, interface};

use crate::session::Session;

/// What stands in for a desktop's panel.
pub struct Panel {
    bus: Connection,
    registered: mpsc::UnboundedReceiver<(String, String)>,
}

struct Watcher(mpsc::UnboundedSender<(String, String)>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().expect("a sender").to_string();
        self.0.send((sender, service)).ok();
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Panel {
    /// A panel on the session's bus.
    pub async fn start(session: &Session) -> Self {
        let (send, registered) = mpsc::unbounded_channel();
        let bus = session
            .connecting()
            .serve_at("/StatusNotifierWatcher", Watcher(send))
            .expect("an object")
            .name("org.kde.StatusNotifierWatcher")
            .expect("a name")
            .build()
            .await
            .expect("the private bus answers");
        Self { bus, registered }
    }

    /// Waits for an icon, and makes sure that it belongs to this process.
    pub async fn icon_of(&mut self, process: u32) -> Tray {
        let (sender, service) = timeout(LIMIT, self.registered.recv())
            .await
            .expect("an icon is registered in time")
            .expect("a watcher");
        let names = zbus::fdo::DBusProxy::new(&self.bus).await.expect("the bus");
        let owner = names
            .get_connection_unix_process_id(sender.as_str().try_into().expect("a name"))
            .await
            .expect("the icon's process");
        assert_eq!(owner, process, "the icon of another process");
        let path = if service.starts_with('/') {
            service
        } else {
            "/StatusNotifierItem".to_owned()
        };
        let item = Proxy::new(
            &self.bus,
            sender.clone(),
            path,
            "org.kde.StatusNotifierItem",
        )
        .await
        .expect("the icon");
        let menu: OwnedObjectPath = item.get_property("Menu").await.expect("the icon's menu");
        let menu = Proxy::new(&self.bus, sender, menu, "com.canonical.dbusmenu")
            .await
            .expect("the menu");
        Tray { item, menu }
    }
}

/// One application's icon and menu.
pub struct Tray {
    item: Proxy<'static>,
    menu: Proxy<'static>,
}

/// An item as the panel would draw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    id: i32,
    /// Without the marks for keys.
    pub label: String,
    pub enabled: bool,
    /// `None` where it is no check item.
    pub checked: Option<bool>,
    pub separator: bool,
    /// Of a menu below this one.
    pub items: Vec<Item>,
}

/// Where an item of this label stands, here or in a menu below.
fn find<'a>(items: &'a [Item], label: &str) -> Option<&'a Item> {
    let here = items.iter().find(|item| item.label.starts_with(label));
    here.or_else(|| items.iter().find_map(|item| find(&item.items, label)))
}

type Layout = (u32, (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>));

impl Tray {
    /// Which picture it shows: another name is another picture.
    pub async fn icon(&self) -> String {
        // Asked anew each time: the library tells of changes by a signal of its own.
        let properties = zbus::fdo::PropertiesProxy::builder(self.item.connection())
            .destination(self.item.destination().to_owned())
            .and_then(|builder| builder.path(self.item.path().to_owned()))
            .expect("the icon")
            .build()
            .await
            .expect("the icon");
        let interface = self.item.interface().to_owned();
        let name = properties.get(interface, "IconName").await;
        name.expect("its name").downcast_ref().expect("text")
    }

    /// The items, in their order.
    pub async fn items(&self) -> Vec<Item> {
        let (_, (_, _, children)): Layout = self
            .menu
            .call("GetLayout", &(0i32, -1i32, Vec::<String>::new()))
            .await
            .expect("the menu's layout");
        children.iter().map(|child| item(child)).collect()
    }

    /// Waits until the menu is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&[Item]) -> bool) -> Vec<Item> {
        let last = std::cell::RefCell::new(Vec::new());
        let looking = async {
            let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                again.tick().await;
                let items = self.items().await;
                if wanted(&items) {
                    return items;
                }
                *last.borrow_mut() = items;
            }
        };
        let found = timeout(LIMIT, looking).await;
        found.unwrap_or_else(|_| {
            panic!(
                "in {LIMIT:?} it did not come to this: {what}; but {:#?}",
                last.borrow()
            )
        })
    }

    /// Clicks on the item whose label begins like this.
    pub async fn click(&self, label: &str) {
        let items = self.items().await;
        let item = find(&items, label).unwrap_or_else(|| panic!("no item `{label}` in {items:?}"));
        assert!(item.enabled, "{item:?} cannot be clicked");
        let _: () = self
            .menu
            .call("Event", &(item.id, "clicked", Value::from(""), 0u32))
            .await
            .expect("a click");
    }
}

fn item(value: &Value<'_>) -> Item {
    let node = match value {
        Value::Value(inner) => inner,
        other => other,
    };
    let (id, properties, children): (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>) =
        Structure::try_from(node.try_clone().expect("a copy"))
            .and_then(TryInto::try_into)
            .expect("a menu item");
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(|value| value.downcast_ref::<&str>().ok())
    };
    let checked = properties
        .get("toggle-state")
        .and_then(|value| value.downcast_ref::<i32>().ok());
    Item {
        id,
        // A single underscore marks a key, two are one.
        label: text("label")
            .unwrap_or_default()
            .replace("__", "\u{0}")
            .replace('_', "")
            .replace('\u{0}', "_"),
        enabled: properties
            .get("enabled")
            .and_then(|value| value.downcast_ref::<bool>().ok())
            .unwrap_or(true),
        checked: text("toggle-type")
            .is_some_and(|kind| !kind.is_empty())
            .then_some(checked == Some(1)),
        separator: text("type") == Some("separator"),
        items: children.iter().map(|child| item(child)).collect(),
    }
}
