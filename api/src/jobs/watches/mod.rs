//! Watches: what arrives under a prefix is loaded.
//!
//! A listing on a schedule finds what is new or overwritten ([`mod@run`]); notices of the store say it sooner
//! ([`arrive`], [`messages`]). Both note what they found under one name of its version and submit its job in one
//! statement, so it does not matter which of them comes first, nor how often ([`note`]).

pub(crate) mod arrive;
mod messages;
mod note;
pub(crate) mod notices;
mod plan;
mod run;
mod watch;

use std::ops::ControlFlow;
use std::time::Duration;

use chrono::Utc;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use self::plan::Timing;
pub(crate) use self::plan::{Definition, WatchPlan};
pub(crate) use self::watch::{DefinedBy, Watch, WatchRun, WatchState};
pub(crate) use super::crawlers::plan::WrongPlan;
use super::schedule::{BY, Schedule, wait};
use super::store::{Store, StoreError, begin, commit, database_failed};

/// Watches that are made to run in one transaction.
const AT_ONCE: i64 = 100;

impl Store {
    /// Writes a watch, in place of one of its name if that may be; false if there is one that may not be replaced.
    pub(crate) async fn define_watch(
        &self,
        definition: &Definition,
        by: DefinedBy,
        may_replace: bool,
    ) -> Result<bool, StoreError> {
        let sql = include_str!("../../../../sql/queries/define_watch.sql");
        let Definition { name, plan, timing, token } = definition;
        let seconds = |seconds: Option<u32>| seconds.unwrap_or_default() as i32;
        let (settle, min_interval) = (seconds(plan.settle_secs), seconds(plan.min_interval_secs));
        let token = token.as_ref().map(<[u8; 32]>::as_slice);
        // Without backfill, what is there now is noted now.
        let next = match timing {
            Timing::At(_) if plan.backfill => timing.next_after(Utc::now()),
            _ => Some(Utc::now()),
        };
        let params: [&(dyn ToSql + Sync); 17] = [
            name,
            &plan.bucket,
            &plan.prefix(),
            &plan.glob,
            &plan.feed,
            &plan.mode(),
            &Json(&plan.labels),
            &timing.schedule(),
            &timing.every_secs(),
            &settle,
            &min_interval,
            &plan.backfill,
            &plan.queue,
            &token,
            &by.as_str(),
            &may_replace,
            &next,
        ];
        let written = self.client().await?.query_opt(sql, &params).await;
        Ok(written.map_err(database_failed("define the watch"))?.is_some())
    }

    /// A watch, if there is one.
    pub(crate) async fn watch(&self, name: &str) -> Result<Option<Watch>, StoreError> {
        Ok(self.find_watches(Some(name)).await?.pop())
    }

    /// All watches, in order of their names.
    pub(crate) async fn watches(&self) -> Result<Vec<Watch>, StoreError> {
        self.find_watches(None).await
    }

    async fn find_watches(&self, name: Option<&str>) -> Result<Vec<Watch>, StoreError> {
        let sql = include_str!("../../../../sql/queries/watches.sql");
        let client = self.client().await?;
        let failed = || database_failed("read the watches");
        let statement = client.prepare_cached(sql).await.map_err(failed())?;
        let rows = client.query(&statement, &[&name]).await.map_err(failed())?;
        Ok(rows.iter().map(Watch::from).collect())
    }

    /// Hands over runs of a watch that are older than one, newest first, until `take` has enough.
    pub(crate) async fn watch_runs(
        &self,
        name: &str,
        (before, limit): (Option<Uuid>, i64),
        mut take: impl FnMut(WatchRun) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = include_str!("../../../../sql/queries/watch_runs.sql");
        let params: [&(dyn ToSql + Sync); 3] = [&name, &before, &limit];
        self.each("list runs of a watch", sql, &params, |row| take(row.into())).await
    }

