//! Known providers as data: what a person would otherwise copy from their documentation into the form (F103, F106).
//!
//! Only a start: every field can be changed in the form. Read by the form, the command line and `accounts`.

use pool::{AccountKind, Capability, Format};
use secrecy::{ExposeSecret, SecretString};
use upstream::AuthForm;

use crate::account_options::{AccountOptions, check_auth, check_effort, check_headers};
use crate::accounts::NewKeyAccount;
use crate::error::EngineError;

/// A known provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The word it is chosen by.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The kind of account.
    pub kind: AccountKind,
    /// The dialect it speaks.
    pub format: Format,
    /// Its base URL.
    pub base_url: &'static str,
    /// How it takes the key.
    pub auth: AuthForm,
    /// How its balance or quota is asked (appendix C); `None`: it cannot be asked.
    pub balance: Option<&'static str>,
    /// A group its accounts share, where several keys make one pool (F106).
    pub group: Option<&'static str>,
    /// Models it serves where it tells no list of its own (F109).
    pub models: &'static [&'static str],
    /// It has a call for vectors at the same base URL (F78, F103).
    pub embeds: bool,
    /// It runs on this machine and takes any key.
    pub local: bool,
    /// What the person should know before using it (F110).
    pub notice: Option<&'static str>,
}

/// The routes of Z.AI, told apart by their path (F106).
const CODING_NOTICE: &str = "The coding plan is licensed for use in coding tools only. Use the general route for anything else.";
const REGION_NOTICE: &str = "Keys are bound to a region: a key of z.ai is not taken at bigmodel.cn, nor the other way round.";

/// Models of Z.AI that are there whatever its list says (F109).
pub(crate) const ZAI_MODELS: &[&str] = &["glm-4.5", "glm-4.5-air"];

const RELAY: Preset = Preset {
    name: "",
    title: "",
    kind: AccountKind::ProviderKey,
    format: Format::OpenAi,
    base_url: "",
    auth: AuthForm::Bearer,
    balance: None,
    group: None,
    models: &[],
    embeds: false,
    local: false,
    notice: None,
};

const ZAI: Preset = Preset {
    kind: AccountKind::Zai,
    balance: Some("zai"),
    group: Some("zai"),
    models: ZAI_MODELS,
    notice: Some(REGION_NOTICE),
    ..RELAY
};

/// Every preset, in the order in which people see them.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "openrouter",
        title: "OpenRouter",
        base_url: "https://openrouter.ai/api/v1",
        balance: Some("openrouter"),
        embeds: true,
        ..RELAY
    },
    Preset {
        name: "deepseek",
        title: "DeepSeek",
        base_url: "https://api.deepseek.com/v1",
        balance: Some("deepseek"),
        ..RELAY
    },
    Preset {
        name: "deepseek-anthropic",
        title: "DeepSeek (Anthropic format)",
        format: Format::Anthropic,
        auth: AuthForm::XApiKey,
        base_url: "https://api.deepseek.com/anthropic/v1",
        balance: Some("deepseek"),
        ..RELAY
    },
    Preset {
        name: "siliconflow",
        title: "SiliconFlow",
        base_url: "https://api.siliconflow.com/v1",
        balance: Some("siliconflow"),
        embeds: true,
        ..RELAY
    },
    Preset {
        name: "siliconflow-cn",
        title: "SiliconFlow (China)",
        base_url: "https://api.siliconflow.cn/v1",
        balance: Some("siliconflow"),
        embeds: true,
        ..RELAY
    },
    Preset {
        name: "moonshot",
        title: "Moonshot",
        base_url: "https://api.moonshot.ai/v1",
        balance: Some("moonshot"),
        ..RELAY
    },
    Preset {
        name: "moonshot-cn",
        title: "Moonshot (China)",
        base_url: "https://api.moonshot.cn/v1",
        balance: Some("moonshot"),
        ..RELAY
    },
    Preset {
        name: "modelscope",
        title: "ModelScope",
        base_url: "https://api-inference.modelscope.cn/v1",
        ..RELAY
    },
    Preset {
        name: "zai",
        title: "Z.AI, general",
        base_url: "https://api.z.ai/api/paas/v4",
        ..ZAI
    },
    Preset {
        name: "zai-coding",
        title: "Z.AI, coding plan",
        base_url: "https://api.z.ai/api/coding/paas/v4",
        notice: Some(CODING_NOTICE),
        ..ZAI
    },
    Preset {
        name: "zai-anthropic",
        title: "Z.AI, Anthropic format",
        format: Format::Anthropic,
        auth: AuthForm::XApiKey,
        base_url: "https://api.z.ai/api/anthropic/v1",
        notice: Some(CODING_NOTICE),
        ..ZAI
    },
    Preset {
        name: "zhipu",
        title: "Zhipu BigModel, general",
        base_url: "https://open.bigmodel.cn/api/paas/v4",
        embeds: true,
        ..ZAI
    },
    Preset {
        name: "zhipu-coding",
        title: "Zhipu BigModel, coding plan",
        base_url: "https://open.bigmodel.cn/api/coding/paas/v4",
        notice: Some(CODING_NOTICE),
        ..ZAI
    },
    Preset {
        name: "zhipu-anthropic",
        title: "Zhipu BigModel, Anthropic format",
        format: Format::Anthropic,
        auth: AuthForm::XApiKey,
        base_url: "https://open.bigmodel.cn/api/anthropic/v1",
        notice: Some(CODING_NOTICE),
        ..ZAI
    },
    Preset {
        name: "anthropic",
        title: "Anthropic",
        format: Format::Anthropic,
        auth: AuthForm::XApiKey,
        base_url: "https://api.anthropic.com/v1",
        ..RELAY
    },
    Preset {
        name: "gemini",
        title: "Google Gemini",
        format: Format::Gemini,
        auth: AuthForm::XGoogApiKey,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        ..RELAY
    },
    Preset {
        name: "openai",
        title: "OpenAI",
        format: Format::Responses,
        base_url: "https://api.openai.com/v1",
        embeds: true,
        ..RELAY
    },
    Preset {
        name: "ollama",
        title: "Ollama",
        base_url: "http://127.0.0.1:11434/v1",
        local: true,
        embeds: true,
        ..RELAY
    },
    Preset {
        name: "lmstudio",
        title: "LM Studio",
        base_url: "http://127.0.0.1:1234/v1",
        local: true,
        embeds: true,
        ..RELAY
    },
];

