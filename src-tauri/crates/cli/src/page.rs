//! The console's page as the build script found it: empty where the window's front end was not built before.

include!(concat!(env!("OUT_DIR"), "/page.rs"));
