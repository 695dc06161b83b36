//! Ordered byte patches on a JSON object, leaving every other byte alone.
