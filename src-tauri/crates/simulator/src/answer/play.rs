//! Streams that play a script: frames one by one, gates, pauses, and the four ways to end. Called by `answer` alone.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::{Presence, Venue};
use crate::{
    dialect::{
        chat_out, gemini_out, messages_out,
        responses_out::{Written, error_event, failed_event},
    },
    quota::put,
    serve::{Body, Cut, Link},
    step::{Gate, Step},
};

/// How a stream ends.
pub(super) enum End {
    Clean,
    Reset,
    Hang,
}

/// A stream to be played.
pub(super) struct Play {
    pub(super) frames: Vec<Bytes>,
    /// After so many frames, this gate.
    pub(super) gate: Option<(usize, Gate)>,
    pub(super) pace: Option<Duration>,
    pub(super) end: End,
}

/// Cuts and lengthens the frames of an answer as a step wants.
pub(super) fn arrange(step: Step, venue: Venue, written: Written, private: Option<Bytes>) -> Play {
    let Written {
        mut frames,
        content,
        document,
    } = written;
    let (mut gate, mut pace, mut end) = (None, None, End::Clean);
    let failed = |code: &str, number: usize| match venue {
        Venue::Chat => chat_out::error_frame(code),
        Venue::Messages => messages_out::error_frame(code),
        Venue::Gemini => gemini_out::error_frame(code),
        Venue::Codex | Venue::Responses => failed_event(&document, code, number),
    };
    match step {
        Step::FailedFirst { code } => frames = vec![failed(&code, 0)],
        Step::FailedAfter { events, code } => {
            frames.truncate(events.min(content));
            frames.push(failed(&code, frames.len()));
        }
        Step::ErrorEvent { events, code } => {
            frames.truncate(events.min(content));
            let number = frames.len();
            frames.push(match venue {
                Venue::Chat => chat_out::error_frame(&code),
                Venue::Messages => messages_out::error_frame(&code),
                Venue::Gemini => gemini_out::error_frame(&code),
                Venue::Codex | Venue::Responses => error_event(&code, number),
            });
        }
        Step::CutAfter { events } => frames.truncate(events.min(content)),
        Step::ResetAfter { events } => {
            frames.truncate(events.min(content));
            end = End::Reset;
        }
        Step::HangAfter { events } => {
            frames.truncate(events.min(content));
            end = End::Hang;
        }
        Step::Gated { events, gate: door } => gate = Some((events.min(content), door)),
        Step::Slow { per_event } => pace = Some(per_event),
        Step::PrivateEvents => {
            frames.insert(frames.len().min(1), Bytes::from_static(b": keep-alive\n\n"));
            if let Some(private) = private {
                frames.insert(frames.len().min(2), private);
            }
        }
        _ => {}
    }
    Play {
        frames,
        gate,
        pace,
        end,
    }
}

/// A streamed answer. A `presence` that is dropped before the end counts as a client gone.
pub(super) fn stream_of(
    play: Play,
    content_type: &str,
    presence: Option<Presence>,
    link: Link,
) -> Response<Body> {
    struct Playing {
        frames: std::vec::IntoIter<Bytes>,
        sent: usize,
        gate: Option<(usize, Gate)>,
        pace: Option<Duration>,
        end: Option<End>,
        presence: Option<Presence>,
        link: Link,
    }
    let Play {
        frames,
        gate,
        pace,
        end,
    } = play;
    let playing = Playing {
        frames: frames.into_iter(),
        sent: 0,
        gate,
        pace,
        end: Some(end),
        presence,
        link,
    };
    let frames = stream::unfold(playing, |mut playing| async move {
        if let Some((_, gate)) = playing.gate.take_if(|(after, _)| *after == playing.sent) {
            gate.pass().await;
        }
        // Giving way lets the connection send what it has, so that frames travel one by one.
        tokio::task::yield_now().await;
        if let Some(frame) = playing.frames.next() {
            if let Some(pace) = playing.pace {
                tokio::time::sleep(pace).await;
            }
            playing.sent += 1;
            return Some((Ok(Frame::data(frame)), playing));
        }
        match playing.end.take()? {
            End::Hang => std::future::pending().await,
            end => {
                if let Some(presence) = &mut playing.presence {
                    presence.finish();
                }
                match end {
                    End::Reset => {
                        playing.link.reset();
                        Some((Err(Cut::Reset), playing))
                    }
                    _ => None,
                }
            }
        }
    });
    let mut reply = Response::new(StreamBody::new(frames).boxed_unsync());
    put(reply.headers_mut(), "content-type", content_type);
    put(reply.headers_mut(), "cache-control", "no-cache");
    reply
}
