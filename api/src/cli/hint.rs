//! What to do next about an error.

use std::error::Error as StdError;
use std::io;

use pipeline::database::install_command;
use pipeline::error::Error;
use tokio_postgres::error::SqlState;

use crate::buckets::BucketError;
use crate::readiness::REMEDY;

/// Where a machine of a cloud is asked for its own credentials, after all else.
const MACHINE_METADATA: &str = "169.254.169.254";
/// How to name buckets.
const BUCKETS: &str = "name your buckets with --bucket NAME=FOLDER or --bucket NAME=s3://BUCKET. Without \
                       --bucket, the only bucket is microservice-hw, the folder data in the current folder";
/// How URLs of remote stores begin.
const REMOTE: [&str; 5] = ["s3", "gs:", "az:", "abfs", "https:"];

/// The advice that goes with an error, if there is any.
pub(super) fn hint_of(error: &(dyn StdError + 'static)) -> Option<String> {
    if error.is::<BucketError>() {
        return Some(BUCKETS.to_owned());
    }
    error.downcast_ref::<Error>().map(hint)
}

fn hint(error: &Error) -> String {
    match error {
        Error::Target { remedy, .. } => remedy.clone(),
        Error::Exposed { remedy, .. } => {
            format!("take the right from them: {remedy}; or keep the data elsewhere: --data-dir")
        }
        Error::InUse { url: Some(url), .. } => format!("use its database: --database-url '{url}'"),
        Error::Download { .. } => {
            format!(
                "install PostgreSQL: {}; or use your own server: --database-url",
                install_command()
            )
        }
        Error::Database { source, .. } => database_hint(source).to_owned(),
        Error::OtherMode { load_id, mode, .. } => format!(
            "continue it with --mode {mode}; or remove what it has written: `stevedore loads discard {load_id}`"
        ),
        Error::FeedChanged { load_id, hash, .. } => format!(
            "put the earlier text back to continue it (select text from stevedore.feeds where hash = '{hash}'); \
             or remove what it has written: `stevedore loads discard {load_id}`"
        ),
        Error::Incomplete { load_id, .. } => format!(
            "fix the last cause, then run the same command again: it loads the missing parts. To remove the \
             committed parts instead: `stevedore loads discard {load_id}`"
        ),
        Error::Mismatch { object, .. } => format!(
            "its records are of another shape: `stevedore feed draft '{object}'` writes a feed file that loads \
             them; --no-preflight skips this check and loads what fits"
        ),
        other => fixed_hint(other).to_owned(),
    }
}

fn fixed_hint(error: &Error) -> &'static str {
    match error {
        Error::Location { location, .. } if is_remote(location) => {
            "check the URL and the settings of its store: AWS_…, GOOGLE_… or AZURE_… in the environment, \
             or behind the URL (?region=eu-west-1)"
        }
        Error::Location { .. } => {
            "name a file, a folder, a quoted pattern or a URL: file://, s3://, gs://, az://"
        }
        Error::Pattern { .. } => {
            "a pattern has `*`, `?`, `**`, `[abc]` and `{one,two}`; name several shorter ones, or the \
             objects themselves"
        }
        Error::Schema { .. } => {
            "name tables of your own schemas; use psql for those of the system: psql \"$DATABASE_URL\""
        }
        Error::NotFound { .. } => {
            "check the path or key; put patterns in quotes, so that the shell does not expand them"
        }
        Error::VersionNotFound { .. } => {
            "ask without a version for the newest one, or keep versions in the bucket"
        }
        Error::NoObjects { .. } => {
            "folders are searched for .json, .ndjson and .jsonl, also with .gz, .gzip or .zst; name \
             other files one by one"
        }
        Error::Read { source, .. } if source.to_string().contains(MACHINE_METADATA) => {
            "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or \
             AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS, or AZURE_STORAGE_ACCOUNT_KEY"
        }
        Error::Read { .. } if error.code() == "store_redirected" => {
            "if that is the right place, name it: the region of the bucket (AWS_REGION, or ?region= behind the \
             URL), or the endpoint (AWS_ENDPOINT_URL, or ?endpoint=)"
        }
        Error::Read { .. } if is_of_file_system(error) => {
            "let the user that runs this command read the file and enter its folders"
        }
        Error::Read { .. } if error.code() == "store_denied" => {
            "check the credentials (AWS_…, GOOGLE_… or AZURE_… in the environment), the region and \
             what they may read"
        }
        Error::Read { .. } => "check the network and the store, then run the same command again",
        Error::Changed { .. } => "run the same command again: it loads the new version",
        Error::Decompress { .. } => {
            "the data is cut off, damaged, or has a window of more than 64 MB: fetch or compress it again"
        }
        Error::ExpansionLimit { .. } => {
            "look at the object: it may be made to fill disks; if it is right, raise --max-expansion (0 is \
             no limit)"
        }
        Error::TextLimit { .. } => {
            "look at the object: it may be made to fill disks; if it is right, raise --max-text-bytes (0 is \
             no limit)"
        }
        Error::RejectLimit { .. } => {
            "look at the records of the object: they may be another feed's; to write all of them as rejects, \
             raise --max-rejects-in-a-row (0 is no limit)"
        }
        Error::TooManyRejects { .. } => {
            "look at the examples: the records may be another feed's, or their producer has changed; to load \
             what is valid, raise --max-rejected (of a job: max_rejected)"
        }
        Error::NoFeed { .. } => {
            "`stevedore feed list` shows the feeds; --feeds FOLDER names the folder of their files"
        }
        Error::FeedUnclear { .. } => {
            "name it: --feed NAME, or --feed FILE; or let `objects` of one feed file match the key. \
             `stevedore feed list` shows the feeds, and `stevedore feed draft` writes one"
        }
        Error::Feed { .. } => "correct the files: nothing was begun",
        Error::NotText { .. } => "if it is JSON, name its format: --format ndjson",
        Error::NoRecords { .. } => {
            "correct `records` in the feed file; `stevedore feed draft OBJECT` finds where the records are"
        }
        Error::Connect { .. } => {
            "check DATABASE_URL and that the server is up: psql \"$DATABASE_URL\""
        }
        Error::ConnectionOptions { .. } => {
            "see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING"
        }
        Error::RootCertificates { .. } => "set sslrootcert to a readable PEM file of certificates",
        Error::ClientCertificate { .. } => {
            "set sslcert and sslkey to readable PEM files; nobody else may be able to read the key"
        }
        Error::Pooled { .. } => REMEDY,
        Error::Cancelled { .. } => "run the same command again to load it",
        Error::Migrate { .. } => {
            "run `stevedore migrate` as a role that may create the schema stevedore"
        }
        Error::Outdated { .. } => "install the release that has migrated it, or a newer one",
        Error::NoLoad { .. } => "`stevedore loads list` lists the loads",
        Error::NoReject { .. } => "`stevedore rejects list` lists the rejects",
        Error::LoadEnded { .. } => {
            "to remove the rows of a complete load, delete them by their ingested_at and load_id"
        }
        Error::LoadRunning { .. } => {
            "stop the command or job that loads it, or wait until it ends; then run the same command again"
        }
        Error::DiscardDenied { .. } => {
            "run the same command as the owner of the tables: --database-url"
        }
        Error::Discarded { .. } => "run the same command again to load it from the beginning",
        Error::NoCrawler { .. } => "list the crawlers: `stevedore crawl list`",
        Error::Busy { .. } => "wait until it ends: `stevedore crawl list` shows its state",
        Error::Write { .. } => "free space there, or write to another folder",
        Error::CountMismatch { .. } => "look for triggers or rules that drop rows of the tables",
        Error::CommitUnknown { .. } => {
            "run the same command again: it loads the object unless it is loaded already"
        }
        Error::InUse { .. } => {
            "wait until the other process ends, or use another folder: --data-dir"
        }
        Error::Embedded { .. } => "fix the cause above, or use your own server: --database-url",
        _ => "nothing was written; please report this as a defect, with the object if you can",
    }
}

/// Whether the file system of this machine does not let us in.
fn is_of_file_system(error: &Error) -> bool {
    let first: &(dyn StdError + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |&error| error.source());
    causes.any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::PermissionDenied)
    })
}

fn is_remote(location: &str) -> bool {
    location.contains("://") && REMOTE.iter().any(|scheme| location.starts_with(scheme))
}

fn database_hint(error: &tokio_postgres::Error) -> &'static str {
    let Some(code) = error.code() else {
        return "run the same command again: nothing was written";
    };
    if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code) {
        "run the same command again: nothing was written"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        "run `stevedore migrate` as the owner of the tables, with --grant-load ROLE"
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        "another session holds the lock; nothing was written: run the same command again later"
    } else if *code == SqlState::DISK_FULL {
        "free space on the database server, and run the same command again"
    } else {
        "nothing was written: fix the cause above, then run the same command again"
    }
}
