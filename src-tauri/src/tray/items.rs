//! A menu on the screen, brought to what it should be with as few changes as possible (R5).

use tauri::menu::{CheckMenuItem, IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Wry};

use crate::content::{Entry, Kind};

/// The tray's menu.
pub(super) struct Items {
    menu: Menu<Wry>,
    items: Vec<Item>,
}

/// One item with what it shows.
struct Item {
    entry: Entry,
    shown: Shown,
}

enum Shown {
    Text(MenuItem<Wry>),
    Check(CheckMenuItem<Wry>),
    Line(PredefinedMenuItem<Wry>),
    Menu(Submenu<Wry>, Vec<Item>),
}

/// Where items come and go: the menu itself or one below it.
trait Holder {
    fn put(&self, item: &dyn IsMenuItem<Wry>, place: usize) -> tauri::Result<()>;
    fn take(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()>;
}

impl Holder for Menu<Wry> {
    fn put(&self, item: &dyn IsMenuItem<Wry>, place: usize) -> tauri::Result<()> {
        self.insert(item, place)
    }

    fn take(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove(item)
    }
}

impl Holder for Submenu<Wry> {
    fn put(&self, item: &dyn IsMenuItem<Wry>, place: usize) -> tauri::Result<()> {
        self.insert(item, place)
    }

    fn take(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove(item)
    }
}

impl Items {
    pub(super) fn new(app: &AppHandle, entries: &[Entry]) -> tauri::Result<Self> {
        let mut new = Self {
            menu: Menu::new(app)?,
            items: Vec::new(),
        };
        new.update(app, entries)?;
        Ok(new)
    }

    pub(super) fn menu(&self) -> &Menu<Wry> {
        &self.menu
    }

    /// Shows these entries. Must be called on the main thread.
    pub(super) fn update(&mut self, app: &AppHandle, entries: &[Entry]) -> tauri::Result<()> {
        update(app, &self.menu, &mut self.items, entries)
    }
}

fn update(
    app: &AppHandle,
    holder: &dyn Holder,
    items: &mut Vec<Item>,
    entries: &[Entry],
) -> tauri::Result<()> {
    for place in 0..entries.len() {
        let entry = &entries[place];
        // What stands here and is not wanted any more goes first, so that the rest moves up instead of being made anew.
        while let Some(item) = items.get(place)
            && !item.is(entry)
            && !entries[place..].iter().any(|entry| item.is(entry))
        {
            holder.take(items.remove(place).shown.handle())?;
        }
        match items.get_mut(place) {
            Some(item) if item.is(entry) => item.become_like(app, entry)?,
            _ => {
                if let Some(later) = items.iter().position(|item| item.is(entry)) {
                    holder.take(items.remove(later).shown.handle())?;
                }
                let item = Item::new(app, entry)?;
                holder.put(item.shown.handle(), place)?;
                items.insert(place, item);
            }
        }
    }
    for item in items.drain(entries.len()..) {
        holder.take(item.shown.handle())?;
    }
    Ok(())
}

impl Item {
    fn new(app: &AppHandle, entry: &Entry) -> tauri::Result<Self> {
        let (id, text) = (entry.id.as_str(), entry.text.as_str());
        let shown = match &entry.kind {
            Kind::Label | Kind::Button => {
                let enabled = entry.kind == Kind::Button;
                Shown::Text(MenuItem::with_id(app, id, text, enabled, None::<&str>)?)
            }
            Kind::Check { on, enabled } => Shown::Check(CheckMenuItem::with_id(
                app,
                id,
                text,
                *enabled,
                *on,
                None::<&str>,
            )?),
            Kind::Line => Shown::Line(PredefinedMenuItem::separator(app)?),
            Kind::Menu(entries) => {
                let menu = Submenu::with_id(app, id, text, true)?;
                let mut items = Vec::new();
                update(app, &menu, &mut items, entries)?;
                Shown::Menu(menu, items)
            }
        };
        Ok(Self {
            entry: entry.clone(),
            shown,
        })
    }

    /// Whether the entry is this item, perhaps with other words.
    fn is(&self, entry: &Entry) -> bool {
        self.entry.id == entry.id
            && std::mem::discriminant(&self.entry.kind) == std::mem::discriminant(&entry.kind)
    }

    /// Changes what differs. A mark is compared with what the platform shows, which toggles it at a click.
    fn become_like(&mut self, app: &AppHandle, entry: &Entry) -> tauri::Result<()> {
        let text = (self.entry.text != entry.text).then_some(&entry.text);
        match (&mut self.shown, &entry.kind) {
            (Shown::Text(item), _) => {
                if let Some(text) = text {
                    item.set_text(text)?;
                }
            }
            (Shown::Check(item), Kind::Check { on, enabled }) => {
                if let Some(text) = text {
                    item.set_text(text)?;
                }
                if item.is_checked()? != *on {
                    item.set_checked(*on)?;
                }
                let clickable = matches!(self.entry.kind, Kind::Check { enabled, .. } if enabled);
                if clickable != *enabled {
                    item.set_enabled(*enabled)?;
                }
            }
            (Shown::Menu(menu, items), Kind::Menu(entries)) => {
                if let Some(text) = text {
                    menu.set_text(text)?;
                }
                update(app, menu, items, entries)?;
            }
            _ => {}
        }
        self.entry.clone_from(entry);
        Ok(())
    }
}

impl Shown {
    fn handle(&self) -> &dyn IsMenuItem<Wry> {
        match self {
            Self::Text(item) => item,
            Self::Check(item) => item,
            Self::Line(item) => item,
            Self::Menu(menu, _) => menu,
        }
    }
}
