//! The controller manager and the scheduler: started for an API server in this process or elsewhere.

use std::sync::Arc;

use api::trace::Origin;
use api::{ApiResource, resources};
use apiserver::User;
use client::leader_election::Candidate;
use conformance::suite::{Session, Target};
use controllers::{Config, Timeouts};
use host::components::{Component, Components};
use host::counted::Counted;
use host::election::{self, Standing};
use host::informer::Informers;
use host::metrics::Metrics;
use host::transport::Transport;
use host::{ApiServer, Local, Remote, Tasks, Trace, controller_loop, scheduler_loop, served};
use http::Method;
use scheduler::Scheduler;
use serde_json::Value;
use tokio::sync::watch;

use crate::cli::Part;
use crate::failure::{Failure, While};
use crate::profile::Settings;
use crate::scheduling;

const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";

/// Where components find their API server.
pub(crate) enum Way {
    /// In this process.
    Local(ApiServer),
    /// Somewhere else.
    Remote(Box<Target>),
}

/// How a component gets to its API server, each time it begins to lead: in traces, those are its lives.
type Carrier = Box<dyn Fn(u64) -> Arc<dyn Transport> + Send>;

impl Way {
    /// How metrics call the API server: that of this process is reached by no address.
    fn host(&self) -> &str {
        match self {
            Self::Local(_) => "in-process",
            Self::Remote(target) => {
                let rest = target.server.trim_start_matches("https://");
                rest.split_once('/').map_or(rest, |(host, _)| host)
            }
        }
    }

    fn carrier(&self, component: &'static str) -> Result<Carrier, Failure> {
        match self {
            Self::Local(server) => {
                let user = User { name: format!("system:{component}"), ..User::default() };
                let server = server.clone();
                Ok(Box::new(move |incarnation| {
                    Arc::new(Local::new(server.clone(), user.clone(), component, incarnation))
                }))
            }
            Self::Remote(target) => {
                let tls = conformance::suite::client_config(target).map_err(Failure::cannot)?;
                let remote = Remote::new(&target.server, tls, &target.token, component);
                let remote = Arc::new(remote.while_doing(&target.server)?);
                Ok(Box::new(move |_| Arc::<Remote>::clone(&remote)))
            }
        }
    }
}

/// Which version an API server has; an error where there is none.
pub(crate) async fn version(target: &Target) -> Result<String, Failure> {
    let mut session = Session::open(target).await.map_err(Failure::cannot)?;
    let (code, body) =
        session.send(Method::GET, "/version", None).await.map_err(Failure::cannot)?;
    let version: Value = serde_json::from_slice(&body).unwrap_or_default();
    match version["gitVersion"].as_str() {
        Some(version) => Ok(version.to_owned()),
        None => Err(Failure::cannot(format!("{}/version: {code}", target.server))),
    }
}

/// Starts components, each as a candidate that acts once it leads.
pub(crate) struct Starter<'a> {
    pub(crate) way: &'a Way,
    pub(crate) trace: &'a Trace,
    /// The name of this replica.
    pub(crate) identity: &'a str,
}

