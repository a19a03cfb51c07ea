//! Mutations of the reflector and its API servers: each replaces one step and passes the rest on.

use super::{Action, Asked, Call, Client, Phase, Reflector, State};

crate::mutations! {
    /// A reflector whose resourceVersion is too large for an API server asks for it again, and
    /// again where nothing of the resource changes.
    TooLargeAskedAgain = "k-91073",
    /// The watch cache of a resource that does not change stays where it is, as etcd does not notify
    /// it of progress: what other API servers give out is too large for it, for ever.
    IdleCacheStays = "k-107133",
    /// A reflector lists again from "0", and an API server that lags answers.
    RelistFromAny = "k-83520",
    /// The most recent list comes from a watch cache that nobody compared with etcd.
    MostRecentFromCache = "list-most-recent-from-cache",
    /// A watch cache answers though it is older than was asked for.
    OlderThanAsked = "list-older-than-asked",
    /// Exactly a resourceVersion is taken for at least that.
    ExactAsMinimum = "list-exact-as-minimum",
    /// A list of any resourceVersion waits for the most recent.
    AnyWaits = "list-any-waits",
    /// A list waits for its resourceVersion as long as it takes.
    ListWaits = "list-waits-for-resource-version",
    /// A bookmark has etcd's revision, which the watch cache has not reached.
    BookmarkOfEtcd = "watch-bookmark-of-etcd",
    /// A watch from before the oldest event of the watch cache is accepted.
    ForgottenEvents = "watch-from-forgotten-revision",
    /// A watch from "0" does not begin with what exists.
    NothingToBeginWith = "watch-from-any-without-objects",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(TooLargeAskedAgain), Action::Refuse { client: Client::Reflector }) => {
                let next = action.apply(state)?;
                let reflector = Reflector { unavailable: false, ..next.reflector };
                Some(State { reflector, ..next })
            }
            (Some(IdleCacheStays), Action::NotifyProgress { .. }) => None,
            (Some(RelistFromAny), Action::StartList { server }) => {
                state.start_list(server, Asked::Any)
            }
            (Some(MostRecentFromCache), Action::AskEtcd { client }) => {
                let Call { server, .. } = state.call(client)?;
                let next = action.apply(state)?;
                Some(next.with_needs(client, state.server(server).revision))
            }
            (Some(OlderThanAsked), Action::Answer { client }) => {
                state.answer(client, |state, call| match call.asked {
                    Asked::NotOlderThan(_) => Some(state.server(call.server).revision),
                    Asked::MostRecent | Asked::Any | Asked::Exact(_) => state.answer_to(call),
                })
            }
            (Some(ExactAsMinimum), Action::Answer { client }) => {
                state.answer(client, |state, call| match call.asked {
                    Asked::Exact(_) => {
                        state.answer_to(call).map(|_| state.server(call.server).revision)
                    }
                    Asked::MostRecent | Asked::Any | Asked::NotOlderThan(_) => {
                        state.answer_to(call)
                    }
                })
            }
            (Some(AnyWaits), Action::StartRead { server, asked: Asked::Any }) => {
                state.start_read(server, Asked::MostRecent)
            }
            (Some(ListWaits), Action::Refuse { .. }) => None,
            (Some(BookmarkOfEtcd), Action::DeliverBookmark) => {
                state.deliver_bookmark(|state, _| state.revision())
            }
            (Some(ForgottenEvents), Action::Watch { server }) => {
                action.apply(state).map(|next| next.with_phase(Phase::Watching(server)))
            }
            (Some(NothingToBeginWith), Action::WatchFromAny { .. }) => {
                let next = action.apply(state)?;
                Some(State { reflector: Reflector { pod: None, ..next.reflector }, ..next })
            }
            (_, action) => action.apply(state),
        }
    }
}
