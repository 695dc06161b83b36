//! The brain's rules, one row each.

use serde_json::{Value, json};

use super::{
    AnswerForm, Call, CallInput, Hints, Image, Prompt, Thinking, Tool, ToolChoice, ToolInput, fill,
    think,
};

fn function(name: &str, schema: Value) -> Tool {
    Tool {
        name: name.into(),
        namespace: None,
        input: ToolInput::Json(schema),
    }
}

fn weather() -> Tool {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}}, "required": ["city"]});
    function("get_weather", schema)
}

fn now() -> Tool {
    function("now", json!({"type": "object", "properties": {}}))
}

fn prompt(ask: &str, tools: Vec<Tool>) -> Prompt {
    Prompt {
        model: "m".into(),
        ask: ask.into(),
        tools,
        parallel: true,
        input_tokens: 10,
        ..Prompt::default()
    }
}

fn text(prompt: &Prompt) -> String {
    think(prompt, "ada").text.unwrap_or_default()
}

fn calls(prompt: &Prompt) -> Vec<(String, String)> {
    let shown = |call: &Call| match &call.input {
        CallInput::Json(text) | CallInput::Text(text) => text.clone(),
        CallInput::Command(words) => words.join(" "),
    };
    think(prompt, "ada")
        .calls
        .iter()
        .map(|call| (call.name.clone(), shown(call)))
        .collect()
}

#[test]
fn answers() {
    let rows = [
        ("hi", "Hello from ada."),
        ("please say:XYZ now", "XYZ"),
        ("say:\"two words\" x", "two words"),
        ("essay:no hint", "Hello from ada."),
        ("long:3", "word0 word1 word2"),
    ];
    for (ask, expected) in rows {
        assert_eq!(text(&prompt(ask, vec![])), expected, "{ask}");
    }
    let seen = Prompt {
        images: vec![Image {
            mime: "image/png".into(),
            bytes: 7,
        }],
        ..prompt("what is it", vec![])
    };
    assert_eq!(text(&seen), "saw an image image/png 7 bytes");
    let answered = Prompt {
        results: vec![" 21 C\n".into(), "noon".into()],
        ..prompt("say:done", vec![weather()])
    };
    assert_eq!(text(&answered), "done The tools said: 21 C | noon");
}