/// A component's name, and how its election stands.
type Standings = Vec<(&'static str, watch::Receiver<Standing>)>;

impl Starter<'_> {
    /// Those that the settings name, with what the cluster brings.
    pub(crate) async fn start(
        &self,
        settings: &Settings,
        config: &Config,
        components: &Arc<Components>,
    ) -> Result<Standings, Failure> {
        let mut standings = vec![];
        if settings.has(Part::ControllerManager) {
            let standing = self.controller_manager(settings, config, components).await?;
            standings.push((CONTROLLER_MANAGER, standing));
        }
        if settings.has(Part::Scheduler) {
            standings.push((SCHEDULER, self.scheduler(settings, components).await?));
        }
        Ok(standings)
    }

    async fn controller_manager(
        &self,
        settings: &Settings,
        config: &Config,
        components: &Arc<Components>,
    ) -> Result<watch::Receiver<Standing>, Failure> {
        let config = Config {
            timeouts: Timeouts {
                monitor_grace_period_seconds: settings.node_monitor_grace_period,
                ..Timeouts::default()
            },
            feature_gates: settings.feature_gates.clone(),
            ..config.clone()
        };
        let chosen = settings.controllers.clone();
        let start = move |started: Started| {
            let mut controllers = controllers::all(&config);
            controllers.retain(|controller| chosen.has(controller.name()));
            let mut tasks = Tasks::default();
            let informers = started.informers(&mut tasks);
            let (transport, metrics) = (started.transport, started.metrics);
            tasks.spawn(controller_loop::run(controllers, informers, transport, metrics));
            tasks
        };
        self.stand(CONTROLLER_MANAGER, resources::ALL, start, components, |all| {
            &all.controller_manager
        })
        .await
    }

    async fn scheduler(
        &self,
        settings: &Settings,
        components: &Arc<Components>,
    ) -> Result<watch::Receiver<Standing>, Failure> {
        let (configuration, extenders) =
            scheduling::configured(settings.scheduler_config.as_deref())?;
        let start = move |started: Started| {
            let mut tasks = Tasks::default();
            let informers = started.informers(&mut tasks);
            let scheduler = Scheduler::new(configuration.clone());
            let (transport, extenders) = (started.transport, extenders.clone());
            let metrics = started.metrics;
            tasks.spawn(scheduler_loop::run(scheduler, informers, transport, extenders, metrics));
            tasks
        };
        self.stand(SCHEDULER, &scheduler::WATCHED, start, components, |all| &all.scheduler).await
    }

    async fn stand(
        &self,
        name: &'static str,
        watched: &[&'static ApiResource],
        start: impl Fn(Started) -> Tasks + Send + 'static,
        components: &Arc<Components>,
        component: fn(&Components) -> &Component,
    ) -> Result<watch::Receiver<Standing>, Failure> {
        let (carrier, metrics) = (self.way.carrier(name)?, components.metrics.clone());
        let (host, counted) = (self.way.host().to_owned(), metrics.clone());
        let carrier = move |incarnation| -> Arc<dyn Transport> {
            Arc::new(Counted::new(carrier(incarnation), &host, counted.clone()))
        };
        let transport = carrier(0);
        let watched = match self.way {
            Way::Local(_) => watched.to_vec(),
            Way::Remote(target) => {
                served::of(&*transport, watched).await.while_doing(&target.server)?
            }
        };
        let trace = self.trace.clone();
        let (sender, receiver) = watch::channel(Standing::default());
        let (leads, waits) = (Arc::clone(components), Arc::clone(components));
        let started = metrics.clone();
        metrics.stands(name, false);
        let start = move |incarnation| {
            let tasks = start(Started {
                transport: carrier(incarnation),
                watched: watched.clone(),
                trace: trace.clone(),
                origin: Origin::new(name, incarnation),
                metrics: started.clone(),
            });
            component(&leads).leads(tasks.handles());
            tasks
        };
        let tell = move |standing| {
            let is_leader = standing == Standing::Leads;
            metrics.stands(name, is_leader);
            if !is_leader {
                component(&waits).waits();
            }
            sender.send_replace(standing);
        };
        let run = election::run(Candidate::new(name, self.identity), name, transport, start, tell);
        component(components).stands(tokio::spawn(run).abort_handle());
        Ok(receiver)
    }
}

/// What a component is given each time it begins to lead.
struct Started {
    transport: Arc<dyn Transport>,
    watched: Vec<&'static ApiResource>,
    trace: Trace,
    origin: Origin,
    metrics: Metrics,
}

impl Started {
    fn informers(&self, tasks: &mut Tasks) -> Informers {
        self.trace.acted(&self.origin, "started", String::new(), "", Value::Null);
        let transport = Arc::clone(&self.transport);
        let trace = (self.trace.clone(), self.origin.clone());
        Informers::start(tasks, transport, &self.watched, trace)
    }
}
