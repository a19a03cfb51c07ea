//! Writes: create, update, patch, delete, and the subresources that are writes in disguise.

mod allocation;
mod apply;
pub(crate) mod beside;
mod binding;
mod body;
mod create;
mod delete;
mod disruption;
mod eviction;
pub(crate) mod owners;
mod patch;
mod propagation;
mod review;
mod scale;
mod scale_owners;
mod token;
mod update;

pub(crate) use binding::{bind, bind_named};
pub(crate) use create::{create, generate_name};
pub(crate) use delete::{delete, delete_collection};
pub(crate) use eviction::evict;
pub(crate) use patch::patch;
pub(crate) use review::review;
pub(crate) use scale::{get_scale, patch_scale, put_scale};
pub(crate) use token::request_token;
pub(crate) use update::update;

use api::Status;
use serde_json::Value;
use store::{Store, Transaction};

use crate::accept;
use crate::call::{Answer, Call, Commit, Context, Decision, Response};
use crate::negotiate::Format;
use crate::object;
use crate::route::Objects;
use crate::write::beside::Beside;

/// A request that writes, with all that a decision may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'a> {
    /// What is stored now.
    pub(crate) store: &'a Store,
    /// The request.
    pub(crate) call: &'a Call,
    /// What its path names.
    pub(crate) target: &'a Objects,
    /// Time and fresh names.
    pub(crate) context: &'a Context,
}

/// An object that is ready to be stored.
struct Ready {
    transaction: Transaction,
    beside: Beside,
    object: Value,
    action: &'static str,
    code: u16,
    warnings: Vec<String>,
}

impl Write<'_> {
    /// Commits what is ready, or only answers it when this is a dry run.
    fn finish(&self, ready: Ready) -> Result<Decision, Status> {
        let format = crate::negotiate::format(self.call, self.target)?;
        if self.call.is_dry_run() {
            return Ok(self.unchanged(&ready.object, ready.code, format, ready.warnings));
        }
        let answer = Answer {
            code: ready.code,
            format,
            encoding: accept::encoding(self.call),
            warnings: ready.warnings,
            instead: None,
        };
        let mut transaction = ready.transaction;
        let beside = ready.beside.join(&mut transaction);
        Ok(Decision::Commit(Box::new(Commit {
            transaction,
            resource: self.target.resource,
            action: ready.action,
            object: ready.object,
            beside,
            answer,
        })))
    }

    /// Answers an object without writing it.
    fn unchanged(
        &self,
        object: &Value,
        code: u16,
        format: Format,
        warnings: Vec<String>,
    ) -> Decision {
        let mut response: Response =
            format.one(code, self.target.resource, object, self.context.now);
        response.warnings = warnings;
        Decision::Respond(response)
    }

    /// The object as it is now, with its revision.
    pub(crate) fn current(&self) -> Result<(Value, store::Revision), Status> {
        let found = crate::read::find(self.store, self.target)?;
        Ok((object::decode(found), found.mod_revision))
    }

    fn key(&self, name: &str) -> store::Bytes {
        crate::keys::key(self.target.resource, self.target.namespace.as_deref(), name)
    }
}
