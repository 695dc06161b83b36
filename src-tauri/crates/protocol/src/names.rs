//! Tool names that every upstream takes, and the way back to the client's own (F84, T47, T49, T50).
//!
//! A name longer than 64 characters or outside `[A-Za-z0-9_-]` is respelled, a namespace is flattened into the name. The table is a pure function of
//! the request, so the same tools get the same names every turn. Called by the request encoders and, for answers, by the fold and the stream encoders.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use crate::{
    canonical::request::{Call, Tool},
    json::text::Text,
};

/// The longest name upstreams take.
const LONGEST: usize = 64;

/// A tool whose name or kind differs between client and upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// As the upstream knows it.
    pub(crate) wire: String,
    /// As the client knows it.
    pub(crate) name: Text<'static>,
    /// The client's namespace.
    pub(crate) namespace: Option<Text<'static>>,
    /// A freeform tool at the client.
    pub(crate) custom: bool,
    /// The client reads its calls as those of a function (T53).
    pub(crate) as_function: bool,
}

/// The tools of a request as its answer will name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolNames {
    /// Those whose names need a way back. Usually none.
    renamed: Vec<Renamed>,
    /// All on offer by the upstream's names, one a line (T84).
    declared: String,
}

impl ToolNames {
    /// Takes the list of all tools out.
    pub(crate) fn take_declared(&mut self) -> String {
        std::mem::take(&mut self.declared)
    }

    /// The tool behind the upstream's name, when it differs from it.
    pub(crate) fn restore(&self, wire: &str) -> Option<&Renamed> {
        self.renamed.iter().find(|entry| entry.wire == wire)
    }
}

/// The names of one request while it is encoded.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    wires: HashMap<(Option<String>, String), String>,
    taken: HashSet<String>,
    names: ToolNames,
    /// Names have to begin with a letter or an underscore (T48).
    letter_first: bool,
}

