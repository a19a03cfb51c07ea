//! Who a request acts as, when its sender acts as somebody else.
//!
//! Source: apiserver/pkg/endpoints/filters/impersonation/impersonation.go, v1.36. Everybody who is known may
//! act as anybody, as everything else is allowed to them.

use api::{Reason, Status};
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::call::User;

const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const EXTRA: &str = "impersonate-extra-";

/// Who is asked for in the headers; whoever asks, if nobody is. A 400 for a group, a uid or extras of
/// nobody, a 403 where nobody in particular asks.
pub fn acting(user: User, headers: &HeaderMap) -> Result<User, Status> {
    let name = first(headers, "impersonate-user");
    let (groups, uid) = (groups(headers), first(headers, "impersonate-uid"));
    let extras: Vec<(String, String)> = extras(headers).collect();
    if name.is_empty() {
        let is_nobody = groups.is_empty() && uid.is_empty() && extras.is_empty();
        let why = "requested a group, a uid or extras without impersonating a user";
        return if is_nobody { Ok(user) } else { Err(Status::bad_request(why)) };
    }
    if user.is_anonymous() {
        let who = &user.name;
        let why = format!(
            "users \"{name}\" is forbidden: User \"{who}\" cannot impersonate resource \"users\" in API group \
             \"\" at the cluster scope"
        );
        return Err(Status::new(Reason::Forbidden, why));
    }
    let groups = if groups.is_empty() { account_groups(&name) } else { groups };
    let mut acting = User { groups: with_class(groups, &name), name, uid, ..User::default() };
    for (key, value) in extras {
        acting.extra.entry(key).or_default().push(value);
    }
    Ok(acting)
}

/// Removes what says who is acted as.
pub fn without(headers: &mut HeaderMap) {
    let names = headers.keys().filter(|name| name.as_str().starts_with("impersonate-"));
    for name in names.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
}

fn first(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn groups(headers: &HeaderMap) -> Vec<String> {
    let groups = headers.get_all("impersonate-group").iter();
    groups.filter_map(|group| group.to_str().ok()).map(str::to_owned).collect()
}

/// What stands behind the prefix, each with one value.
fn extras(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    headers.iter().filter_map(|(name, value)| {
        let key = percent_decode_str(name.as_str().strip_prefix(EXTRA)?).decode_utf8().ok()?;
        Some((key.into_owned(), value.to_str().ok()?.to_owned()))
    })
}

/// The groups of a service account, by its name; those of others are not known.
fn account_groups(name: &str) -> Vec<String> {
    let account = name.strip_prefix("system:serviceaccount:");
    let namespace = account.and_then(|account| account.split_once(':'));
    namespace.map_or_else(Vec::new, |(namespace, _)| {
        vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
    })
}

/// With the group of all who are known, or of all who are not, unless one of them is named.
fn with_class(mut groups: Vec<String>, name: &str) -> Vec<String> {
    let class = if name == User::anonymous().name { UNAUTHENTICATED } else { AUTHENTICATED };
    let is_said = groups.iter().any(|group| group == class || group == UNAUTHENTICATED);
    if !is_said {
        groups.push(class.to_owned());
    }
    groups
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn admin() -> User {
        User { name: "admin".to_owned(), ..User::default() }
    }

    #[test]
    fn who_asks_for_nobody_acts_as_itself() {
        assert_eq!(acting(admin(), &headers(&[])), Ok(admin()));
    }

    #[test]
    fn a_user_is_acted_as_with_groups_and_extras() {
        let asked = headers(&[
            ("impersonate-user", "ada"),
            ("impersonate-group", "devs"),
            ("impersonate-group", "ops"),
            ("impersonate-uid", "7"),
            ("impersonate-extra-example.com%2fscope", "a"),
        ]);

        let user = acting(admin(), &asked).unwrap();

        assert_eq!((user.name.as_str(), user.uid.as_str()), ("ada", "7"));
        assert_eq!(user.groups, ["devs", "ops", AUTHENTICATED]);
        assert_eq!(user.extra["example.com/scope"], ["a"]);
    }

    #[test]
    fn a_service_account_has_its_groups() {
        let asked = headers(&[("impersonate-user", "system:serviceaccount:a:robot")]);

        let user = acting(admin(), &asked).unwrap();

        let groups = ["system:serviceaccounts", "system:serviceaccounts:a", AUTHENTICATED];
        assert_eq!(user.groups, groups);
    }

    #[test]
    fn nobody_in_particular_acts_as_nobody_else() {
        let asked = headers(&[("impersonate-user", "ada")]);

        let refused = acting(User::anonymous(), &asked).unwrap_err();

        assert_eq!(refused.reason, Reason::Forbidden);
    }

    #[test]
    fn a_group_without_a_user_is_refused() {
        let refused = acting(admin(), &headers(&[("impersonate-group", "devs")])).unwrap_err();

        assert_eq!(refused.reason, Reason::BadRequest);
    }

    #[test]
    fn who_acts_as_nobody_is_nobody() {
        let user = acting(admin(), &headers(&[("impersonate-user", "system:anonymous")])).unwrap();

        assert_eq!(user, User::anonymous());
    }
}
