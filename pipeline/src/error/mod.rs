//! What can go wrong with a load. Bad records are not here: they are rows of the error table.

mod causes;
mod code;
mod passing;
mod redirected;
#[cfg(test)]
mod tests;

pub use causes::causes;
pub use passing::{is_passing, may_pass};
pub use redirected::Redirected;

use std::io;
use std::path::PathBuf;

use crate::max_rejected::MaxRejected;

/// Why something could not be done; every variant names its subject.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text names no object that can be read.
    #[error("{location} cannot be read: {reason}")]
    Location {
        /// The text.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern of keys or names is beyond a limit, or is no pattern.
    #[error("the pattern {pattern} cannot be used: {reason}")]
    Pattern {
        /// The beginning of the pattern.
        pattern: String,
        /// The limit and what was found, or what is wrong with it.
        reason: String,
    },
    /// A schema is not for crawlers, nor for those who look at tables.
    #[error("tables of the schema {schema} are not read: it belongs to {whose}")]
    Schema {
        /// The schema.
        schema: String,
        /// Who it belongs to.
        whose: &'static str,
    },
    /// There is no such object.
    #[error("there is no object {object}")]
    NotFound {
        /// The object that was asked for.
        object: String,
    },
    /// The store does not have this version of an object.
    #[error("there is no version {version} of {object} any more")]
    VersionNotFound {
        /// The object.
        object: String,
        /// The version that was asked for.
        version: String,
    },
    /// A folder or pattern holds no object.
    #[error("there are no JSON objects in {location}")]
    NoObjects {
        /// The folder or pattern.
        location: String,
    },
    /// The store did not give an object's bytes.
    #[error("could not read {object}")]
    Read {
        /// The object.
        object: String,
        /// The store's error.
        source: object_store::Error,
    },
    /// An object is no longer the version that was located.
    #[error("{object} changed while it was read")]
    Changed {
        /// The object.
        object: String,
    },
    /// An object's bytes are not what their beginning promises.
    #[error("could not decompress {object}")]
    Decompress {
        /// The object.
        object: String,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A compressed object became too many times as much text.
    #[error(
        "{object} was not read to its end: {stored_bytes} of its bytes became {text_bytes} bytes of text, more than {max_expansion} times as many"
    )]
    ExpansionLimit {
        /// The object.
        object: String,
        /// Bytes of text when it was given up.
        text_bytes: u64,
        /// The stored bytes that they came from.
        stored_bytes: u64,
        /// How many times as many bytes of text are allowed.
        max_expansion: u64,
    },
    /// A compressed object became too much text.
    #[error(
        "{object} was not read to its end: its text is longer than {max_text_bytes} bytes once decompressed"
    )]
    TextLimit {
        /// The object.
        object: String,
        /// How many bytes of text are allowed.
        max_text_bytes: u64,
    },
    /// Too many records in a row were rejected.
    #[error(
        "the load of {object} was stopped: {rejects} records in a row were rejected, most of them as {reason}"
    )]
    RejectLimit {
        /// The object.
        object: String,
        /// How many were rejected when it was given up.
        rejects: u64,
        /// The most frequent reason so far.
        reason: String,
    },
    /// More records of an object were rejected than may be.
    #[error(
        "{rejected} of the {records} records of {object} were rejected, and at most {max_rejected} may be, so nothing was written: {reasons}"
    )]
    TooManyRejects {
        /// The object.
        object: String,
        /// How many were rejected.
        rejected: u64,
        /// How many there are.
        records: u64,
        /// How many may be rejected.
        max_rejected: MaxRejected,
        /// The reasons with their counts and an example of each.
        reasons: String,
    },
    /// An object is not text.
    #[error("{object} is not JSON: {found}")]
    NotText {
        /// The object.
        object: String,
        /// What was found.
        found: String,
    },
    /// No document of an object has an array where the feed expects its records.
    #[error("{object} has no records at {path}: {found}")]
    NoRecords {
        /// The object.
        object: String,
        /// The path that the feed declares.
        path: String,
        /// What the first document has there.
        found: String,
    },
    /// What is said about a connection cannot be meant.
    #[error("the options of the database URL cannot be used: {problem}")]
    ConnectionOptions {
        /// What is wrong with it; nothing secret is repeated.
        problem: String,
    },
    /// The certificates by which servers are to be verified are of no use.
    #[error("could not use the root certificates in {place}")]
    RootCertificates {
        /// The file, or the system.
        place: String,
        /// What is wrong with them.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The certificate by which a server is to know us, or its key, is of no use.
    #[error("could not use the client certificate or key in {}", file.display())]
    ClientCertificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A pooler in transaction mode is between us and the server.
    #[error(
        "a pooler at {address} gives each transaction another session of the database (transaction pooling): \
         the queue needs sessions that stay, to listen and to hold locks"
    )]
    Pooled {
        /// As `host:port/name`.
        address: String,
    },
    /// Postgres could not be reached or did not let us in.
    #[error("could not connect to the database")]
    Connect {
        /// Where, and why not.
        source: Unreachable,
    },
    /// Postgres refused something, or the connection broke.
    #[error("could not {doing}")]
    Database {
        /// What was being done.
        doing: String,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// The ledger's schema could not be brought up to date.
    #[error("could not migrate the schema stevedore")]
    Migrate {
        /// The migrator's error.
        source: Box<refinery::Error>,
    },
    /// A newer release has changed the schema in a way that this release cannot work with.
    #[error(
        "the database was migrated by a newer release of stevedore: {migration} keeps older ones out"
    )]
    Outdated {
        /// The migration, as its file is called.
        migration: String,
    },
    /// A target table does not fit the feed or the write mode.
    #[error("the table {table} cannot take this load: {problem}{differences}")]
    Target {
        /// The table.
        table: String,
        /// What does not fit.
        problem: String,
        /// The columns that differ, side by side, on lines of their own; nothing if none do.
        differences: String,
        /// The command that helps.
        remedy: String,
    },
    /// A feed does not fit what the catalog knows of an object: every record would be rejected.
    #[error("every record of {object} would be rejected by the feed {feed}:{differences}")]
    Mismatch {
        /// The object.
        object: String,
        /// The feed.
        feed: String,
        /// The fields that differ, side by side, on lines of their own.
        differences: String,
    },
    /// Feed files cannot be used.
    #[error("feeds cannot be read: {files}\n{problems}")]
    Feed {
        /// The files.
        files: String,
        /// All that is wrong, each with its line, on lines of their own.
        problems: String,
    },
    /// There is no such feed.
    #[error("there is no feed {feed}: expected one of {known}")]
    NoFeed {
        /// The name that was asked for.
        feed: String,
        /// The names that there are.
        known: String,
    },
    /// Nothing says which feed an object goes through.
    #[error("the feed of {object} is unclear: {reason}")]
    FeedUnclear {
        /// The object.
        object: String,
        /// Why, and which feeds it may be.
        reason: String,
    },
    /// A frame could not be computed.
    #[error("could not {doing}")]
    Frame {
        /// What was being done.
        doing: &'static str,
        /// Polars' error.
        source: polars::error::PolarsError,
    },
    /// A load was asked to stop before it committed.
    #[error("the load of {object} was cancelled before it was committed")]
    Cancelled {
        /// The object.
        object: String,
    },
    /// A load in parts ended before all of them were committed; those that are stay.
    #[error(
        "the load {load_id} of {object} is not complete: {committed} of its {parts} parts are committed and stay"
    )]
    Incomplete {
        /// The object.
        object: String,
        /// The load's number in the ledger.
        load_id: i64,
        /// Parts that are known to be committed.
        committed: u64,
        /// All parts.
        parts: u64,
        /// Why it ended.
        source: Box<Error>,
    },
    /// A load in parts was begun in a mode, and is to be gone on with in another.
    #[error(
        "the load {load_id} of {object} is not complete, and was begun in another mode: {mode}"
    )]
    OtherMode {
        /// The object.
        object: String,
        /// The load's number in the ledger.
        load_id: i64,
        /// The mode in which it was begun.
        mode: String,
    },
    /// A load in parts was begun with a feed that was edited since.
    #[error(
        "the load {load_id} of {object} is not complete, and was begun with another text of the feed {feed} \
         (hash {hash})"
    )]
    FeedChanged {
        /// The object.
        object: String,
        /// The load's number in the ledger.
        load_id: i64,
        /// The feed.
        feed: String,
        /// The hash of the text with which it was begun.
        hash: String,
    },
    /// The ledger has no such load.
    #[error("there is no load {load_id}")]
    NoLoad {
        /// The number that was asked for.
        load_id: i64,
    },
    /// There is no such reject.
    #[error("there is no reject {reject}")]
    NoReject {
        /// The numbers of the load and the record that were asked for.
        reject: String,
    },
    /// A load is to be discarded that is not an unfinished load in parts.
    #[error("the load {load_id} of {object} {ended}: only an unfinished load can be discarded")]
    LoadEnded {
        /// The load's number in the ledger.
        load_id: i64,
        /// The object.
        object: String,
        /// How it ended, and what became of its rows.
        ended: &'static str,
    },
    /// A load is to be discarded while another process works on it.
    #[error("another process loads {object} right now (load {load_id}), so nothing was removed")]
    LoadRunning {
        /// The load's number in the ledger.
        load_id: i64,
        /// The object.
        object: String,
    },
    /// The role may not remove what a load has written.
    #[error("this role may not remove what the load {load_id} has written, so nothing was removed")]
    DiscardDenied {
        /// The load's number in the ledger.
        load_id: i64,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// A load in parts was discarded while it was loaded.
    #[error(
        "the load {load_id} of {object} was discarded by another process: nothing of it is left"
    )]
    Discarded {
        /// The object.
        object: String,
        /// The number that the load had in the ledger.
        load_id: i64,
    },
    /// The counts of a load, or of a part of one, do not agree; nothing of it was written.
    #[error("the counts of the load of {object} differ, so nothing was committed: {detail}")]
    CountMismatch {
        /// The object.
        object: String,
        /// Which counts do not agree.
        detail: String,
    },
    /// Nobody knows whether a commit went through.
    #[error(
        "the connection broke during the commit of {object}, and the database cannot be asked for the result"
    )]
    CommitUnknown {
        /// The object.
        object: String,
        /// The error of the attempt to ask.
        source: Box<Error>,
    },
    /// The folder of the embedded database is used by another process.
    #[error("the embedded database in {folder} is in use by another process ({process})")]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process: its number, and if it is not the one that noted itself, what it is.
        process: String,
        /// Where its database can be reached, if it is up.
        url: Option<String>,
    },
    /// Somebody else can change the folder of the embedded database.
    #[error(
        "the embedded database is not used in {folder}, since others could change it: {reason}"
    )]
    Exposed {
        /// The folder.
        folder: PathBuf,
        /// What others can do.
        reason: String,
        /// The command that takes that right from them.
        remedy: String,
    },
    /// No PostgreSQL is installed and none could be downloaded.
    #[error("PostgreSQL is not installed, and it could not be downloaded from {url}")]
    Download {
        /// The place it was asked from.
        url: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The embedded database could not be started.
    #[error("could not {doing} the embedded database in {folder}")]
    Embedded {
        /// What was being done.
        doing: &'static str,
        /// Its folder.
        folder: PathBuf,
        /// The system's error, or the end of the server's log.
        source: io::Error,
    },
    /// The same crawler runs already.
    #[error("the crawler {crawler} is running already")]
    Busy {
        /// The crawler.
        crawler: String,
    },
    /// Rows could not be moved between Postgres, Arrow and Polars.
    #[error("could not {doing}")]
    Arrow {
        /// What was being done.
        doing: &'static str,
        /// What went wrong there.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of rows could not be written.
    #[error("could not write {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's error, or that of the file's format.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such crawler.
    #[error("there is no crawler {crawler}")]
    NoCrawler {
        /// The name that was asked for.
        crawler: String,
    },
    /// A worker of ours stopped without a word.
    #[error("a task that works on {object} stopped unexpectedly")]
    Stopped {
        /// The object.
        object: String,
    },
}

impl Error {
    /// Whether a load ended because it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Incomplete { source, .. } => source.is_cancelled(),
            error => matches!(error, Self::Cancelled { .. }),
        }
    }
}

/// Where a database was to be connected to, and why it was not. It is a cause of its own, so that the text
/// of [`Error::Connect`] names no host: that text goes to users of the API.
#[derive(Debug, thiserror::Error)]
#[error("there is no connection to {address}")]
pub struct Unreachable {
    /// As `host:port/name`.
    pub address: String,
    /// The driver's error.
    pub source: tokio_postgres::Error,
}

/// The result of the library's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
