//! The steps of a notification's hot path, one by one: parse and authenticate,
//! correlation look-up, `apply`, the packed record.
//!
//! What they cost together, with HTTP and a disk, is `load`'s business.

#[path = "load/calls.rs"]
mod calls;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use ringproof::domain::{
    CallResult, Check, Event, Evidence, KeyReport, PbxTime, Timing, Verification, WrittenForm,
};
use ringproof::live::{AccountIndex, Found, Live};
use ringproof::store::record;
use ringproof::zadarma::Secret;
use ringproof::zadarma::notification::{Decoded, Notification};

use calls::Call;

/// How many verifications are pending during the look-up.
const PENDING: u64 = 100_000;

fn began() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time of this era")
}

fn pending(call: Call) -> Verification {
    call.verification(began())
}

fn parse_and_authenticate(criterion: &mut Criterion) {
    let secrets = [Secret::new("0123456789abcdef0123")];
    let sent = Call::new(1).notification(&secrets[0], began());
    criterion.bench_function("parse and authenticate a result", |bencher| {
        bencher.iter(|| {
            let decoded = Decoded::from_urlencoded(black_box(sent.body.as_bytes()))
                .expect("the body is well-formed");
            let authentic = decoded
                .authenticate(Some(sent.signature.as_bytes()), &secrets)
                .expect("the signature fits");
            assert!(matches!(authentic.interpret(), Notification::Call(_)));
        });
    });
}

fn look_up(criterion: &mut Criterion) {
    assert_eq!(
        Call::new(1).forms(),
        WrittenForm::all_of(pending(Call::new(1)).to.phone().expect("it is called"))
    );
    let live = Live::new();
    for call in (0..PENDING).map(Call::new) {
        let verification = pending(call);
        let packed = record::pack(&verification);
        let until = verification.live_until(&Timing::default());
        live.hold(verification.id, 1, until, AccountIndex(0), &call.forms(), &packed);
    }
    let mut index = 0;
    criterion.bench_function("find one of 100,000 by its national form", |bencher| {
        bencher.iter_batched(
            || {
                index = (index + 7_919) % PENDING;
                Call::new(index).claims()[0].form
            },
            |form| assert!(matches!(live.find(AccountIndex(0), form), Found::Exact(_))),
            BatchSize::SmallInput,
        );
    });
}

fn apply(criterion: &mut Criterion) {
    let verification = pending(Call::new(1));
    let report = KeyReport {
        at: began(),
        result: CallResult::Answered,
        pressed: "1".into(),
        call_start: PbxTime(began().as_second()),
        evidence: Evidence::from_bits(0).with(Check::Signature),
    };
    let event = Event::KeyReported { attempt: 0, report };
    criterion.bench_function("apply a key report", |bencher| {
        bencher.iter_batched(
            || event.clone(),
            |event| verification.apply(event, began(), &Timing::default()),
            BatchSize::SmallInput,
        );
    });
}

fn pack_and_unpack(criterion: &mut Criterion) {
    let verification = pending(Call::new(1));
    let packed = record::pack(&verification);
    criterion
        .bench_function("pack a record", |bencher| bencher.iter(|| record::pack(&verification)));
    criterion.bench_function("unpack a record", |bencher| {
        bencher.iter(|| record::unpack(black_box(&packed)).expect("it was packed above"));
    });
}

criterion_group! {
    name = hot;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = parse_and_authenticate, look_up, apply, pack_and_unpack
}
criterion_main!(hot);
