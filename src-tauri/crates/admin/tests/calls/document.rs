//! The OpenAPI document is what the window's types are made from: it must not drift.

use serde_json::Value;

#[test]
fn the_committed_document_is_that_of_the_routes() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../ui/src/ipc/openapi.json"
    );
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(committed, admin::openapi(), "run `cargo xtask codegen`");
}

#[test]
fn secrets_are_only_ever_sent_in() {
    let document = admin::openapi();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for (field, what) in schema["properties"].as_object().into_iter().flatten() {
            let secret =
                ["key", "passphrase", "password", "token", "secret"].contains(&field.as_str());
            // A name of a gateway key, a setting or a sum is a key as well.
            let named = [
                "Key",
                "Setting",
                "RestoredSetting",
                "UsageRow",
                "RequestRow",
                "StartedRequest",
                "AdminEvent",
            ]
            .contains(&name.as_str());
            assert!(
                !secret || named || what["writeOnly"] == true,
                "{name}.{field}"
            );
        }
    }
}
