//! What to do next about an error.

use std::error::Error as StdError;
use std::io;

use pipeline::database::install_command;
use pipeline::error::Error;
use tokio_postgres::error::SqlState;

/// Where a machine of a cloud is asked for its own credentials, after all else.
const MACHINE_METADATA: &str = "169.254.169.254";
/// How URLs of remote stores begin.
const REMOTE: [&str; 5] = ["s3", "gs:", "az:", "abfs", "https:"];

/// The advice that goes with an error.
pub(super) fn hint(error: &Error) -> String {
    match error {
        Error::Target { remedy, .. } => remedy.clone(),
        Error::Exposed { remedy, .. } => {
            format!("take the right from them: {remedy}; or keep the data elsewhere: --folder")
        }
        Error::InUse { url: Some(url), .. } => format!("use its database: --database-url '{url}'"),
        Error::Download { .. } => {
            format!("install PostgreSQL: {}; or use a server: --database-url", install_command())
        }
        Error::Database { source, .. } => database_hint(source).to_owned(),
        Error::OtherMode { mode, .. } => {
            format!(
                "go on with it: --mode {mode}; or remove what it has written, as the README says"
            )
        }
        other => fixed_hint(other).to_owned(),
    }
}

fn fixed_hint(error: &Error) -> &'static str {
    match error {
        Error::Location { location, .. } if is_remote(location) => {
            "check the URL, and the settings of its store: AWS_…, GOOGLE_… or AZURE_… in the \
             environment, or behind the URL: ?region=eu-west-1"
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
            "check the path or key; a pattern needs quotes, so that the shell leaves it alone"
        }
        Error::NoObjects { .. } => {
            "of a folder, files ending in .json, .ndjson or .jsonl are loaded, also .gz and .zst; \
             name others themselves"
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
        Error::Read { .. } => "check that the object may be read, and run the same command again",
        Error::Changed { .. } => "run the same command again: it loads the new version",
        Error::Decompress { .. } => {
            "fetch or compress it again: it is cut off, damaged, or needs more than 64 MB to decompress"
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
        Error::NotText { .. } => "if it is JSON all the same, say how: --format ndjson",
        Error::Connect { .. } => {
            "check DATABASE_URL and that the server is up: psql \"$DATABASE_URL\""
        }
        Error::ConnectionOptions { .. } => {
            "see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING"
        }
        Error::RootCertificates { .. } => {
            "name a file of certificates in PEM that can be read: sslrootcert"
        }
        Error::Mismatch { .. } => {
            "if the catalog is out of date, `stevedore crawl objects` the bucket anew (`stevedore \
             catalog list` names its table); --no-catalog loads the records as they are, rejected ones too"
        }
        Error::Incomplete { .. } => {
            "run the same command again, once what the last cause names is mended: it loads the parts \
             that are missing"
        }
        Error::Cancelled { .. } => "run the same command again to load it",
        Error::Migrate { .. } => {
            "run `stevedore migrate` as a role that may create the schema stevedore"
        }
        Error::NoCrawler { .. } => "`stevedore crawl list` shows which there are",
        Error::Busy { .. } => "wait for it to end: `stevedore crawl list` shows its state",
        Error::Write { .. } => "free space there, or name a file in another folder",
        Error::Unproven { .. } => "look for triggers or rules that drop rows of the tables",
        Error::CommitUnknown { .. } => "run the same command again: it loads what is not loaded",
        Error::InUse { .. } => "wait a moment, or use another folder: --folder",
        Error::Embedded { .. } => "mend what the message names, or use a server: --database-url",
        _ => "nothing was written; please report this with the object, if you can",
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
        "run `stevedore migrate` as the owner of the tables, and grant the rights of sql/grants.sql"
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        "run the same command again when whoever holds the lock is done: nothing was written"
    } else if *code == SqlState::DISK_FULL {
        "free space on the database server, and run the same command again"
    } else {
        "mend what the database names, and run the same command again: nothing was written"
    }
}
