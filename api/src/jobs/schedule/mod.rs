//! Schedules of crawlers and watches: whichever worker looks first has one run that is due.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::listener::Notice;
use super::store::{Store, StoreError, begin, commit, database_failed};
use super::worker::Worker;

/// Longest time between two looks for what is due.
const LOOK: Duration = Duration::from_secs(10);
/// Crawlers or watches that are made to run in one transaction.
const AT_ONCE: i64 = 100;
/// Longest schedule.
const CHARACTERS: usize = 200;
/// Who is said to have asked for a run that was due.
pub(super) const BY: &str = "schedule";

/// When something is due: minute, hour, day, month and weekday as cron has them, in UTC.
#[derive(Debug, Clone)]
pub(crate) struct Schedule(Cron);

/// Why a text is no schedule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScheduleError {
    #[error("a schedule has five fields of at most {CHARACTERS} characters")]
    Long,
    #[error("the schedule cannot be read: {0}")]
    Cron(#[from] croner::errors::CronError),
    #[error("the schedule is never due")]
    Never,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        if text.len() > CHARACTERS || !text.is_ascii() {
            return Err(ScheduleError::Long);
        }
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let schedule = Self(parser.parse(text)?);
        schedule.next_after(Utc::now()).ok_or(ScheduleError::Never)?;
        Ok(schedule)
    }
}

impl Schedule {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first time after another at which it is due.
    pub(crate) fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_next_occurrence(&at, false).ok()
    }
}

impl Worker {
    /// Has crawlers and watches run when they are due, for ever.
    pub(super) async fn keep_schedules(self: Arc<Self>) {
        let mut notices = self.listener.subscribe();
        loop {
            let due = async {
                let crawlers = self.store.run_due().await?;
                Ok::<_, StoreError>(crawlers.min(self.store.run_due_watches().await?))
            };
            let wait = due.await.unwrap_or_else(|error| {
                tracing::debug!(%error, "schedules cannot be looked at");
                LOOK
            });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = told(&mut notices) => {}
            }
        }
    }
}

impl Store {
    /// Has those crawlers run that are due, once for however many times they were due while nobody
    /// looked; how long to wait before the next look.
    async fn run_due(&self) -> Result<Duration, StoreError> {
        let failed = || database_failed("look for crawlers that are due");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = "select name, schedule, clock_timestamp() as now from stevedore.crawlers \
            where next_run_at <= clock_timestamp() order by next_run_at limit $1 \
            for update skip locked";
        let due = transaction.query(sql, &[&AT_ONCE]).await.map_err(failed())?;
        for row in &due {
            let (name, now) = (row.get::<_, &str>("name"), row.get("now"));
            let schedule = row.get::<_, Option<&str>>("schedule").unwrap_or_default();
            let next = Schedule::from_str(schedule).ok().and_then(|it| it.next_after(now));
            let sql = "update stevedore.crawlers set next_run_at = $2 where name = $1::text";
            transaction.execute(sql, &[&name, &next]).await.map_err(failed())?;
            let is_requested = self.request_crawl_in(&transaction, name, BY).await?.is_some();
            tracing::info!(crawler = name, is_requested, "a crawler is due");
        }
        let sql = "select extract(epoch from min(next_run_at) - clock_timestamp())::float8 \
            from stevedore.crawlers";
        let row = transaction.query_one(sql, &[]).await.map_err(failed())?;
        commit(transaction).await?;
        Ok(wait(row.get(0)))
    }
}

/// How long to wait before the next look, if something is due in so many seconds.
pub(super) fn wait(seconds: Option<f64>) -> Duration {
    let seconds = seconds.unwrap_or(f64::MAX).max(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(LOOK).min(LOOK)
}

/// Waits until the database tells that watches are to be looked at.
pub(super) async fn told(notices: &mut Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Watches | Notice::Missed) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
