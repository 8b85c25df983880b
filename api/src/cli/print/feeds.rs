//! What is printed of feeds.

use pipeline::feed::Feeds;

use super::Printer;
use super::table::framed;

impl Printer {
    /// The feeds, a line each.
    pub(crate) fn feeds(&self, feeds: &Feeds) {
        let mut shown = framed(["feed", "objects", "mode", "key", "tables"]);
        for feed in feeds.iter() {
            let key: Vec<_> = feed.key.iter().map(|column| column.as_str()).collect();
            let tables: Vec<_> = feed.plan.tables.iter().map(|table| table.name.plain()).collect();
            shown.add_row([
                feed.name.clone(),
                feed.objects.patterns().join(", "),
                feed.mode.to_string(),
                key.join(", "),
                tables.join(", "),
            ]);
        }
        self.text(&format!("{shown}\n"));
    }
}
