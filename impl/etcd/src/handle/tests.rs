//! Whose thread writes.

use std::sync::mpsc;
use std::thread;

use store::{Bytes, Transaction};
use tokio::task::JoinHandle;

use super::*;

/// How long something may take that takes no time.
const DEADLINE: Duration = Duration::from_secs(30);

/// The name of the thread of a runtime.
const WORKER: &str = "worker";

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime
        .worker_threads(workers)
        .thread_name(WORKER)
        .enable_time()
        .build()
        .expect("there are threads")
}

/// Writes until it does so itself, as nobody else writes; who wrote each time.
async fn write_alone(etcd: &Etcd, prefix: &str) -> Vec<String> {
    let mut writers = vec![];
    // More than is needed: who is answered may come back before the writer's thread has let go.
    while writers.len() < 100 * ALONE_MIN && writers.last().is_none_or(|last| last != WORKER) {
        writers
            .push(written_by(etcd, format!("{prefix}-{}", writers.len())).await.expect("it ends"));
    }
    writers
}

fn put(key: &str) -> Transaction {
    Transaction::create(key.as_bytes().into(), Bytes::from(&b"1"[..]))
}

/// Commits, and answers which thread wrote.
async fn commit(etcd: Etcd, key: String) -> String {
    let (tell, told) = mpsc::channel();
    let witness = move |_: &Committed| {
        let name = thread::current().name().unwrap_or_default().to_owned();
        tell.send(name).expect("someone listens");
    };
    etcd.commit_witnessed(put(&key), witness).await.expect("the key is new");
    told.recv().expect("the witness was called")
}

/// Commits in a task, and answers which thread wrote.
fn written_by(etcd: &Etcd, key: impl Into<String>) -> JoinHandle<String> {
    tokio::spawn(commit(etcd.clone(), key.into()))
}

#[test]
fn a_lone_writer_writes_on_its_own_thread() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();

    let writers = runtime(2).block_on(write_alone(&etcd, "alone"));

    assert_eq!(writers.last().unwrap(), WORKER);
    assert!(writers.len() > ALONE_MIN, "it is not known at once that nobody else writes");
}

#[test]
fn a_runtime_of_one_thread_goes_on_while_the_disk_writes() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();

    let writers = runtime(1).block_on(write_alone(&etcd, "alone"));

    assert!(writers.iter().all(|writer| writer == "etcd-writer"), "{writers:?}");
}

#[test]
fn who_comes_while_one_writes_waits_for_the_writers_thread() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();

    let writers = runtime(2).block_on(async {
        write_alone(&etcd, "alone").await;
        let first = etcd.clone();
        let slow = move |_: &Committed| {
            begin.send(()).expect("someone listens");
            ended.recv().expect("it is told to end");
        };
        let first = tokio::spawn(async move { first.commit_witnessed(put("a"), slow).await });
        begun.recv().expect("the first writes");
        let others = [written_by(&etcd, "b"), written_by(&etcd, "c")];
        let both_wait = async {
            while etcd.crowd.waiting.load(Ordering::Relaxed) < others.len() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, both_wait).await.expect("both wait");
        end.send(()).expect("the first still writes");
        first.await.unwrap().unwrap();
        let mut writers = vec![];
        for other in others {
            writers.push(other.await.unwrap());
        }
        writers.push(written_by(&etcd, "d").await.unwrap());
        writers
    });

    assert_eq!(writers, ["etcd-writer"; 3], "and so does the next: there are several");
    assert_eq!(etcd.crowd.waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn those_of_one_task_do_not_write_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let etcd = Etcd::open(folder.path()).unwrap();
    let deadline = Instant::now() + DEADLINE;

    runtime(2).block_on(async {
        for round in 0.. {
            write_alone(&etcd, &format!("alone-{round}")).await;
            let keys = ["a", "b", "c"].map(|key| format!("{key}-{round}"));
            let together = keys.map(|key| commit(etcd.clone(), key));
            let writers = tokio::spawn(futures_util::future::join_all(together)).await.unwrap();
            // The first may come so late that it might be alone.
            if writers[1..] == ["etcd-writer"; 2] {
                return;
            }
            assert!(Instant::now() < deadline, "round {round}: {writers:?}");
        }
    });
}
