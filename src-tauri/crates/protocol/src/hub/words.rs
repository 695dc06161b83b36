//! What a translated answer says of itself in each dialect: its id, its model and what it repeats of the request. Called by `stream`.

use super::HubState;
use crate::{gemini, messages, responses, types::ReasoningOutput};

/// Minted once per answer (T166, T177); empty for the upstream's own.
pub(super) fn minted_id(prefix: &str, state: &HubState) -> String {
    if state.request_id.is_empty() {
        String::new()
    } else {
        [prefix, &state.request_id].concat()
    }
}

pub(super) fn response_words(state: &HubState) -> responses::answer::Words {
    responses::answer::Words {
        id: minted_id("resp_", state),
        seed: state.request_id.clone(),
        model: state.model.clone(),
        created: state.created,
        echo: state.echo.clone(),
    }
}

pub(super) fn message_words(state: &HubState) -> messages::answer::Words {
    messages::answer::Words {
        id: minted_id("msg_", state),
        model: state.model.clone(),
        estimate: state.estimate,
        thoughts: state.reasoning != ReasoningOutput::Off,
    }
}

pub(super) fn gemini_words(state: &HubState) -> gemini::answer::Words {
    gemini::answer::Words {
        id: minted_id("", state),
        model: state.model.clone(),
        thoughts: state.reasoning != ReasoningOutput::Off,
        array: state.array,
    }
}
