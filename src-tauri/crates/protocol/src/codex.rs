//! The Codex profile: what the ChatGPT/Codex backend demands of a Responses body, as data.
