use super::parse;

#[test]
fn f89_the_shapes_of_model_lists() {
    let ids = |body: &str| {
        parse(body.as_bytes()).map(|l| l.into_iter().map(|m| (m.id, m.listed)).collect::<Vec<_>>())
    };
    let listed = |ids: &[&str]| {
        Some(
            ids.iter()
                .map(|i| ((*i).to_owned(), true))
                .collect::<Vec<_>>(),
        )
    };
    let rows = [
        (
            r#"{"object":"list","data":[{"id":"gpt-a","object":"model"},{"id":"gpt-b"}]}"#,
            listed(&["gpt-a", "gpt-b"]),
        ),
        (r#"[{"id":"x"}]"#, listed(&["x"])),
        (
            r#"{"models":[{"name":"models/gemini-x","displayName":"X"}]}"#,
            listed(&["gemini-x"]),
        ),
        (
            r#"{"data":[{"id":""},{"object":"model"},{"id":"y"}]}"#,
            listed(&["y"]),
        ),
        (r#"{"data":[]}"#, Some(vec![])),
        (r#"{"error":{"message":"no"}}"#, None),
        ("<html>", None),
    ];
    for (body, want) in rows {
        assert_eq!(ids(body), want, "{body}");
    }
    let codex = r#"{"models":[{"slug":"gpt-5.5","display_name":"GPT-5.5","visibility":"list","minimal_client_version":"0.124.0"},
        {"slug":"codex-auto-review","visibility":"hide"}]}"#;
    assert_eq!(
        ids(codex),
        Some(vec![
            ("gpt-5.5".into(), true),
            ("codex-auto-review".into(), false)
        ])
    );
    assert!(
        parse(codex.as_bytes()).unwrap()[0]
            .raw
            .get()
            .contains("minimal_client_version")
    );
}