#[test]
fn tool_calls() {
    let filled = r#"{"city":"text for city","unit":"c"}"#;
    type Row<'a> = (&'a str, Vec<Tool>, ToolChoice, Vec<(&'a str, &'a str)>);
    let rows: Vec<Row<'_>> = vec![
        (
            "weather?",
            vec![weather(), now()],
            ToolChoice::Auto,
            vec![("get_weather", filled)],
        ),
        (
            "call:now",
            vec![weather(), now()],
            ToolChoice::Auto,
            vec![("now", "{}")],
        ),
        (
            r#"call:get_weather{"city":"Oslo"}"#,
            vec![weather()],
            ToolChoice::Auto,
            vec![("get_weather", r#"{"city":"Oslo"}"#)],
        ),
        (
            r#"call:now call:get_weather{"city":"a}b"} call:now"#,
            vec![weather(), now()],
            ToolChoice::Auto,
            vec![
                ("now", "{}"),
                ("get_weather", r#"{"city":"a}b"}"#),
                ("now", "{}"),
            ],
        ),
        (
            "use two tools",
            vec![weather(), now()],
            ToolChoice::Auto,
            vec![("get_weather", filled), ("now", "{}")],
        ),
        (
            "use two tools",
            vec![now()],
            ToolChoice::Auto,
            vec![("now", "{}"), ("now", "{}")],
        ),
        (
            "weather?",
            vec![weather(), now()],
            ToolChoice::Named("now".into()),
            vec![("now", "{}")],
        ),
        (
            "say:x",
            vec![weather()],
            ToolChoice::Required,
            vec![("get_weather", filled)],
        ),
        ("say:x", vec![weather()], ToolChoice::Auto, vec![]),
        ("weather?", vec![weather()], ToolChoice::None, vec![]),
        ("call:unknown", vec![weather()], ToolChoice::Auto, vec![]),
    ];
    for (ask, tools, choice, expected) in rows {
        let expected: Vec<(String, String)> = expected
            .into_iter()
            .map(|(name, input)| (name.into(), input.into()))
            .collect();
        assert_eq!(
            calls(&Prompt {
                choice,
                ..prompt(ask, tools)
            }),
            expected,
            "{ask}"
        );
    }
    let serial = Prompt {
        parallel: false,
        ..prompt("two tools", vec![weather(), now()])
    };
    assert_eq!(calls(&serial).len(), 1);
    let answered = Prompt {
        results: vec!["x".into()],
        choice: ToolChoice::Required,
        ..prompt("weather?", vec![weather()])
    };
    assert!(calls(&answered).is_empty(), "an agent must come to an end");
}

/// The shells of the coding agents get one harmless command, in their own form, with nothing optional.
#[test]
fn shells() {
    let exec = json!({"type": "object", "required": ["cmd"], "properties": {"cmd": {"type": "string"}, "login": {"type": "boolean"}, "justification": {"type": "string"}}});
    let shell = json!({"type": "object", "required": ["command"], "properties": {"command": {"type": "array", "items": {"type": "string"}}, "workdir": {"type": "string"}}});
    let bash = json!({"type": "object", "required": ["command", "description"], "properties": {"command": {"type": "string"}, "description": {"type": "string"}, "timeout": {"type": "number"}}});
    let rows = [
        (
            "hi",
            function("exec_command", exec.clone()),
            r#"{"cmd":"echo switchyard-ok"}"#,
        ),
        (
            "run:\"ls -l\"",
            function("exec_command", exec),
            r#"{"cmd":"ls -l"}"#,
        ),
        (
            "hi",
            function("shell", shell),
            r#"{"command":["bash","-lc","echo switchyard-ok"]}"#,
        ),
        (
            "hi",
            function("bash", bash),
            r#"{"command":"echo switchyard-ok","description":"text for description"}"#,
        ),
        (
            "hi",
            Tool {
                name: "local_shell".into(),
                namespace: None,
                input: ToolInput::LocalShell,
            },
            "bash -lc echo switchyard-ok",
        ),
    ];
    for (ask, tool, expected) in rows {
        let name = tool.name.clone();
        assert_eq!(
            calls(&prompt(ask, vec![weather(), tool])),
            [(name, expected.to_owned())],
            "{ask}"
        );
    }
    let patch = Tool {
        name: "apply_patch".into(),
        namespace: None,
        input: ToolInput::Text,
    };
    assert!(
        calls(&prompt("hi", vec![patch]))[0]
            .1
            .starts_with("*** Begin Patch\n")
    );
}

#[test]
fn forms() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}, "kind": {"const": "k"}}, "required": ["n", "kind"]});
    let rows = [
        (AnswerForm::Schema(schema), r#"{"n":5,"kind":"k"}"#),
        (AnswerForm::JsonObject, r#"{"answer":"ok","results":[]}"#),
    ];
    for (form, expected) in rows {
        assert_eq!(
            text(&Prompt {
                form,
                ..prompt("x", vec![weather()])
            }),
            expected
        );
    }
}

#[test]
fn schemas() {
    let rows = [
        (
            json!({"type": ["null", "string"], "maxLength": 4}),
            json!("text"),
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "number", "exclusiveMinimum": 9}]}),
            json!(10.0),
        ),
        (
            json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "minItems": 2, "items": {"type": "boolean"}}}}),
            json!([true, true]),
        ),
        (
            json!({"allOf": [{"properties": {"a": {"enum": [1]}}}, {"properties": {"b": {"type": "null"}}}]}),
            json!({"a": 1, "b": null}),
        ),
        (
            json!({"type": "string", "format": "date"}),
            json!("2026-01-02"),
        ),
        (json!({"type": "string", "minLength": 6}), json!("textxx")),
        (json!({"type": "integer", "maximum": 2}), json!(2)),
        (json!({"type": "integer", "multipleOf": 5}), json!(5)),
        (json!(true), json!("text")),
        (Value::Null, json!("text")),
    ];
    for (schema, expected) in rows {
        assert_eq!(fill(&schema, ""), expected, "{schema}");
    }
    assert_eq!(
        fill(
            &json!({"properties": {"customer": {"type": "string"}}}),
            "look up 'Acme' please"
        ),
        json!({"customer": "Acme"})
    );
    // Recursive schemas end.
    let tree = json!({"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]}}, "required": ["next"]}}});
    assert!(
        fill(&tree, "").to_string().ends_with("null}}}}")
            || fill(&tree, "").to_string().contains("\"next\":null")
    );
    let endless =
        json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]});
    assert!(fill(&endless, "").is_object());
}

/// C2: totals are sums, details are parts of their parents.
#[test]
fn counts() {
    let thinking = Thinking {
        on: true,
        summary: true,
        encrypted: true,
    };
    for ask in ["hi", "long:500", "think:\"about it\" say:x"] {
        let turn = think(
            &Prompt {
                thinking,
                ..prompt(ask, vec![])
            },
            "ada",
        );
        let usage = turn.usage;
        assert!(
            usage.input > 0 && usage.cached <= usage.input && usage.reasoning < usage.output,
            "{usage:?}"
        );
    }
    let cut = think(
        &Prompt {
            max_output: Some(2),
            ..prompt("say:abcdefghijklm", vec![])
        },
        "ada",
    );
    assert_eq!((cut.text.as_deref(), cut.cut), (Some("abcdefgh"), true));
}

#[test]
fn hints_never_panic() {
    for ask in [
        "say:",
        "say:\"",
        "call:",
        "call:x{",
        "call:{}",
        "long:x",
        "run:\"\\",
        "🦀say:🦀call:🦀",
        "call:a{\"x\":\"🦀\"}call:b",
    ] {
        let _ = Hints::read(ask);
    }
    assert_eq!(
        Hints::read("call:a{\"x\":1} call:b").calls,
        [
            ("a".to_owned(), Some("{\"x\":1}".to_owned())),
            ("b".to_owned(), None)
        ]
    );
}
