//! `kanon store serve`: etcd's v3 API in front of a store, until a signal says stop.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use etcd::Etcd;
use etcd::grpc::{self, Options, Tls};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::StoreServe;
use crate::failure::{Failure, While};

pub(crate) fn run(arguments: &StoreServe) -> Result<ExitCode, Failure> {
    host::tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .while_doing("starting threads")?;
    let result = runtime.block_on(serve(arguments));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map(|()| ExitCode::SUCCESS)
}

async fn serve(arguments: &StoreServe) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).while_doing("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).while_doing("signals")?;
    let tls = tls(arguments)?;
    let etcd = Etcd::open(&arguments.data_dir).while_doing("store")?;
    let mut published = etcd.subscribe();
    let listener = TcpListener::bind(&arguments.listen).await.while_doing(&arguments.listen)?;
    let address = listener.local_addr().while_doing("listening")?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let options = Options {
        client_urls: vec![url.clone()],
        tls,
        progress_notify_interval: Duration::from_secs(
            arguments.watch_progress_notify_interval.get(),
        ),
    };
    // Whoever started it need not read this.
    drop(writeln!(std::io::stdout(), "serving etcd's API at {url}"));
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    grpc::serve(etcd, listener, options, stop).await.while_doing("serving")?;
    // The files are closed when everyone has let go of the store.
    let closed = async { while published.changed().await.is_ok() {} };
    drop(tokio::time::timeout(Duration::from_secs(1), closed).await);
    Ok(())
}

fn tls(arguments: &StoreServe) -> Result<Option<Tls>, Failure> {
    let (Some(certificate), Some(key)) = (&arguments.cert_file, &arguments.key_file) else {
        return Ok(None);
    };
    let authority: Option<&PathBuf> = arguments.trusted_ca_file.as_ref();
    Ok(Some(Tls {
        certificate: read(certificate)?,
        key: read(key)?,
        client_authority: authority.map(|path| read(path)).transpose()?,
    }))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).while_doing(path.display())
}
