//! Requests that are counted, and what is told of them.

use http::Method;

use super::super::text::Format;
use super::*;

fn request(method: Method, uri: &str) -> Parts {
    let request = http::Request::builder().method(method).uri(uri).body(());
    request.expect("it is one").into_parts().0
}

fn text(requests: &Requests) -> String {
    let mut text = Text::new(Format::Plain);
    requests.write(&mut text);
    text.finish()
}

fn assert_has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line}\n{text}");
}

const PODS: &str = "/api/v1/namespaces/a/pods";

#[test]
fn requests_are_counted_by_what_they_are_about() {
    let requests = Arc::<Requests>::default();
    requests.begin(&request(Method::GET, PODS)).answered(200, 1500);
    requests.begin(&request(Method::GET, PODS)).answered(200, 10);
    let status = "/api/v1/namespaces/a/pods/b/status?dryRun=All";
    requests.begin(&request(Method::PATCH, status)).answered(404, 0);

    let text = text(&requests);

    let of = |dry_run: &str, rest: &str| {
        format!(
            "component=\"apiserver\",{dry_run}group=\"\",resource=\"pods\",{rest},version=\"v1\""
        )
    };
    let lists = "scope=\"namespace\",subresource=\"\",verb=\"LIST\"";
    let patches = "scope=\"resource\",subresource=\"status\",verb=\"PATCH\"";
    let (once, dry) = (of("dry_run=\"\",", lists), of("dry_run=\"All\",", patches));
    let plain = of("", lists);
    assert_has(&text, &format!("apiserver_request_total{{code=\"200\",{once}}} 2"));
    assert_has(&text, &format!("apiserver_request_total{{code=\"404\",{dry}}} 1"));
    assert_has(&text, &format!("apiserver_request_duration_seconds_count{{{once}}} 2"));
    assert_has(&text, &format!("apiserver_request_duration_seconds_count{{{dry}}} 1"));
    assert_has(&text, &format!("apiserver_request_sli_duration_seconds_count{{{plain}}} 2"));
    assert_has(&text, &format!("apiserver_response_sizes_bucket{{{plain},le=\"1000\"}} 1"));
    assert_has(&text, &format!("apiserver_response_sizes_sum{{{plain}}} 1510"));
    assert!(!text.contains("apiserver_request_sli_duration_seconds_count{component=\"apiserver\",group=\"\",resource=\"pods\",scope=\"resource\""));
}

#[test]
fn what_is_open_is_counted_while_it_is() {
    let requests = Arc::<Requests>::default();
    let open = || {
        let text = text(&requests);
        let line = text.lines().find(|line| line.starts_with("apiserver_longrunning_requests{"));
        line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
    };
    let running = requests.begin(&request(Method::GET, "/api/v1/pods?watch=1"));
    let streaming = running.streaming();

    let both = open();
    running.answered(200, 0);
    streaming.sends(&[vec![b'a'; 2000], vec![b'b']]);
    let one = open();
    drop(streaming);

    assert_eq!((both.as_deref(), one.as_deref()), (Some("1"), Some("1")));
    assert_eq!(open().as_deref(), Some("0"));
    let text = text(&requests);
    let of = "group=\"\",resource=\"pods\",version=\"v1\"";
    assert_has(&text, &format!("apiserver_watch_events_total{{{of}}} 2"));
    assert_has(&text, &format!("apiserver_watch_events_sizes_bucket{{{of},le=\"1024\"}} 1"));
    assert!(!text.contains("apiserver_request_duration_seconds"), "{text}");
}

#[test]
fn who_is_turned_away_or_gives_up_is_counted() {
    let requests = Arc::<Requests>::default();
    requests.refused(&request(Method::POST, PODS), 403);
    requests.terminated(&request(Method::POST, PODS), 429);
    drop(requests.begin(&request(Method::POST, PODS)));

    let text = text(&requests);

    let with_dry_run = "component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"pods\",scope=\"resource\",subresource=\"\",verb=\"POST\",version=\"v1\"";
    let of = with_dry_run.replace("dry_run=\"\",", "");
    for code in [403, 429] {
        let line = format!("apiserver_request_total{{code=\"{code}\",{with_dry_run}}} 1");
        assert_has(&text, &line);
    }
    assert_has(&text, &format!("apiserver_request_terminations_total{{code=\"429\",{of}}} 1"));
    assert_has(&text, &format!("apiserver_request_aborts_total{{{of}}} 1"));
    assert!(!text.contains("terminations_total{code=\"403\""), "{text}");
}

#[test]
fn what_is_late_was_turned_away_once() {
    let requests = Arc::<Requests>::default();
    let mut late = request(Method::POST, PODS);
    late.extensions.insert(Until(tokio::time::Instant::now()));
    requests.begin(&late).answered(201, 0);
    requests.terminated(&late, 504);

    let text = text(&requests);

    let of = "component=\"apiserver\",group=\"\",resource=\"pods\",scope=\"resource\",subresource=\"\",verb=\"POST\",version=\"v1\"";
    assert_has(&text, &format!("apiserver_request_terminations_total{{code=\"504\",{of}}} 2"));
}
