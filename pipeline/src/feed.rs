//! What a feed is: the shape of its records, their rules and the tables they go to.
//!
//! A [`Feed`] is one value from which decode, frames and sink are built; adding a feed is adding a
//! value like [`USER_STATUS`] and its tables in `sql/feeds/`. Column names of the frames are the
//! column names of the target tables.

/// The declared shape of records, their rules and their target tables.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// The name by which the ledger and the command line know the feed.
    pub name: &'static str,
    /// The fields of a record, in the order in which problems are looked for and in which
    /// `error_rec` prints them. Exactly one of them is a [`Kind::List`].
    pub fields: &'static [Field],
    /// The column whose value identifies a row of the status table in merge mode.
    pub key: &'static str,
    /// The column whose greatest value wins in merge mode.
    pub latest_by: &'static str,
    /// The table of valid records without their list.
    pub status_table: &'static str,
    /// The table of list entries: the key column, then the columns of the entry.
    pub log_table: &'static str,
    /// The table of rejected records.
    pub rejected_table: &'static str,
    /// Idempotent SQL that creates the three tables where they are missing and adds the columns
    /// that an older table of rejected records lacks.
    pub tables_sql: &'static str,
}

/// One field of a record, or of an entry of its list.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The JSON key; keys match without regard to ASCII case.
    pub name: &'static str,
    /// How `error_rec` calls the field.
    pub label: &'static str,
    /// The column of the frames and of the target table.
    pub column: &'static str,
    /// Which JSON values the field takes.
    pub kind: Kind,
    /// Whether a record without a value for it is rejected.
    pub required: bool,
    /// Whether a record whose value is `''` is rejected.
    pub non_empty: bool,
}

/// Which JSON values a field takes, and what they become.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string; a number or boolean is taken as the text that is written.
    Text,
    /// A number written as an integer, within the range of the target column.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An array of objects of these fields, or nulls; each becomes a row of the log table.
    List(&'static [Field]),
}

impl Field {
    const fn required(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { name, label: name, column, kind, required: true, non_empty: false }
    }

    const fn optional(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { required: false, ..Self::required(name, column, kind) }
    }
}

impl Feed {
    /// The list to explode, and the fields of its entries.
    #[must_use]
    pub fn list(&self) -> (&'static Field, &'static [Field]) {
        let mut lists = self.fields.iter().filter_map(|field| match field.kind {
            Kind::List(entry) => Some((field, entry)),
            _ => None,
        });
        lists.next().unwrap_or((&self.fields[0], &[]))
    }

    /// The fields that are columns of the status table: all but the list.
    pub fn scalars(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().filter(|field| !matches!(field.kind, Kind::List(_)))
    }
}

/// The statuses of users: the latest of each, their history, and the records that are neither.
pub static USER_STATUS: Feed = Feed {
    name: "user_status",
    fields: &[
        Field { label: "userid", ..Field::required("userId", "userid", Kind::Text) },
        Field::required("createdAt", "createdat", Kind::Text),
        Field::required("lastVisitedAt", "lastvisitedat", Kind::Integer),
        Field { non_empty: true, ..Field::required("status", "status", Kind::Text) },
        Field::required(
            "statusLogs",
            "statuslogs",
            Kind::List(&[
                Field::optional("updatedOn", "updatedon", Kind::Text),
                Field::optional("status", "status", Kind::Text),
            ]),
        ),
        Field::required("isBlacklisted", "isblacklisted", Kind::Boolean),
    ],
    key: "userid",
    latest_by: "lastvisitedat",
    status_table: "user_status",
    log_table: "user_status_log",
    rejected_table: "user_status_error_rec",
    tables_sql: include_str!("../../sql/feeds/user_status.sql"),
};

/// Why a record was rejected: the word in the column `reason`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reason {
    /// The text is not JSON (RFC 8259) in UTF-8, or not one value.
    #[default]
    Malformed,
    /// The text is JSON, but not an object.
    NotAnObject,
    /// The text is longer than a record may be.
    TooLarge,
    /// A required field is null or missing.
    NullField,
    /// A field that must not be empty is `''`.
    EmptyStatus,
    /// A value is of a type that the field does not take.
    WrongType,
    /// A value does not fit the target column.
    OutOfRange,
    /// A text holds U+0000, which Postgres cannot store.
    NulCharacter,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::NotAnObject,
        Self::TooLarge,
        Self::NullField,
        Self::EmptyStatus,
        Self::WrongType,
        Self::OutOfRange,
        Self::NulCharacter,
    ];

    /// The word as it stands in tables, JSON and summaries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAnObject => "not_an_object",
            Self::TooLarge => "too_large",
            Self::NullField => "null_field",
            Self::EmptyStatus => "empty_status",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::NulCharacter => "nul_character",
        }
    }
}