/// The preset of that name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl NewKeyAccount {
    /// The account with what its preset says in the places left empty, and its options.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub(crate) fn filled_in(mut self) -> Result<(Self, AccountOptions), EngineError> {
        let mut options = AccountOptions {
            auth: self.extras.auth.as_deref().map(check_auth).transpose()?,
            reads_suffixes: self.extras.reads_suffixes,
            effort: self
                .extras
                .effort
                .as_deref()
                .map(check_effort)
                .transpose()?,
            preset: self.extras.preset.clone(),
            turns: None,
            wires: Vec::new(),
            capabilities: Vec::new(),
        };
        check_headers(&self.extras.headers)?;
        if let Some(name) = &self.extras.preset {
            let known = preset(name).ok_or_else(|| {
                let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
                let names = names.join(", ");
                EngineError::Invalid(format!("preset {name:?} is not one of {names}"))
            })?;
            let fill = |field: &mut String, value: &str| {
                if field.trim().is_empty() {
                    value.clone_into(field);
                }
            };
            fill(&mut self.kind, known.kind.as_str());
            fill(&mut self.base_url, known.base_url);
            fill(&mut self.format, known.format.as_str());
            if self.group.is_none() {
                self.group = known.group.map(str::to_owned);
            }
            if self.format == known.format.as_str() && known.auth != AuthForm::of(known.format) {
                options.auth = options.auth.or(Some(known.auth));
            }
            if known.embeds {
                options.capabilities = Capability::ALL.to_vec();
            }
            if known.local && self.key.expose_secret().trim().is_empty() {
                // Nobody asks for it, but every request carries one.
                self.key = SecretString::from("local");
            }
        }
        Ok((self, options))
    }
}

/// What the person should know of a Z.AI account by where it sends to (F110): also one that came without a preset.
#[must_use]
pub fn notice_of(kind: AccountKind, base_url: &str) -> Option<&'static str> {
    let coding = base_url.contains("/coding/") || base_url.contains("/api/anthropic");
    match kind {
        AccountKind::Zai if coding => Some(CODING_NOTICE),
        AccountKind::Zai => Some(REGION_NOTICE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f99_f103_every_preset_is_a_working_start() {
        for (at, preset) in PRESETS.iter().enumerate() {
            let name = preset.name;
            assert!(
                !PRESETS[..at].iter().any(|other| other.name == name),
                "{name} twice"
            );
            let base = upstream::normalise_base(preset.format, preset.base_url).unwrap();
            assert_eq!(
                base.as_str(),
                preset.base_url,
                "{name}: not in its final form"
            );
            assert!(!preset.title.is_empty() && preset.kind.is_key(), "{name}");
            assert_eq!(preset.local, base.scheme() == "http", "{name}");
        }
    }

    #[test]
    fn f106_the_routes_of_zai() {
        for (name, request) in [
            ("zai", "https://api.z.ai/api/paas/v4/chat/completions"),
            (
                "zai-coding",
                "https://api.z.ai/api/coding/paas/v4/chat/completions",
            ),
            (
                "zai-anthropic",
                "https://api.z.ai/api/anthropic/v1/messages",
            ),
            (
                "zhipu",
                "https://open.bigmodel.cn/api/paas/v4/chat/completions",
            ),
            (
                "zhipu-coding",
                "https://open.bigmodel.cn/api/coding/paas/v4/chat/completions",
            ),
            (
                "zhipu-anthropic",
                "https://open.bigmodel.cn/api/anthropic/v1/messages",
            ),
        ] {
            let preset = preset(name).unwrap();
            assert_eq!(
                upstream::preview(preset.format, preset.base_url).unwrap(),
                request
            );
            assert_eq!(
                notice_of(preset.kind, preset.base_url),
                preset.notice,
                "{name}"
            );
            assert_eq!((preset.kind, preset.group), (AccountKind::Zai, Some("zai")));
        }
    }
}
