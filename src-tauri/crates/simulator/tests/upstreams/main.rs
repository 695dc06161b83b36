//! The simulator as a client on a raw socket sees it. One program, one module per part.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod codex;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod images;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod streams;
