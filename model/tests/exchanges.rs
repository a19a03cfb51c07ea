//! The traces of etcd have what they are for.

use model::etcd::exchange::{Ask, Exchange, Told, Trace, traces};

fn exchanges(traces: &[Trace]) -> impl Iterator<Item = &Exchange> {
    traces.iter().flat_map(|trace| &trace.exchanges)
}

#[test]
fn traces_have_every_question_and_every_answer() {
    let traces = traces(None).expect("the scenarios are known");
    let has = |wanted: &dyn Fn(&Exchange) -> bool| exchanges(&traces).any(wanted);

    assert!(has(&|exchange| exchange.ask == Ask::CreateBoth && exchange.told == Told::Written));
    assert!(has(&|exchange| exchange.ask == Ask::CreateBoth && exchange.told == Told::Unequal));
    assert!(has(&|exchange| exchange.ask == Ask::Revoke && exchange.told == Told::Written));
    assert!(has(&|exchange| exchange.ask == Ask::Revoke && exchange.told == Told::Done));
    assert!(has(&|exchange| exchange.ask == Ask::Put { key: 1, lease: true }));
    assert!(has(&|exchange| exchange.ask == Ask::Restart && exchange.then.compacted > 0));
    let hears = |exchange: &Exchange, wanted: bool| match &exchange.told {
        Told::Events { events } => events.iter().any(|event| event.put == wanted),
        Told::Done | Told::Written | Told::Unequal => false,
    };
    assert!(has(&|exchange| hears(exchange, true)) && has(&|exchange| hears(exchange, false)));
}

#[test]
fn every_revision_since_the_compaction_can_be_read() {
    for trace in traces(None).expect("the scenarios are known") {
        let mut revision = 0;
        for Exchange { told, then, .. } in &trace.exchanges {
            revision += u8::from(*told == Told::Written);
            let readable = usize::from((revision + 1) - then.compacted.max(1).min(revision + 1));
            assert!(trace.scenario == "lease" || then.past.len() == readable, "{trace:?}");
        }
    }
}

#[test]
fn a_mutation_of_another_component_has_no_traces() {
    assert!(traces(Some("k-59848")).is_err());
}