    /// Changes something of a watch; false if there is none.
    async fn change_watch(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<bool, StoreError> {
        let changed = self.client().await?.execute(sql, params).await;
        Ok(changed.map_err(database_failed("change the watch"))? > 0)
    }

    /// Has a watch do nothing until it is resumed.
    pub(crate) async fn pause_watch(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "update stevedore.watches set is_paused = true where name = $1::text";
        self.change_watch(sql, &[&name]).await
    }

    /// Has a watch list now what arrived while it was paused, and go on.
    pub(crate) async fn resume_watch(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "update stevedore.watches set is_paused = false, next_run_at = clock_timestamp() \
            where name = $1::text";
        self.change_watch(sql, &[&name]).await
    }

    /// Gives the notices of a watch another token.
    pub(crate) async fn renew_token(
        &self,
        name: &str,
        hash: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let sql = "update stevedore.watches set token_sha256 = $2 where name = $1::text";
        self.change_watch(sql, &[&name, &hash.as_slice()]).await
    }

    /// Removes a watch and what it knows of objects.
    pub(crate) async fn remove_watch(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "delete from stevedore.watches where name = $1::text";
        self.change_watch(sql, &[&name]).await
    }

    /// Has a worker list what a watch is over, and returns the run; none if one waits or goes on already.
    pub(crate) async fn request_watch_run(
        &self,
        name: &str,
        by: &str,
    ) -> Result<Option<Uuid>, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let run = self.request_watch_run_in(&transaction, name, by).await?;
        commit(transaction).await?;
        Ok(run)
    }

    async fn request_watch_run_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        name: &str,
        by: &str,
    ) -> Result<Option<Uuid>, StoreError> {
        let sql = "insert into stevedore.watch_runs (run_id, watch, requested_by) \
            select $2, name, $3::text from stevedore.watches where name = $1::text \
            on conflict (watch) where state <> 'ended' do nothing";
        let run_id = Uuid::now_v7();
        let written = transaction.execute(sql, &[&name, &run_id, &by]).await;
        if written.map_err(database_failed("ask for a listing"))? == 0 {
            return Ok(None);
        }
        let added = self.queue().add_watch_run(transaction, name, run_id).await;
        added.map_err(StoreError::Queue)?;
        Ok(Some(run_id))
    }

    /// Has those watches list that are due, once for however many times they were due while nobody looked; how
    /// long to wait before the next look. One that lists just now is looked at when it is done.
    pub(super) async fn run_due_watches(&self) -> Result<Duration, StoreError> {
        let failed = || database_failed("look for watches that are due");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = "select name, schedule, every_secs, clock_timestamp() as now \
            from stevedore.watches w \
            where not is_paused and next_run_at <= clock_timestamp() and not exists \
            (select from stevedore.watch_runs r where r.watch = w.name and r.state <> 'ended') \
            order by next_run_at limit $1 for no key update skip locked";
        let due = transaction.query(sql, &[&AT_ONCE]).await.map_err(failed())?;
        for row in &due {
            let (name, now) = (row.get::<_, &str>("name"), row.get("now"));
            let schedule = row.get::<_, Option<&str>>("schedule");
            let timing = match schedule.and_then(|schedule| schedule.parse::<Schedule>().ok()) {
                Some(schedule) => Timing::At(Box::new(schedule)),
                None => Timing::Every(
                    row.get::<_, Option<i32>>("every_secs").map_or(60, i32::unsigned_abs),
                ),
            };
            let sql = "update stevedore.watches set next_run_at = $2 where name = $1::text";
            let next = timing.next_after(now);
            transaction.execute(sql, &[&name, &next]).await.map_err(failed())?;
            self.request_watch_run_in(&transaction, name, BY).await?;
            tracing::debug!(watch = name, "a watch is due");
        }
        let sql = "select extract(epoch from min(next_run_at) - clock_timestamp())::float8 \
            from stevedore.watches w where not is_paused and not exists \
            (select from stevedore.watch_runs r where r.watch = w.name and r.state <> 'ended')";
        let row = transaction.query_one(sql, &[]).await.map_err(failed())?;
        commit(transaction).await?;
        Ok(wait(row.get(0)))
    }
}
