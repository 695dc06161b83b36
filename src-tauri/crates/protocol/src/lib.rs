//! Wire dialects of AI providers: bytes in, bytes out.
//!
//! What it is: the reading of client requests ([`peek()`]), their preparation for an account ([`prepare()`]) and the way back of the
//! answer ([`Answer`]): pass-through where client and account speak one dialect, translation otherwise. Errors in the client's
//! own shape live in [`error`], the event-stream codec in [`sse`], the Codex profile as data in [`codex`].
//! The road: `peek(dialect, body)` once per request; per attempt `prepare(dialect, target, body, head, options)`, whose body is sent
//! and whose state starts an `Answer`; `push` every chunk of the answer and look at `observed` to know when it has begun (the
//! commit point) and how it ended; `finish` when the upstream's body ends. A Responses stream is over at its terminal event:
//! close it then, since Codex reads a failure only at the end of the body.
//! What it is not: it does no IO, reads no clock, draws no random numbers and knows no account; whatever it needs of these
//! arrives in [`Options`].
//! Who calls it: `upstream` (sending, reading the first events) and `gateway` (the road of a request).

pub mod answer;
mod canonical;
mod chat;
pub mod codex;
pub mod embeddings;
pub mod error;
mod finished;
mod fold;
mod gemini;
mod hub;
pub mod images;
mod json;
mod lost;
mod messages;
mod names;
mod observe;
mod passthrough;
mod patch;
mod peek;
mod prepare;
pub mod replay;
mod responses;
mod rope;
pub mod sse;
pub mod suffix;
mod types;

pub use answer::{Answer, Out};
pub use lost::Lost;
pub use messages::count::estimate;
pub use peek::peek;
pub use prepare::prepare;
pub use rope::Rope;
pub use types::{
    Dialect, End, ErrorBody, Failure, GatewayError, Head, Loss, LossKind, Observed, Options,
    Prepared, ReasoningOutput, Refusal, RequestError, RequestState, Route, SystemRole, Target,
    Terminal, Usage,
};
