//! The OpenAPI document: what the routes say of themselves, and what they have in common. Read by the generator of the window's types.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use crate::error::ErrorAnswer;
use crate::routes::{self, Described};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Switchyard admin API",
        description = "Times are milliseconds since the Unix epoch, shares are percent. Every error answer is an ErrorAnswer. Over HTTP every path lies below /admin/v1 and needs the console's token."
    ),
    components(schemas(ErrorAnswer))
)]
struct Introduction;

/// The document of everything the window may call.
pub(crate) fn document() -> Value {
    let described = routes::window(Described::new(Introduction::openapi()));
    let document = described.0.into_openapi();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    // The contract's own version: the program's would change the document at each release.
    document["info"]["version"] = "1".into();
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("license");
    }
    operations(&mut document);
    whole_answers(&mut document);
    document
}

/// Names each operation, words each answer, and adds the error answer.
fn operations(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            // Handlers in two files may share a name; a method and a path are nobody else's.
            let name: String = path.replace(['{', '}'], "").replace(['/', '-'], "_");
            operation["operationId"] = format!("{method}{name}").into();
            let Some(responses) = operation["responses"].as_object_mut() else {
                continue;
            };
            for (status, response) in responses.iter_mut() {
                response["description"] = if status == "204" {
                    "Done"
                } else {
                    "The answer"
                }
                .into();
            }
            responses.insert(
                "default".into(),
                json!({
                    "description": "What went wrong",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
                }),
            );
        }
    }
}

/// Answers always have all their fields, null where there is nothing to say; only what is sent may leave fields out.
fn whole_answers(document: &mut Value) {
    let mut sent = BTreeSet::new();
    for operation in document["paths"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .filter_map(Value::as_object)
        .flat_map(Map::values)
    {
        references(&operation["requestBody"], document, &mut sent);
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, schema) in schemas {
        if !sent.contains(name) {
            all_required(schema);
        }
    }
}

fn all_required(schema: &mut Value) {
    let names = schema["properties"]
        .as_object()
        .map(|properties| properties.keys().cloned().map(Value::from).collect());
    if let Some(names) = names {
        schema["required"] = Value::Array(names);
    }
    let parts = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for part in parts.into_iter().flatten() {
        all_required(part);
    }
}

/// The names of all schemas a value refers to, also through others.
fn references(value: &Value, document: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|name| name.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && found.insert(name.to_owned())
            {
                references(&document["components"]["schemas"][name], document, found);
            }
            fields
                .values()
                .for_each(|field| references(field, document, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| references(item, document, found)),
        _ => {}
    }
}
