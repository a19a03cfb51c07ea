//! Every trace of the model's etcd, on everything that claims to be one.
//!
//! Debian's etcd needs `etcd`; without it, its trial is reported as ignored, by name.

#[path = "../../../impl/etcd/tests/like_etcd/real.rs"]
mod real;

/// What the other module waits with.
mod support {
    pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
}

use conformance::store::{Core, Embedded, Failed, Report, Served, Server, Target, Wire, run};
use libtest_mimic::{Arguments, Failed as Trouble, Trial};
use model::etcd::exchange::{Exchange, Told, traces};

use real::Real;

fn main() -> std::process::ExitCode {
    let trials = vec![
        trial("the_core_goes_like_the_model", || async { all(&mut Core::default()).await }),
        trial("the_store_on_disk_goes_like_the_model", || async {
            all(&mut Embedded::create()?).await
        }),
        trial("the_store_through_grpc_goes_like_the_model", || async {
            all(&mut Served::start().await?).await
        }),
        trial("etcd_goes_like_the_model", real_etcd).with_ignored_flag(!real::is_there()),
        trial("a_model_that_is_wrong_is_noticed", wrong_models),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial<A: Future<Output = Result<(), Trouble>>>(
    name: &str,
    run: impl FnOnce() -> A + Send + 'static,
) -> Trial {
    Trial::test(name, move || tokio::runtime::Runtime::new()?.block_on(run()))
}

/// Debian's etcd, killed to be restarted.
struct Etcd(Real);

impl Server for Etcd {
    fn name(&self) -> String {
        "etcd".to_owned()
    }

    fn can_restart(&self) -> bool {
        true
    }

    async fn restart(&mut self) -> Result<etcd_client::Client, Failed> {
        self.0.restart().await.map_err(Failed::Otherwise)
    }
}

async fn all(target: &mut impl Target) -> Result<(), Trouble> {
    ensure(&run(target, &traces(None)?).await?)
}

fn ensure(report: &Report) -> Result<(), Trouble> {
    let Report { passed, skipped, exchanges, divergences, .. } = report;
    if divergences.is_empty() && *skipped == 0 && *passed > 100 && *exchanges > 500 {
        return Ok(());
    }
    Err(report.to_string().into())
}

/// An etcd that loses tombstones is not asked for what it loses; of the rest, all goes like the model.
async fn real_etcd() -> Result<(), Trouble> {
    let etcd = Etcd(Real::start().await?);
    let mut client = etcd.0.client().await?;
    let version = client.status().await?.version().to_owned();
    let loses = loses_tombstones(&version).ok_or_else(|| format!("version {version:?}"))?;
    let mut all = traces(None)?;
    all.retain(|trace| !(loses && trace.exchanges.iter().any(hears_of_tombstone)));
    ensure(&run(&mut Wire::of(etcd, client), &all).await?)
}

/// Whether a watch from the revision of a compaction on may miss the deletion that was made at it: issue
/// 18089, the mutation `etcd-18089` of the model. Mended in 3.4.36 and 3.5.18.
fn loses_tombstones(version: &str) -> Option<bool> {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let [major, minor, patch] = [numbers.next()??, numbers.next()??, numbers.next()??];
    let mended = match (major, minor) {
        (3, 4) => 36,
        (3, 5) => 18,
        _ => 0,
    };
    Some(patch < mended)
}

fn hears_of_tombstone(Exchange { told, then, .. }: &Exchange) -> bool {
    let Told::Events { events } = told else { return false };
    events.iter().any(|event| !event.put && event.revision == then.compacted)
}

/// Mutations of the model that a client sees.
async fn wrong_models() -> Result<(), Trouble> {
    for mutation in SEEN {
        let traces = traces(Some(mutation))?;
        let report = run(&mut Core::default(), &traces).await?;
        if report.divergences.is_empty() {
            return Err(format!("{mutation} is not noticed").into());
        }
    }
    Ok(())
}

const SEEN: [&str; 4] = [
    "etcd-revokes-key-by-key",
    "etcd-put-keeps-lease",
    "etcd-18089",
    "etcd-compacts-newest-revision",
];
