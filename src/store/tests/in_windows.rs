//! What stands in the guard's windows, as operators are shown it.

use super::*;
use crate::domain::{Limit, Mode, Rule};
use crate::store::Count;

contract!(what_is_counted_is_told_for_each_key_until_it_leaves_its_window);

async fn what_is_counted_is_told_for_each_key_until_it_leaves_its_window() {
    let test = TestStore::open().await;
    let per = SignedDuration::from_mins(10);
    let (own, other, none) = ([1; 16], [2; 16], [3; 16]);
    let count = |key, amount| {
        let limits = vec![Limit { max: 1_000, per }];
        Count { key, rule: Rule::AppBudget, mode: Mode::Shadow, amount, limits }
    };
    let start = |number, seconds, counts| {
        let mut start = start(number, at(seconds));
        start.admission.counts = counts;
        test.store.start(start, at(seconds))
    };
    start(380_500_000_001, 0, vec![count(own, 700), count(other, 5)]).await.unwrap();
    // In shadow what is beyond the limit counts as well.
    start(380_500_000_002, 60, vec![count(own, 900)]).await.unwrap();

    let told = async |per, seconds| {
        test.store.in_windows(vec![own, none, other, own], per, at(seconds)).await.unwrap()
    };
    assert_eq!(told(per, 60).await, [1_600, 0, 5, 1_600]);
    assert_eq!(told(per, 1_300).await, [0; 4]);
    assert_eq!(told(SignedDuration::from_mins(5), 60).await, [0; 4], "nobody counts over this");
    assert_eq!(test.store.in_windows(Vec::new(), per, at(60)).await.unwrap(), [0; 0]);
}