impl Naming {
    /// Names the tools on offer, direct ones first so that they win (T49), then those that only the history knows.
    /// `flatten` says that the target knows no namespaces and no custom tools.
    pub(crate) fn new<'a: 'i, 'i>(
        tools: &'i [Tool<'a>],
        calls: impl Iterator<Item = &'i Call<'a>> + Clone,
        flatten: bool,
    ) -> Self {
        let mut naming = Self::named(tools, calls, flatten);
        naming.declare(tools, flatten);
        naming
    }

    fn declare(&mut self, tools: &[Tool<'_>], flatten: bool) {
        let mut declared = String::new();
        for (namespace, name) in tools.iter().filter_map(Tool::named) {
            if namespace.is_none() || flatten {
                declared.push_str(&self.wire(namespace, name));
                declared.push('\n');
            }
        }
        self.names.declared = declared;
    }

    /// The same, flattened, for a target whose names begin with a letter or an underscore (T48).
    pub(crate) fn beginning_with_a_letter<'a: 'i, 'i>(
        tools: &'i [Tool<'a>],
        calls: impl Iterator<Item = &'i Call<'a>> + Clone,
    ) -> Self {
        let mut names = tools.iter().filter_map(Tool::named).map(|(_, name)| name);
        let odd = |name: &Text<'_>| {
            name.raw()
                .starts_with(|first: char| first.is_ascii_digit() || first == '-')
        };
        if !names.any(odd) && !calls.clone().any(|call| odd(&call.name)) {
            return Self::new(tools, calls, true);
        }
        let mut naming = Self {
            letter_first: true,
            ..Self::default()
        };
        naming.add_all(tools, calls, true);
        naming.declare(tools, true);
        naming
    }

    fn named<'a: 'i, 'i>(
        tools: &'i [Tool<'a>],
        calls: impl Iterator<Item = &'i Call<'a>> + Clone,
        flatten: bool,
    ) -> Self {
        let mut naming = Self::default();
        let plain = |namespace: Option<&Text<'_>>, name: &Text<'_>, custom: bool| {
            namespace.is_none() && !custom && !name.escaped() && fits(name.raw())
        };
        // Nearly always every name is good as it is.
        let all_plain = tools.iter().all(|tool| {
            let custom =
                matches!(tool, Tool::Custom { as_function, .. } if flatten || *as_function);
            tool.named()
                .is_none_or(|(namespace, name)| plain(namespace, name, custom))
        });
        if all_plain
            && calls
                .clone()
                .all(|call| plain(call.namespace.as_ref(), &call.name, false))
        {
            return naming;
        }
        naming.add_all(tools, calls, flatten);
        naming
    }

    fn add_all<'a: 'i, 'i>(
        &mut self,
        tools: &'i [Tool<'a>],
        calls: impl Iterator<Item = &'i Call<'a>>,
        flatten: bool,
    ) {
        for direct in [true, false] {
            for tool in tools {
                if let Some((namespace, name)) = tool.named()
                    && namespace.is_none() == direct
                {
                    let custom = flatten && matches!(tool, Tool::Custom { .. });
                    let as_function = matches!(
                        tool,
                        Tool::Custom {
                            as_function: true,
                            ..
                        }
                    );
                    self.add(namespace, name, (custom, as_function), flatten);
                }
            }
        }
        for call in calls {
            self.add(call.namespace.as_ref(), &call.name, (false, false), flatten);
        }
    }

    /// What the answer's way back needs.
    pub(crate) fn into_names(self) -> ToolNames {
        self.names
    }

    /// The upstream's name of a tool.
    pub(crate) fn wire<'n>(
        &'n self,
        namespace: Option<&Text<'_>>,
        name: &'n Text<'_>,
    ) -> Cow<'n, str> {
        if namespace.is_none() && !name.escaped() && fits(name.raw()) && self.wires.is_empty() {
            return Cow::Borrowed(name.raw());
        }
        match self.wires.get(&key(namespace, name)) {
            Some(wire) => Cow::Borrowed(wire),
            None => Cow::Borrowed(name.raw()),
        }
    }

    fn add(
        &mut self,
        namespace: Option<&Text<'_>>,
        name: &Text<'_>,
        (custom, as_function): (bool, bool),
        flatten: bool,
    ) {
        let key = key(namespace, name);
        if self.wires.contains_key(&key) {
            return;
        }
        let whole = match (&key.0, flatten) {
            (Some(space), true) if space.ends_with("__") => format!("{space}{}", key.1),
            (Some(space), true) => format!("{space}__{}", key.1),
            _ => key.1.clone(),
        };
        let whole =
            if self.letter_first && !whole.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                format!("_{whole}")
            } else {
                whole
            };
        let wire = self.free(&shorten(&whole));
        self.taken.insert(wire.clone());
        if custom || as_function || wire != key.1 || (namespace.is_some() && flatten) {
            self.names.renamed.push(Renamed {
                wire: wire.clone(),
                name: Text::spell(&key.1),
                namespace: key.0.as_deref().map(Text::spell),
                custom,
                as_function,
            });
        }
        self.wires.insert(key, wire);
    }

    /// The name, or the name with the first free `_n` behind it.
    fn free(&self, name: &str) -> String {
        if !self.taken.contains(name) {
            return name.to_owned();
        }
        let mut n = 1u32;
        loop {
            let suffix = format!("_{n}");
            let candidate = format!(
                "{}{suffix}",
                &name[..name.len().min(LONGEST - suffix.len())]
            );
            if !self.taken.contains(&candidate) {
                return candidate;
            }
            n += 1;
        }
    }
}

fn key(namespace: Option<&Text<'_>>, name: &Text<'_>) -> (Option<String>, String) {
    (
        namespace.map(|space| space.decode().into_owned()),
        name.decode().into_owned(),
    )
}

fn fits(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(allowed)
}

const fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The name in the common alphabet and at most 64 characters long: an MCP tool keeps its prefix and its last part (F84).
fn shorten(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| {
            if u8::try_from(c).is_ok_and(allowed) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if clean.is_empty() {
        return "tool".to_owned();
    }
    if clean.len() <= LONGEST {
        return clean;
    }
    let short = match clean
        .strip_prefix("mcp__")
        .and_then(|rest| rest.rsplit_once("__"))
    {
        Some((_, last)) if !last.is_empty() => format!("mcp__{last}"),
        _ => clean,
    };
    short[..short.len().min(LONGEST)].to_owned()
}

/// A call id of at most `longest` characters; the same id every time (T73).
pub(crate) fn cap_call_id<'t>(id: &'t Text<'_>, longest: usize) -> Cow<'t, str> {
    if id.raw().len() <= longest {
        return Cow::Borrowed(id.raw());
    }
    // FNV-1a: stable over versions, and ids are no secrets.
    let hash = id
        .raw()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    Cow::Owned(format!("call_{hash:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(namespace: Option<&str>, name: &str) -> Tool<'static> {
        Tool::Function {
            name: Text::spell(name),
            namespace: namespace.map(Text::spell),
            description: None,
            parameters: None,
            strict: None,
        }
    }

    fn wires(tools: &[(Option<&str>, &str)]) -> (Vec<String>, ToolNames) {
        let list: Vec<_> = tools
            .iter()
            .map(|(space, name)| function(*space, name))
            .collect();
        let naming = Naming::new(&list, std::iter::empty(), true);
        let wires = tools
            .iter()
            .map(|(space, name)| {
                let (space, name) = (space.map(Text::spell), Text::spell(name));
                naming.wire(space.as_ref(), &name).into_owned()
            })
            .collect();
        (wires, naming.into_names())
    }

    #[test]
    fn long_names_are_shortened_and_come_back_f84_t47() {
        let long = format!("mcp__plugin_{}__get_weather", "x".repeat(60));
        let twin = format!("mcp__plugin_{}__get_weather", "y".repeat(60));
        let plain = "z".repeat(70);
        let (wires, names) = wires(&[
            (None, &long),
            (None, &twin),
            (None, &plain),
            (None, "ok"),
            (None, "a.b/c"),
        ]);
        assert_eq!(wires[..2], ["mcp__get_weather", "mcp__get_weather_1"]);
        assert_eq!(wires[2], "z".repeat(64));
        assert_eq!(wires[3..], ["ok", "a_b_c"]);
        for (wire, name) in wires.iter().zip([&long, &twin, &plain]) {
            assert!(names.restore(wire).unwrap().name.is(name));
        }
        assert!(names.restore("ok").is_none());
    }

    #[test]
    fn namespaces_are_flattened_and_direct_tools_win_t49_t50() {
        let (wires, names) = wires(&[(Some("a"), "b"), (None, "a__b"), (Some("c__"), "d")]);
        assert_eq!(wires, ["a__b_1", "a__b", "c__d"]);
        let back = names.restore("a__b_1").unwrap();
        assert!(back.name.is("b") && back.namespace.as_ref().unwrap().is("a"));
        assert!(names.restore("a__b").is_none());
    }

    #[test]
    fn names_begin_with_a_letter_where_they_must_t48() {
        let tools = [
            function(None, "3d_view"),
            function(None, "-x"),
            function(None, "ok"),
        ];
        let naming = Naming::beginning_with_a_letter(&tools, std::iter::empty());
        for (name, wire) in [("3d_view", "_3d_view"), ("-x", "_-x"), ("ok", "ok")] {
            assert_eq!(naming.wire(None, &Text::spell(name)), wire);
        }
        let names = naming.into_names();
        assert!(names.restore("_3d_view").unwrap().name.is("3d_view"));
        assert!(names.restore("ok").is_none());
    }

    #[test]
    fn long_call_ids_are_capped_the_same_way_every_time_t73() {
        let long = Text::spell(&"c".repeat(65));
        assert_eq!(cap_call_id(&long, 64), cap_call_id(&long, 64));
        assert!(cap_call_id(&long, 40).len() <= 40);
        assert_eq!(cap_call_id(&Text::spell("call_1"), 40), "call_1");
    }
}
