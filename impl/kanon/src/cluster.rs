//! Starting, stopping, deleting: what happens outside the cluster's own process.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::{self, Output, Part, Runtime};
use crate::control::{self, Order};
use crate::failure::{self, Failure, While};
use crate::kubeconfig::{self, Access};
use crate::pki;
use node::Threshold;

use crate::profile::{Profile, Running, Settings, write_private};
use crate::scheduling;
use crate::serve;
use crate::steps::Steps;
use crate::storage::EtcdServers;

/// How long a stopped process may take to let go of its files.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// `kanon start`.
pub(crate) fn start(arguments: &cli::Start) -> Result<ExitCode, Failure> {
    let profile = Profile::of(&arguments.profile)?;
    if let Some(running) = profile.running() {
        return already_runs(&profile, &running, arguments.profile.output);
    }
    let settings = settings(arguments, &profile)?;
    check(&settings)?;
    prepare(&profile, &settings)?;
    for file in &arguments.load {
        node::image::load(&profile.folder, file).while_doing(file.display())?;
    }
    if arguments.foreground {
        let steps = Steps::on_stdout();
        return serve::run(&profile, &settings, steps, |running| introduce(&profile, running))
            .map(|()| ExitCode::SUCCESS);
    }
    let child = spawn(&profile)?;
    follow(&profile, child, arguments.profile.output)?;
    let running = profile
        .running()
        .ok_or_else(|| Failure::cannot("the cluster ended as soon as it had started"))?;
    merge_kubeconfig(&profile, &running)?;
    report(&profile, &running, arguments.profile.output);
    Ok(ExitCode::SUCCESS)
}

fn settings(arguments: &cli::Start, profile: &Profile) -> Result<Settings, Failure> {
    let components = parts(arguments)?;
    let has_nodes = components.contains(&Part::ApiServer) && !arguments.etcd.api_server_only;
    Ok(Settings {
        profile: profile.name.clone(),
        nodes: arguments.nodes.unwrap_or(u16::from(has_nodes)),
        runtime: arguments.runtime,
        port: arguments.port,
        trace: absolute(arguments.trace.as_ref())?,
        node_monitor_grace_period: arguments.node_monitor_grace_period,
        node_lease_renew_interval: arguments.node_lease_renew_interval,
        default_toleration_seconds: arguments.default_toleration_seconds,
        wait: arguments.wait,
        event_ttl: arguments.event_ttl,
        demo: arguments.demo,
        etcd: EtcdServers::of(&arguments.etcd)?,
        components,
        controllers: arguments.parts.controllers.clone(),
        feature_gates: arguments.parts.feature_gates.clone(),
        scheduler_config: absolute(arguments.parts.scheduler_config.as_ref())?,
        kubeconfig: absolute(arguments.parts.kubeconfig.as_ref())?,
        kubelet: cli::Kubelet {
            pod_manifest_path: absolute(arguments.kubelet.pod_manifest_path.as_ref())?,
            ..arguments.kubelet.clone()
        },
    })
}

/// What of the control plane runs. Without an API server, the components need to be told of one.
fn parts(arguments: &cli::Start) -> Result<Vec<Part>, Failure> {
    let parts = &arguments.parts;
    let components = match &*parts.components {
        _ if arguments.etcd.api_server_only => vec![Part::ApiServer],
        [] => Part::ALL.to_vec(),
        components => components.to_vec(),
    };
    match (components.contains(&Part::ApiServer), &parts.kubeconfig) {
        (true, Some(_)) => Err(Failure::usage(
            "--kubeconfig is for components without an API server of our own: leave api-server out of \
             --components",
        )),
        (false, None) => {
            Err(Failure::usage("components without an API server need the --kubeconfig of one"))
        }
        (false, Some(_)) if !arguments.etcd.etcd_servers.is_empty() => Err(Failure::usage(
            "--etcd-servers is for an API server, which --components leaves out",
        )),
        (true, None) | (false, Some(_))
            if parts.scheduler_config.is_some() && !components.contains(&Part::Scheduler) =>
        {
            Err(Failure::usage("--scheduler-config is for a scheduler, which does not run"))
        }
        (true, None) | (false, Some(_)) => Ok(components),
    }
}

