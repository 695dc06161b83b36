//! Calls under the client's own names (T47, T50), and freeform tools with their raw input (T51).
//!
//! Stands between a stream decoder and an encoder, so that neither knows of renamed tools. Called by the hub.

use super::{
    custom_input::CustomInput,
    event::{Event, Start},
};
use crate::{json::text::Text, names::ToolNames};

/// Restores the calls of one answer.
#[derive(Debug, Default)]
pub(crate) struct Restorer {
    names: ToolNames,
    unwrapping: Vec<(usize, CustomInput)>,
}

impl Restorer {
    /// With the names of the request.
    pub(crate) fn new(names: ToolNames) -> Self {
        Self {
            names,
            unwrapping: Vec::new(),
        }
    }

    /// Passes an event on, as the client should see it.
    pub(crate) fn pass(&mut self, event: Event<'_>, mut to: impl FnMut(Event<'_>)) {
        match event {
            Event::ItemStart {
                slot,
                start:
                    Start::Call {
                        call_id,
                        name,
                        namespace,
                        custom,
                    },
            } => {
                let Some(known) = self.names.restore(name.raw()) else {
                    return to(Event::ItemStart {
                        slot,
                        start: Start::Call {
                            call_id,
                            name,
                            namespace,
                            custom,
                        },
                    });
                };
                if known.custom && !custom {
                    self.unwrapping.push((slot, CustomInput::default()));
                }
                let start = Start::Call {
                    call_id,
                    name: known.name.borrowed(),
                    namespace: known.namespace.as_ref().map(Text::borrowed),
                    custom: (known.custom || custom) && !known.as_function,
                };
                to(Event::ItemStart { slot, start });
            }
            Event::Input { slot, delta } => {
                match self.unwrapping.iter_mut().find(|(at, _)| *at == slot) {
                    Some((_, input)) => {
                        if let Some(piece) = input.push(&delta) {
                            to(Event::Input {
                                slot,
                                delta: Text::token(piece.into(), true),
                            });
                        }
                    }
                    None => to(Event::Input { slot, delta }),
                }
            }
            Event::ItemEnd { slot } => {
                if let Some(at) = self.unwrapping.iter().position(|(at, _)| *at == slot) {
                    let (_, mut input) = self.unwrapping.swap_remove(at);
                    if let Some(piece) = input.finish() {
                        to(Event::Input {
                            slot,
                            delta: Text::token(piece.into(), true),
                        });
                    }
                }
                to(Event::ItemEnd { slot });
            }
            other => to(other),
        }
    }
}
