//! What hostile clients, objects, stores and neighbours send: none of it stops a process, harms a job of
//! somebody else, or is shown to a terminal as it is.

/// Names that hold dots, and schemas that nobody may look into.
mod names;