fn absolute(file: Option<&PathBuf>) -> Result<Option<PathBuf>, Failure> {
    file.map(|file| std::path::absolute(file).while_doing(file.display())).transpose()
}

/// The most nodes with real containers: each has a range of addresses and a bridge of its own.
const MOST_REAL_NODES: u16 = 64;

/// What can be known to fail before anything is touched.
fn check(settings: &Settings) -> Result<(), Failure> {
    if settings.runtime == Runtime::Embedded && settings.nodes > MOST_REAL_NODES {
        return Err(Failure::usage(format!(
            "at most {MOST_REAL_NODES} nodes have real containers; there can be more with --runtime simulated"
        )));
    }
    if settings.runtime == Runtime::Embedded && settings.nodes > 0 && !node::is_root() {
        return Err(Failure::cannot(
            "real containers need root; run as root, or with --runtime simulated",
        ));
    }
    scheduling::configured(settings.scheduler_config.as_deref())?;
    for text in &settings.kubelet.eviction_hard {
        let parsed: Result<Threshold, _> = text.parse();
        parsed.map_err(|why| Failure::usage(format!("--eviction-hard: {why}")))?;
    }
    if settings.port != 0 && settings.has(Part::ApiServer) {
        let address = (Ipv4Addr::LOCALHOST, settings.port);
        TcpListener::bind(address)
            .map(drop)
            .while_doing(format!("port {} (choose another with --port)", settings.port))?;
    }
    kubeconfig::check()
}

fn prepare(profile: &Profile, settings: &Settings) -> Result<(), Failure> {
    std::fs::create_dir_all(&profile.folder).while_doing(profile.folder.display())?;
    let path = profile.path("settings.json");
    let text = serde_json::to_vec_pretty(settings).while_doing(path.display())?;
    write_private(&path, &text).while_doing(path.display())
}

fn already_runs(profile: &Profile, running: &Running, output: Output) -> Result<ExitCode, Failure> {
    merge_kubeconfig(profile, running)?;
    if output == Output::Text {
        println!("The cluster \"{}\" runs already.", profile.name);
    }
    report(profile, running, output);
    Ok(ExitCode::SUCCESS)
}

/// Starts the cluster's own process, in a session of its own.
fn spawn(profile: &Profile) -> Result<Child, Failure> {
    let program = std::env::current_exe().while_doing("finding this program")?;
    let log_path = profile.path("kanon.log");
    let mut log = File::options();
    let log = log.create(true).append(true).open(&log_path).while_doing(log_path.display())?;
    let mut command = Command::new(program);
    command.arg("serve").arg("--data-dir").arg(&profile.folder);
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.process_group(0);
    command.spawn().while_doing("starting the cluster's process")
}

/// Prints what the cluster's process tells of its start, until it is up.
fn follow(profile: &Profile, mut child: Child, output: Output) -> Result<(), Failure> {
    let Some(stdout) = child.stdout.take() else {
        return Err(Failure::cannot("the cluster's process cannot be heard"));
    };
    for line in BufReader::new(stdout).lines() {
        let line = line.while_doing("hearing the cluster's process")?;
        if let Some(why) = line.strip_prefix(serve::FAILED) {
            child.wait().while_doing("the cluster's process")?;
            return Err(Failure::cannot(why));
        }
        if line == serve::STARTED {
            return Ok(());
        }
        if output == Output::Text {
            println!("{line}");
        }
    }
    let log = profile.path("kanon.log");
    Err(Failure::cannot(format!("the cluster ended during its start; see {}", log.display())))
}

/// Merges the kubeconfig of a cluster that has just come up, and says what to type next.
fn introduce(profile: &Profile, running: &Running) -> Result<(), Failure> {
    merge_kubeconfig(profile, running)?;
    report(profile, running, Output::Text);
    Ok(())
}

fn merge_kubeconfig(profile: &Profile, running: &Running) -> Result<(), Failure> {
    if running.is_elsewhere {
        return Ok(());
    }
    let pki = pki::load_or_create(&profile.path("pki"))?;
    let access =
        Access { server: &running.server, authority_pem: &pki.authority_pem, admin: &pki.admin };
    let own = profile.path("kubeconfig");
    let text = serde_saphyr::to_string(&kubeconfig::alone(&profile.name, &access))
        .while_doing(own.display())?;
    write_private(&own, text.as_bytes()).while_doing(own.display())?;
    kubeconfig::merge(profile, &access)
}

