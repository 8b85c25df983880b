//! The feeds: those that are built in, and those of a folder.

use std::io;
use std::path::Path;

use pipeline::error::Result;
use pipeline::feed::Feeds;
use pipeline::trust::{self, TrustError};

/// The folder that is read when none is named, if it is there.
const DEFAULT: &str = "feeds";

/// The feeds that are built in, and those of a folder in place of those that have their names.
///
/// # Errors
/// [`Error::Feed`](pipeline::error::Error::Feed) with all that is wrong with any of the files.
pub(crate) fn read(folder: Option<&Path>) -> Result<Feeds> {
    let mut feeds = Feeds::built_in()?;
    match folder {
        Some(folder) => feeds.add_folder(folder, |file| std::fs::read_to_string(file))?,
        None if Path::new(DEFAULT).is_dir() => feeds.add_folder(Path::new(DEFAULT), unnamed)?,
        None => {}
    }
    Ok(feeds)
}

/// The text of a file that nobody has named. Who can change it decides which tables are written, so it is
/// read only if no stranger can.
fn unnamed(file: &Path) -> io::Result<String> {
    trust::read_text_here(file).map_err(|error| match error {
        TrustError::Io(error) => error,
        TrustError::Exposed { reason, remedy } => io::Error::other(format!(
            "it is not read, because another user could have written it: {reason}; remove that right: \
             {remedy}; or name the folder yourself: --feeds {DEFAULT}"
        )),
    })
}
