//! What hostile clients, objects, stores and neighbours send: none of it stops a process, harms a job of
//! somebody else, or is shown to a terminal as it is.

/// Patterns that would overflow the stack or make the compiler of patterns panic.
mod patterns;

/// JSON and settings that are nested a million levels deep.
mod deep;

/// A panic in one attempt, while others run.
mod panics;

/// Names that hold dots, and schemas that nobody may look into.
mod names;

/// Characters that a terminal obeys, in keys, data, names and what servers say.
mod escapes;

/// Stores that redirect to another host.
mod redirects;

/// Pages of other sites, keys that everybody knows, and clients without a key.
mod clients;

/// Neighbours who swap what is in a folder while it is read.
mod races;

/// Neighbours who lay out files where the embedded database and the settings are.
mod planted;

/// Small objects that become endless text, or endless rejects.
mod bombs;

/// All of it at the same time, against a server with one worker beside it.
mod together;

/// Clients that ask for long answers and do not read them, and too many clients.
mod unread;
