//! `/healthz`, `/livez` and `/readyz`: whether the API server works, check by check.
//!
//! Source: apiserver/pkg/server/healthz/healthz.go, v1.36.

use crate::call::{Call, Response};
use crate::root;

const PLAIN: &str = "text/plain; charset=utf-8";

/// The checks of all three, in order.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

/// What only `/readyz` asks beside.
const SHUTDOWN: &str = "shutdown";

/// Where they are asked for.
const ROOTS: [&str; 3] = ["healthz", "livez", "readyz"];

/// The checks of one of them.
fn checks(name: &str) -> impl Iterator<Item = &'static str> + Clone {
    CHECKS.into_iter().chain((name == "readyz").then_some(SHUTDOWN))
}

/// Which health is asked for, if any is.
pub(crate) fn asked(path: &str) -> Option<&str> {
    let name = path.split('/').nth(1)?;
    ROOTS.contains(&name).then_some(name)
}

/// The paths at which the whole and each check can be asked.
pub(crate) fn paths() -> impl Iterator<Item = String> {
    ROOTS.into_iter().flat_map(|name| {
        let each = checks(name).map(move |check| format!("/{name}/{check}"));
        std::iter::once(format!("/{name}")).chain(each)
    })
}

/// The answer, where the store can be asked or not.
pub(crate) fn answer(call: &Call, has_store: bool) -> Response {
    let name = asked(&call.path).unwrap_or("healthz");
    let checks = checks(name);
    let is_ok = |check: &str| match check {
        "etcd" => has_store,
        SHUTDOWN => !call.is_closing,
        _ => true,
    };
    match call.path.split('/').filter(|part| !part.is_empty()).nth(1) {
        None => all(call, name, checks.map(|check| (check, is_ok(check))).collect()),
        Some(one) if checks.clone().any(|check| check == one) && is_ok(one) => {
            Response::bytes(200, PLAIN, b"ok".to_vec())
        }
        Some(one) if checks.clone().any(|check| check == one) => {
            Response::bytes(500, PLAIN, format!("internal server error: {one} failed\n").into())
        }
        Some(_) => root::page_not_found(),
    }
}

/// What somebody asked of the health of a server: all checks of a root but some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthAsked {
    /// `healthz`, `livez` or `readyz`.
    pub root: &'static str,
    excluded: Vec<String>,
    is_closing: bool,
}

/// What a request asks of all checks, if it does; one for a single check does not.
pub fn asks_for_health(call: &Call) -> Option<HealthAsked> {
    let name = call.path.trim_matches('/');
    let root = ROOTS.into_iter().find(|root| *root == name)?;
    let excluded = call.parameters("exclude").map(str::to_owned).collect();
    Some(HealthAsked { root, excluded, is_closing: call.is_closing })
}

impl HealthAsked {
    /// How each check went that was not left out, as the answer of this code tells; nothing where nothing was checked.
    pub fn checks(&self, code: u16) -> Vec<(&'static str, bool)> {
        if !matches!(code, 200 | 500) {
            return vec![];
        }
        let asked =
            checks(self.root).filter(|check| !self.excluded.iter().any(|name| name == check));
        let closes = self.is_closing && asked.clone().any(|check| check == SHUTDOWN);
        // Of a server that closes nobody knows whether its store could be asked, too.
        let failed = if closes { SHUTDOWN } else { "etcd" };
        asked.map(|check| (check, code == 200 || check != failed)).collect()
    }
}

