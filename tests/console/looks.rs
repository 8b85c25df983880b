//! How the screens look: to everybody, in every light, and on narrow screens.

use super::*;
use crate::support::repository;

/// The kinds of screens, each with something on it.
async fn screens(serve: &Serve) -> Vec<String> {
    let jobs = serve.get("/v1/jobs?limit=1").await.json();
    let tables = serve.get("/v1/catalog/tables?limit=1").await.json();
    let job = jobs["jobs"][0]["job_id"].as_str().unwrap().to_owned();
    let table = tables["tables"][0]["name"].as_str().unwrap().to_owned();
    let more = [
        format!("/jobs/{job}"),
        "/loads/1".to_owned(),
        "/feeds/user_status".to_owned(),
        "/feeds/user_status/differences".to_owned(),
        format!("/catalog/{table}"),
        format!("/catalog/{table}?records=true"),
        "/new?bucket=bucket".to_owned(),
    ];
    SCREENS.iter().map(|screen| (*screen).to_owned()).chain(more).collect()
}

#[tokio::test]
async fn axe_finds_nothing_serious_on_any_screen_in_light_and_dark() {
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = serve(&database, folder.path()).await;
    let axe = std::fs::read_to_string(repository("tests/data/axe.min.js")).unwrap();
    for is_dark in [false, true] {
        let kind = Kind { is_dark, ..Kind::default() };
        let Some(browser) = Browser::start(kind).await else { return };
        for screen in screens(&serve).await {
            browser.open(&format!("{}{screen}", serve.url)).await;
            let dark =
                browser.run("return matchMedia('(prefers-color-scheme: dark)').matches").await;
            assert_eq!(dark, is_dark);
            browser.run(&axe).await;
            let found = browser
                .run_async(
                    "const done = arguments[arguments.length - 1];
                     axe.run().then(found => done(found.violations
                         .filter(it => ['serious', 'critical'].includes(it.impact))
                         .map(it => [it.id, it.help, it.nodes.map(node => node.html)])));",
                )
                .await;
            assert_eq!(found, json!([]), "{screen}, dark: {is_dark}");
        }
    }
}

#[tokio::test]
async fn no_screen_is_wider_than_a_phone_or_larger_than_60_kilobytes() {
    let Some(browser) = Browser::start(Kind { is_narrow: true, ..Kind::default() }).await else {
        return;
    };
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = serve(&database, folder.path()).await;
    let mut assets = 0;
    for asset in ["/assets/console.css", "/assets/console.js"] {
        assets += serve.get(asset).await.body.len();
    }
    for screen in screens(&serve).await {
        let page = serve.get(&screen).await;
        assert_eq!(page.status, 200, "{screen}");
        assert!(
            page.body.len() + assets <= 60 * 1024,
            "{screen}: {} bytes",
            page.body.len() + assets
        );
        browser.open(&format!("{}{screen}", serve.url)).await;
        let overflow =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.run(overflow).await, 0, "{screen}");
        assert_eq!(browser.run("return innerWidth").await, 400, "{screen}");
    }
}

/// The pictures of the guide, by the screens that they show.
const PICTURES: [(&str, &str); 9] = [
    ("now", "/"),
    ("jobs", "/jobs"),
    ("job", "/jobs/{job}"),
    ("load", "/loads/{load}"),
    ("rejects", "/rejects?state=open"),
    ("reject", "/rejects/{load}/8"),
    ("feed", "/feeds/user_status"),
    ("catalog", "/catalog"),
    ("new-load", "/new?bucket=bucket&key=user_status_sample.json"),
];

#[tokio::test]
async fn the_guide_has_a_picture_of_each_screen_in_light_and_dark() {
    let path = |name: &str, is_dark: bool| {
        let light = if is_dark { "dark" } else { "light" };
        repository(&format!("docs/images/{name}-{light}.png"))
    };
    let guide = std::fs::read_to_string(repository("docs/guides/console.md")).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_none() {
        for (name, _) in PICTURES {
            assert!(path(name, false).is_file() && path(name, true).is_file(), "{name}");
            assert!(guide.contains(&format!("../images/{name}-light.png")), "{name}");
        }
        return;
    }
    let (database, folder) = (TestDatabase::empty().await, bucket());
    let serve = serve(&database, folder.path()).await;
    let job = serve.get("/v1/jobs?key=user_status_dirty.ndjson").await.json();
    let job = job["jobs"][0].clone();
    for is_dark in [false, true] {
        let Some(browser) = Browser::start(Kind { is_dark, ..Kind::default() }).await else {
            return;
        };
        for (name, screen) in PICTURES {
            let screen = screen.replace("{job}", job["job_id"].as_str().unwrap());
            let screen = screen.replace("{load}", &job["load_id"].to_string());
            browser.open(&format!("{}{screen}", serve.url)).await;
            std::fs::write(path(name, is_dark), browser.screenshot().await).unwrap();
        }
    }
}
