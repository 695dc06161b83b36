//! Where an event's data stands in its frame, for changes that leave the frame's other bytes alone. Called by `finished`.

use memchr::memchr2;

use super::decode::value;

/// The offset in `frame` of the byte `at` of its event's data; `None` when the frame's data is shorter. The event is the last
/// one in `frame`; comments and events without data may stand before it.
pub(crate) fn place_of(frame: &[u8], at: usize) -> Option<usize> {
    let (mut line, mut before, mut place) = (0, 0, None);
    while line < frame.len() {
        let end = memchr2(b'\n', b'\r', &frame[line..]).map_or(frame.len(), |step| line + step);
        let next = if frame[end..].starts_with(b"\r\n") {
            end + 2
        } else {
            frame.len().min(end + 1)
        };
        if line == end && next < frame.len() {
            // What came so far was another event.
            (before, place) = (0, None);
        } else if line < end
            && let Some(skipped) = value(&frame[line..end], b"data")
        {
            let start = line + skipped;
            if place.is_none() && at <= before + end - start {
                place = Some(start + at - before);
            }
            // Lines are joined with a line feed.
            before += end - start + 1;
        }
        line = next;
    }
    place
}
