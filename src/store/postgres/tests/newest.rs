//! Who holds claims, asked for many at once.

use futures_util::future::join_all;

use super::{NUMBER, database, open, started};
use crate::store::StoreError;
use crate::store::tests::{claims, look_ups, server};

#[tokio::test]
async fn of_many_that_are_asked_for_at_once_each_gets_its_own() {
    let store = open(&database()).await.unwrap();
    let mut held = Vec::new();
    for number in 0..20 {
        held.push(started(&store, NUMBER + number).await.id);
    }
    let wanted: Vec<_> = (0..40).rev().flat_map(|number| claims(NUMBER + number)).collect();
    let each = claims(NUMBER).len();
    let holders =
        join_all(wanted.into_iter().map(|claim| store.claiming(look_ups().claim(claim)))).await;
    for (place, holder) in holders.into_iter().enumerate() {
        let number = 39 - place / each;
        match (holder.unwrap(), held.get(number)) {
            (Some((verification, all)), Some(id)) => {
                let mut all = look_ups().opened(all);
                assert_eq!(verification.id, *id);
                all.sort_by_key(|claim| claim.form.as_u64());
                let mut expected = claims(NUMBER + number as u64);
                expected.sort_by_key(|claim| claim.form.as_u64());
                assert_eq!(all, expected);
            }
            (holder, id) => assert_eq!(holder.map(|(found, _)| found.id), id.copied()),
        }
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_concerns_only_who_asked_for_it() {
    let url = database();
    let store = open(&url).await.unwrap();
    let broken = started(&store, NUMBER).await;
    let whole = started(&store, NUMBER + 1).await;
    let id = const_hex::encode(broken.id.as_bytes());
    let sql = format!("UPDATE verifications SET record = '\\x00' WHERE id = '{id}'");
    server::shared().execute(server::Server::database(url.expose()), &sql);
    let wanted = [claims(NUMBER)[0].clone(), claims(NUMBER + 1)[0].clone()];
    let asked = wanted.into_iter().map(|claim| store.claiming(look_ups().claim(claim)));
    let [of_broken, of_whole] = <[_; 2]>::try_from(join_all(asked).await).unwrap();
    let error = of_broken.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { table: "verifications", .. }), "{error}");
    assert_eq!(of_whole.unwrap().unwrap().0.id, whole.id);
}
