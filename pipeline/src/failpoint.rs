//! The points of a load, crawl or watch at which a test may stop it.

/// A point of a load, crawl or watch; a crash before it and one after it leave different things behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// The ledger has the plan of a load in parts, and nothing is committed.
    PlanRecorded,
    /// The plan of a load in parts is committed.
    Planned,
    /// Rejects are claimed for a replay, and nothing is committed.
    RejectsClaimed,
    /// All rows of child tables are sent.
    ChildrenCopied,
    /// All rows of rejected records are sent.
    RejectsCopied,
    /// All rows of the root table are sent, in merge mode to the staging table.
    RootCopied,
    /// The staged rows are merged.
    Merged,
    /// The ledger has what a part became, and nothing of the part is committed.
    PartRecorded,
    /// A part is committed.
    PartCommitted,
    /// The ledger has its row, and nothing is committed.
    Recorded,
    /// Everything is committed, and nobody knows yet.
    Committed,
    /// Of a crawl: what some objects hold is kept, others are not listed yet.
    ObjectsKept,
    /// Of notices: messages of a queue are taken, and nothing is noted.
    MessagesTaken,
    /// Of notices: the jobs are committed, and the messages are not deleted yet.
    ArrivalsNoted,
    /// Of a watch: a page of a listing is noted, and others are not listed yet.
    PageNoted,
}

impl Failpoint {
    /// The point's name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PlanRecorded => "plan_recorded",
            Self::Planned => "planned",
            Self::RejectsClaimed => "rejects_claimed",
            Self::ChildrenCopied => "children_copied",
            Self::RejectsCopied => "rejects_copied",
            Self::RootCopied => "root_copied",
            Self::Merged => "merged",
            Self::PartRecorded => "part_recorded",
            Self::PartCommitted => "part_committed",
            Self::Recorded => "recorded",
            Self::Committed => "committed",
            Self::ObjectsKept => "objects_kept",
            Self::MessagesTaken => "messages_taken",
            Self::ArrivalsNoted => "arrivals_noted",
            Self::PageNoted => "page_noted",
        }
    }
}
