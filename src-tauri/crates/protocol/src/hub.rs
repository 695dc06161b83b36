//! The registry of translations between different dialects.
//!
//! Requests, streams and whole answers of every pair that is not a pass-through. Called by `prepare` and `answer` alone.

use bytes::{Bytes, BytesMut};

use crate::{
    rope::Rope,
    types::{
        Dialect, End, Failure, GatewayError, Head, Loss, Observed, Options, RequestError, Target,
    },
};

/// What a translated answer needs to know of its request.
#[derive(Debug, Clone, Default)]
pub(crate) struct HubState {
    echo_model: Option<Box<str>>,
}

impl HubState {
    /// For an answer that stays in its dialect but changes between stream and JSON (T184, T185); `echo_model` is the name the
    /// client asked for, where another was sent.
    pub(crate) fn same_dialect(echo_model: Option<Box<str>>) -> Self {
        Self { echo_model }
    }
}

/// A translated request.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) body: Rope,
    pub(crate) state: HubState,
    pub(crate) losses: Vec<Loss>,
}

/// Client request → upstream request of another dialect.
pub(crate) fn translate_request(
    _from: Dialect,
    _to: Target,
    _body: &Bytes,
    _head: &Head,
    _options: &Options<'_>,
) -> Result<Translated, RequestError> {
    Err(RequestError::body("this translation is not built yet"))
}

/// Upstream events → the client's stream, or one JSON answer.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    observed: Observed,
}

impl StreamTranslator {
    pub(crate) fn new(_from: Target, _to: Dialect, _state: HubState) -> Self {
        Self {
            observed: Observed::default(),
        }
    }

    /// One upstream event; client frames are appended to `out`.
    pub(crate) fn event(&mut self, _name: Option<&[u8]>, _data: &[u8], _out: &mut BytesMut) {}

    /// The upstream's body ended; closes the client's stream in its dialect.
    pub(crate) fn finish(&mut self, _end: &End, _out: &mut BytesMut) {}

    pub(crate) fn observed(&self) -> &Observed {
        &self.observed
    }

    /// The answer folded to one JSON body, after `finish`.
    pub(crate) fn into_json(self) -> Result<Bytes, Failure> {
        Err(Failure::Unreadable {
            message: "this translation is not built yet".to_owned(),
        })
    }

    /// An error told inside the client's stream, with its clean end; nothing follows it.
    pub(crate) fn in_band_error(&mut self, _error: &GatewayError, _out: &mut BytesMut) {}
}

/// Whole upstream JSON → whole client JSON (also within one dialect, for callers that need the common form).
pub(crate) fn translate_json(
    _upstream: Target,
    _client: Dialect,
    _state: HubState,
    _body: &Bytes,
) -> Result<(Bytes, Observed), Failure> {
    Err(Failure::Unreadable {
        message: "this translation is not built yet".to_owned(),
    })
}

/// Whole upstream JSON → the client's stream with its full life cycle (T185). Also within one dialect.
pub(crate) fn json_to_stream(
    _upstream: Target,
    _client: Dialect,
    _state: HubState,
    _body: &Bytes,
    _out: &mut BytesMut,
) -> Result<Observed, Failure> {
    Err(Failure::Unreadable {
        message: "this translation is not built yet".to_owned(),
    })
}