fn report(profile: &Profile, running: &Running, output: Output) {
    match output {
        Output::Json => println!("{}", status_json(profile, Some(running))),
        Output::Text if running.is_elsewhere => {
            println!("They work for {}, until:  kanon stop -p {}", running.server, profile.name)
        }
        Output::Text => println!(
            "kubectl now uses the context \"{}\". Type next:  kubectl get nodes -o wide",
            profile.name
        ),
    }
    // A closed terminal does not stop a cluster.
    drop(std::io::stdout().flush());
}

fn status_json(profile: &Profile, running: Option<&Running>) -> serde_json::Value {
    match running {
        Some(running) => json!({"profile": profile.name, "status": "Running", "pid": running.pid,
            "server": running.server, "nodes": running.nodes, "runtime": running.runtime,
            "dataDir": profile.folder}),
        None => json!({"profile": profile.name, "status": "Stopped", "dataDir": profile.folder}),
    }
}

/// `kanon status`.
pub(crate) fn status(arguments: &cli::Profile) -> Result<ExitCode, Failure> {
    let profile = Profile::of(arguments)?;
    let running = profile.running();
    match (arguments.output, &running) {
        (Output::Json, running) => println!("{}", status_json(&profile, running.as_ref())),
        (Output::Text, Some(running)) => println!(
            "{}: Running (process {})\nserver:  {}\nnodes:   {}\ndata:    {}",
            profile.name,
            running.pid,
            running.server,
            running.nodes.join(", "),
            profile.folder.display()
        ),
        (Output::Text, None) => println!("{}: Stopped", profile.name),
    }
    let code = if running.is_some() { 0 } else { failure::VIOLATION };
    Ok(ExitCode::from(code))
}

/// `kanon stop`. A cluster that does not run is stopped already; what a killed one left is cleared.
pub(crate) fn stop(arguments: &cli::Profile) -> Result<ExitCode, Failure> {
    let profile = Profile::of(arguments)?;
    stop_profile(&profile)?;
    println!(
        "The cluster \"{}\" is stopped. Its data stays in {}.",
        profile.name,
        profile.folder.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn stop_profile(profile: &Profile) -> Result<(), Failure> {
    if profile.running().is_some() {
        control::send(profile, &Order::Stop)?;
    }
    let begun = Instant::now();
    while profile.is_locked() {
        if begun.elapsed() > STOP_PATIENCE {
            return Err(Failure::cannot("the cluster's process does not end"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if profile.folder.exists() {
        node::teardown(&profile.folder);
    }
    Ok(())
}

/// `kanon delete`.
pub(crate) fn delete(arguments: &cli::Profile) -> Result<ExitCode, Failure> {
    let profile = Profile::of(arguments)?;
    stop_profile(&profile)?;
    kubeconfig::remove(&profile)?;
    match std::fs::remove_dir_all(&profile.folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).while_doing(profile.folder.display()),
    }
    println!("The cluster \"{}\" is deleted.", profile.name);
    Ok(ExitCode::SUCCESS)
}

/// `kanon logs`.
pub(crate) fn logs(arguments: &cli::Profile) -> Result<ExitCode, Failure> {
    let path = Profile::of(arguments)?.path("kanon.log");
    let mut log = File::open(&path).while_doing(path.display())?;
    std::io::copy(&mut log, &mut std::io::stdout()).while_doing(path.display())?;
    Ok(ExitCode::SUCCESS)
}

/// `kanon node stop` and `kanon node start`.
pub(crate) fn node(arguments: &cli::OneNode, order: &Order) -> Result<ExitCode, Failure> {
    let profile = Profile::of(&arguments.profile)?;
    if profile.running().is_none() {
        return Err(Failure::cannot(format!("the cluster \"{}\" does not run", profile.name)));
    }
    control::send(&profile, order)?;
    Ok(ExitCode::SUCCESS)
}
