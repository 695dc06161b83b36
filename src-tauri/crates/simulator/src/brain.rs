//! The scripted model behind every endpoint: a prompt in, a turn out. Pure, deterministic, and without any dialect.
//!
//! What it does follows from the request, and from hints in the last user message:
//! `say:WORD` or `say:"some words"` → that is the answer; `call:TOOL` or `call:TOOL{"a":1}` → it calls the tool (several hints: several
//! calls); `two tools` → two calls at once; `run:"command"` → the command for a shell tool; `think:"text"` → its reasoning; `long:N` → an
//! answer of N words; `play:STEP` → the step acted out when the script has none (`Step::from_hint`). Without hints: tools are called when there are any and no result has come yet (a shell tool before others), results
//! are quoted, a JSON schema is filled, images are described, and everything else gets a greeting. `dialect` reads and writes the wire.

mod hints;
mod prompt;
mod schema;

pub use hints::Hints;
pub use prompt::{
    AnswerForm, Call, CallInput, Image, Prompt, Thinking, Tool, ToolChoice, ToolInput, Turn, Usage,
};
pub use schema::fill;
use serde_json::{Map, Value, json};

/// Names under which coding agents offer a shell.
const SHELLS: &[&str] = &[
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
    "container.exec",
    "bash",
    "Bash",
    "run_shell_command",
];
/// What a shell tool is asked to run unless the prompt says otherwise.
pub const SHELL_COMMAND: &str = "echo switchyard-ok";
/// A patch for the freeform `apply_patch` tool.
const PATCH: &str = "*** Begin Patch\n*** Add File: switchyard-ok.txt\n+ok\n*** End Patch\n";

/// The turn that follows from a prompt. `label` names the account in the greeting.
#[must_use]
pub fn think(prompt: &Prompt, label: &str) -> Turn {
    let hints = Hints::read(&prompt.ask);
    let calls = if prompt.results.is_empty() {
        choose_calls(prompt, &hints)
    } else {
        Vec::new()
    };
    let text = calls.is_empty().then(|| answer(prompt, &hints, label));
    let reasoning = prompt.thinking.on.then(|| {
        let thought = hints.think.clone();
        thought.unwrap_or_else(|| {
            if prompt.results.is_empty() {
                "Looking at the request."
            } else {
                "Reading the results."
            }
            .to_owned()
        })
    });
    let mut turn = Turn {
        reasoning,
        text,
        calls,
        ..Turn::default()
    };
    finish(prompt, &mut turn);
    turn
}

/// A turn with a given text, counted and cut as any other.
#[must_use]
pub fn say(prompt: &Prompt, text: &str) -> Turn {
    let mut turn = Turn {
        text: Some(text.to_owned()),
        ..Turn::default()
    };
    finish(prompt, &mut turn);
    turn
}

fn finish(prompt: &Prompt, turn: &mut Turn) {
    let reasoning = turn
        .reasoning
        .as_deref()
        .map_or(0, |text| tokens(text.len()));
    if let (Some(limit), Some(text)) = (prompt.max_output, &mut turn.text) {
        let room = usize::try_from(limit.saturating_mul(4)).unwrap_or(usize::MAX);
        if text.len() > room {
            text.truncate(text.floor_char_boundary(room));
            turn.cut = true;
        }
    }
    let visible = turn.text.as_deref().map_or(0, str::len)
        + turn
            .calls
            .iter()
            .map(|call| call.name.len() + call.input.len())
            .sum::<usize>();
    let input = prompt.input_tokens.max(1);
    turn.usage = Usage {
        input,
        cached: input / 4,
        output: tokens(visible) + reasoning,
        reasoning,
    };
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes / 4 + 1).unwrap_or(u64::MAX)
}

fn choose_calls(prompt: &Prompt, hints: &Hints) -> Vec<Call> {
    let find = |name: &str| prompt.tools.iter().find(|tool| tool.name == name);
    let forced = match &prompt.choice {
        ToolChoice::None => return Vec::new(),
        ToolChoice::Named(name) => find(name),
        ToolChoice::Required => favourite(prompt),
        ToolChoice::Auto => None,
    };
    let mut calls: Vec<Call> = match forced {
        // A named choice leaves nothing to the prompt; "required" does.
        Some(tool) if matches!(prompt.choice, ToolChoice::Named(_)) => {
            vec![call(tool, prompt, hints, None)]
        }
        _ => hints
            .calls
            .iter()
            .filter_map(|(name, args)| {
                find(name).map(|tool| call(tool, prompt, hints, args.as_deref()))
            })
            .collect(),
    };
    if calls.is_empty() {
        let unasked = forced.is_some()
            || (hints.say.is_none()
                && hints.long.is_none()
                && hints.calls.is_empty()
                && prompt.form == AnswerForm::Text);
        if let Some(tool) = favourite(prompt).filter(|_| unasked) {
            calls.push(call(tool, prompt, hints, None));
            if hints.two_tools {
                let other = prompt
                    .tools
                    .iter()
                    .find(|candidate| candidate.name != tool.name)
                    .unwrap_or(tool);
                calls.push(call(other, prompt, hints, None));
            }
        }
    }
    if !prompt.parallel {
        calls.truncate(1);
    }
    calls
}