fn all(call: &Call, name: &str, checks: Vec<(&str, bool)>) -> Response {
    let excluded: Vec<&str> = call.parameters("exclude").collect();
    let mut lines = String::new();
    let mut fails = false;
    for (check, is_ok) in &checks {
        let is_excluded = excluded.contains(check);
        fails |= !is_ok && !is_excluded;
        lines += &match (is_excluded, is_ok) {
            (true, _) => format!("[+]{check} excluded: ok\n"),
            (false, true) => format!("[+]{check} ok\n"),
            (false, false) => format!("[-]{check} failed: reason withheld\n"),
        };
    }
    let unknown: Vec<String> = excluded
        .iter()
        .filter(|excluded| !checks.iter().any(|(check, _)| check == *excluded))
        .map(|excluded| format!("{excluded:?}"))
        .collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(",");
        lines +=
            &format!("warn: some health checks cannot be excluded: no matches for {unknown}\n");
    }
    let is_verbose = call.query.iter().any(|(parameter, _)| parameter == "verbose");
    match (fails, is_verbose) {
        (true, _) => {
            Response::bytes(500, PLAIN, format!("{lines}{name} check failed\n").into_bytes())
        }
        (false, true) => {
            Response::bytes(200, PLAIN, format!("{lines}{name} check passed\n").into_bytes())
        }
        (false, false) => Response::bytes(200, PLAIN, b"ok".to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(path: &str, query: &[(&str, &str)], has_store: bool) -> (u16, String) {
        let query = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let call = Call { path: path.to_owned(), query, ..Call::default() };
        let response = answer(&call, has_store);
        (response.code, String::from_utf8(response.body).expect("it is text"))
    }

    #[test]
    fn who_is_well_says_ok_and_more_if_asked() {
        assert_eq!(ask("/readyz", &[], true), (200, "ok".to_owned()));
        let told = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n";
        assert_eq!(ask("/readyz", &[("verbose", "")], true), (200, told.to_owned()));
        let told = "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\nlivez check passed\n";
        let query = [("verbose", ""), ("exclude", "etcd")];
        assert_eq!(ask("/livez", &query, true), (200, told.to_owned()));
    }

    #[test]
    fn who_has_no_store_says_so_unless_nobody_wants_to_know() {
        let told = "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\nlivez check failed\n";
        assert_eq!(ask("/livez", &[], false), (500, told.to_owned()));
        assert_eq!(ask("/livez", &[("exclude", "etcd")], false), (200, "ok".to_owned()));
    }

    #[test]
    fn who_closes_is_alive_and_not_ready() {
        let ask = |path: &str| {
            let call = Call { path: path.to_owned(), is_closing: true, ..Call::default() };
            let checks = asks_for_health(&call).map(|asked| asked.checks(500));
            let response = answer(&call, true);
            (response.code, String::from_utf8(response.body).expect("it is text"), checks)
        };

        let told = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[-]shutdown failed: reason withheld\n\
                    readyz check failed\n";
        let checks = [("ping", true), ("log", true), ("etcd", true), (SHUTDOWN, false)];
        assert_eq!(ask("/readyz"), (500, told.to_owned(), Some(checks.to_vec())));
        assert_eq!(ask("/readyz/shutdown").0, 500);
        assert_eq!(ask("/livez").0, 200);
    }

    #[test]
    fn a_check_can_be_asked_alone() {
        assert_eq!(ask("/livez/ping", &[], false), (200, "ok".to_owned()));
        assert_eq!(ask("/livez/etcd", &[], false).0, 500);
        assert_eq!(ask("/livez/nope", &[], true).0, 404);
    }

    #[test]
    fn an_answer_tells_how_each_check_went() {
        let checks = |path: &str, excluded: &str, code| {
            let query = vec![("exclude".to_owned(), excluded.to_owned())];
            let call = Call { path: path.to_owned(), query, ..Call::default() };
            asks_for_health(&call).map(|asked| asked.checks(code))
        };
        let well = [("ping", true), ("log", true), ("etcd", true)];
        assert_eq!(checks("/livez", "", 200), Some(well.to_vec()));
        assert_eq!(checks("/livez", "", 500).unwrap()[2], ("etcd", false));
        assert_eq!(checks("/livez/", "etcd", 200), Some(well[..2].to_vec()));
        assert_eq!(checks("/readyz", "", 200).unwrap().len(), 4);
        assert_eq!(checks("/livez/etcd", "", 500), None);
        assert_eq!(checks("/version", "", 200), None);
        assert_eq!(checks("/livez", "", 405), Some(vec![]));
    }

    #[test]
    fn what_cannot_be_left_out_is_named() {
        let (code, told) = ask("/livez", &[("exclude", "nope"), ("verbose", "")], true);

        assert_eq!(code, 200);
        assert!(told.contains("no matches for \"nope\"\n"), "{told}");
    }
}
