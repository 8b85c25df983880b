//! `stevedore crawl`: finds out what is in a bucket or in Postgres, and catalogs it.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use pipeline::catalog::definition::{Definition, ObjectsTarget, TablesTarget, Target};
use pipeline::catalog::progress::Run;
use pipeline::catalog::run::{Report, crawl as run};
use pipeline::catalog::store::Crawlers;
use pipeline::database::migrate;
use pipeline::error::{Error, Result};
use pipeline::json::path::JsonPath;
use pipeline::store::Bucket;
use uuid::Uuid;

use super::print::Printer;
use super::progress::Bar;
use super::session::Session;
use crate::buckets::{BucketSetting, environment};
use crate::config::{
    CrawlArgs, CrawlObjectsArgs, CrawlPostgresArgs, CrawlRunArgs, CrawlVerb, DatabaseArgs,
};
use crate::failpoint;
use crate::jobs::crawlers;

pub(super) async fn crawl(args: &CrawlArgs, printer: &Printer) -> ExitCode {
    let (crawled, json, what) = match &args.verb {
        CrawlVerb::Objects(args) => (objects(args, printer).await, args.json, &*args.bucket),
        CrawlVerb::Postgres(args) => (postgres(args, printer).await, args.json, "the database"),
        CrawlVerb::Run(args) => (again(args, printer).await, args.json, &*args.name),
        CrawlVerb::List(database) => return list(database, printer).await,
    };
    match crawled {
        Ok(report) if json => printer.json(&report),
        Ok(Report::Objects(report)) => printer.crawl(&report),
        Ok(Report::Postgres(report)) => printer.crawl_of_tables(&report),
        Err(error) => return printer.failed(&format!("could not crawl {what}"), &error),
    }
    ExitCode::SUCCESS
}

async fn objects(args: &CrawlObjectsArgs, printer: &Printer) -> Result<Report> {
    let bucket = bucket(&args.bucket, &args.buckets.settings)?;
    let definition = Definition {
        name: args.name.clone().unwrap_or_else(|| default_name(&bucket, args)),
        database: args.catalog_database.clone(),
        target: Target::Objects(ObjectsTarget {
            bucket: bucket.name.clone(),
            prefix: args.prefix.clone(),
            include: args.include.clone(),
            exclude: args.exclude.clone(),
            paths: args.paths.clone(),
            sample: args.sample.0,
            parallel: args.parallel,
        }),
        policies: (&args.policies).into(),
    };
    definition.target.check()?;
    let mut session = Session::open(&args.database, true, printer).await?;
    let crawled = define_and_run(&definition, Some(&bucket), &mut session, printer).await;
    session.close().await?;
    crawled
}

/// The bucket, the prefix and the paths: crawls that look for other records are other crawlers.
fn default_name(bucket: &Bucket, args: &CrawlObjectsArgs) -> String {
    let mut name = match args.prefix.as_str() {
        "" => bucket.name.clone(),
        prefix => format!("{}/{prefix}", bucket.name),
    };
    let root = JsonPath::default();
    for path in args.paths.iter().filter(|path| args.paths.len() > 1 || **path != root) {
        name.push_str(&format!(" {path}"));
    }
    name
}

async fn postgres(args: &CrawlPostgresArgs, printer: &Printer) -> Result<Report> {
    let target = Target::Postgres(TablesTarget {
        schemas: args.schemas.clone(),
        include: args.include.clone(),
        exclude: args.exclude.clone(),
    });
    target.check()?;
    let mut session = Session::open(&args.database, true, printer).await?;
    let crawled = async {
        let definition = Definition {
            name: match &args.name {
                Some(name) => name.clone(),
                None => format!("postgres/{}", name_of_database(&session).await?),
            },
            database: args.catalog_database.clone(),
            target,
            policies: (&args.policies).into(),
        };
        define_and_run(&definition, None, &mut session, printer).await
    };
    let crawled = crawled.await;
    session.close().await?;
    crawled
}

async fn name_of_database(session: &Session) -> Result<String> {
    let row = session.connection.query_one("select current_database()::text", &[]).await;
    let failed = |source| Error::Database { doing: "ask for the database's name".into(), source };
    Ok(row.map_err(failed)?.get(0))
}

async fn again(args: &CrawlRunArgs, printer: &Printer) -> Result<Report> {
    let mut session = Session::open(&args.database, true, printer).await?;
    let crawled = async {
        let definition = Crawlers::get(&*session.connection, &args.name).await?;
        let bucket = match &definition.target {
            Target::Objects(target) => configured(&target.bucket, &args.buckets.settings)?,
            Target::Postgres(_) => None,
        };
        run_here(&definition, bucket.as_ref(), &mut session, printer).await
    };
    let crawled = crawled.await;
    session.close().await?;
    crawled
}

async fn define_and_run(
    definition: &Definition,
    bucket: Option<&Bucket>,
    session: &mut Session,
    printer: &Printer,
) -> Result<Report> {
    Crawlers::define(&*session.connection, definition).await?;
    run_here(definition, bucket, session, printer).await
}

async fn run_here(
    definition: &Definition,
    bucket: Option<&Bucket>,
    session: &mut Session,
    printer: &Printer,
) -> Result<Report> {
    let progress = Arc::default();
    let _bar = Bar::of_crawl(&progress, printer);
    let this = Run { run_id: Uuid::now_v7(), progress, hit: failpoint::hit };
    run(definition, bucket, &this, &mut session.connection).await
}

async fn list(database: &DatabaseArgs, printer: &Printer) -> ExitCode {
    let listed = async {
        let mut session = Session::open(database, false, printer).await?;
        migrate(&mut session.connection).await?;
        let crawlers = crawlers::list(&*session.connection, None).await;
        session.close().await?;
        crawlers.map_err(|source| Error::Database { doing: "read the crawlers".into(), source })
    };
    match listed.await {
        Ok(crawlers) => {
            printer.crawlers(&crawlers);
            ExitCode::SUCCESS
        }
        Err(error) => printer.failed("could not list the crawlers", &error),
    }
}

/// The configured bucket of that name, else the one of that URL, named by the end of it.
fn bucket(wanted: &str, settings: &[BucketSetting]) -> Result<Bucket> {
    if let Some(bucket) = configured(wanted, settings)? {
        return Ok(bucket);
    }
    let plain = wanted.split('?').next().unwrap_or_default().trim_end_matches('/');
    let path = std::path::absolute(plain).unwrap_or_default();
    let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
    Bucket::open(&name.unwrap_or_else(|| "bucket".to_owned()), wanted, &environment())
}

fn configured(name: &str, settings: &[BucketSetting]) -> Result<Option<Bucket>> {
    // Of two with one name the later counts, as for `serve`.
    let named = settings.iter().rfind(|setting| setting.name == name);
    named.map(|setting| Bucket::open(name, &setting.url, &environment())).transpose()
}