/// The tool that is called when nothing names one: a shell if there is one, else the first.
fn favourite(prompt: &Prompt) -> Option<&Tool> {
    let shell = SHELLS.iter().find_map(|name| {
        prompt
            .tools
            .iter()
            .find(|tool| tool.name == *name && tool.namespace.is_none())
    });
    shell.or_else(|| prompt.tools.first())
}

fn call(tool: &Tool, prompt: &Prompt, hints: &Hints, args: Option<&str>) -> Call {
    let command = hints.run.as_deref().unwrap_or(SHELL_COMMAND);
    let input = match (&tool.input, args) {
        (ToolInput::Json(_), Some(args)) => CallInput::Json(args.to_owned()),
        (ToolInput::Json(schema), None) if SHELLS.contains(&tool.name.as_str()) => {
            CallInput::Json(shell_arguments(schema, command).to_string())
        }
        (ToolInput::Json(schema), None) => CallInput::Json(fill(schema, &prompt.ask).to_string()),
        (ToolInput::Text, Some(args)) => CallInput::Text(args.to_owned()),
        (ToolInput::Text, None) if tool.name == "apply_patch" => CallInput::Text(PATCH.to_owned()),
        // The code tool of the lite models runs JavaScript that calls the other tools.
        (ToolInput::Text, None) if tool.name == "exec" => CallInput::Text(format!(
            "text(await tools.exec_command({}));",
            json!({"cmd": command})
        )),
        (ToolInput::Text, None) => CallInput::Text(format!("input for {}", tool.name)),
        (ToolInput::LocalShell, _) => {
            CallInput::Command(["bash", "-lc", command].map(str::to_owned).to_vec())
        }
    };
    Call {
        name: tool.name.clone(),
        namespace: tool.namespace.clone(),
        input,
    }
}

/// Only what is required, and the command in the form the schema wants: agents ask for approval when optional switches are set.
fn shell_arguments(schema: &Value, command: &str) -> Value {
    let mut needed = schema.clone();
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if let Some(properties) = needed["properties"].as_object_mut() {
        properties.retain(|name, _| required.contains(name) || name == "cmd" || name == "command");
    }
    let mut arguments = fill(&needed, command);
    for name in ["cmd", "command"] {
        let form = &schema["properties"][name];
        if !form.is_null() {
            arguments[name] = if form["type"] == "array" {
                json!(["bash", "-lc", command])
            } else {
                json!(command)
            };
        }
    }
    arguments
}

fn answer(prompt: &Prompt, hints: &Hints, label: &str) -> String {
    match &prompt.form {
        AnswerForm::Schema(schema) => {
            return fill(schema, hints.say.as_deref().unwrap_or(&prompt.ask)).to_string();
        }
        AnswerForm::JsonObject => return object(prompt, hints).to_string(),
        AnswerForm::Text => {}
    }
    if let Some(words) = hints.long {
        return (0..words)
            .map(|number| format!("word{number}"))
            .collect::<Vec<_>>()
            .join(" ");
    }
    // Asked for JSON in words alone, as by clients of dialects that have no mode for it.
    if prompt.ask.contains("JSON") && hints.say.is_none() && prompt.results.is_empty() {
        return object(prompt, hints).to_string();
    }
    let mut parts: Vec<String> = hints.say.iter().cloned().collect();
    if !prompt.results.is_empty() {
        let quoted: Vec<String> = prompt
            .results
            .iter()
            .map(|result| shorten(result.trim()))
            .collect();
        parts.push(format!("The tools said: {}", quoted.join(" | ")));
    }
    parts.extend(
        prompt
            .images
            .iter()
            .map(|image| format!("saw an image {} {} bytes", image.mime, image.bytes)),
    );
    if parts.is_empty() {
        parts.push(format!("Hello from {label}."));
    }
    parts.join(" ")
}

/// An object without a schema: with the keys the prompt names in single quotes, where it names any.
fn object(prompt: &Prompt, hints: &Hints) -> Value {
    let said = hints.say.as_deref().unwrap_or("ok");
    let keys: Map<String, Value> = prompt
        .ask
        .split('\'')
        .skip(1)
        .step_by(2)
        .filter(|key| !key.is_empty() && !key.contains(char::is_whitespace))
        .map(|key| (key.to_owned(), said.into()))
        .collect();
    if keys.is_empty() {
        json!({"answer": said, "results": prompt.results})
    } else {
        Value::Object(keys)
    }
}

/// The end of a long result: shells print headers first.
fn shorten(text: &str) -> String {
    const LIMIT: usize = 600;
    if text.len() <= LIMIT {
        text.to_owned()
    } else {
        format!("…{}", &text[text.ceil_char_boundary(text.len() - LIMIT)..])
    }
}

#[cfg(test)]
mod tests;
