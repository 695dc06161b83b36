//! The languages of the tray and the notifications. The window has its own messages in `ui`.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    En,
    Zh,
}

impl Language {
    /// The value of `ui.language`; `system`, unknown or nothing is the system's language.
    pub(crate) fn of(chosen: Option<&str>) -> Self {
        match chosen {
            Some("en") => Self::En,
            Some("zh") => Self::Zh,
            _ => Self::tag(&sys_locale::get_locale().unwrap_or_default()),
        }
    }

    fn tag(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The one of two texts.
    pub(crate) fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_beats_the_system() {
        assert_eq!(Language::of(Some("zh")), Language::Zh);
        assert_eq!(Language::of(Some("en")), Language::En);
        for (tag, expected) in [
            ("zh-CN", Language::Zh),
            ("zh_TW.UTF-8", Language::Zh),
            ("C", Language::En),
            ("de-DE", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::tag(tag), expected, "{tag}");
        }
    }
}
