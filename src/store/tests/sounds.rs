//! Sounds with their versions, files and places, and prompts.

use super::*;
use crate::store::{
    Beside, CatalogueRows, DeletedSound, KeptSound, NewSound, PromptLanguage, PromptRow, SoundFile,
    SoundPlace,
};

contract!(
    a_sound_has_versions_and_the_same_file_makes_none,
    a_version_has_one_place_in_each_account,
    a_sound_is_deleted_with_all_versions_unless_a_prompt_names_one,
    prompts_are_replaced_as_a_whole_and_read_back,
    every_change_of_the_catalogue_is_seen_by_its_number,
    what_is_read_beside_is_what_the_store_says,
);

fn sound(of: &str, content: u8) -> NewSound {
    NewSound {
        name: name(of),
        digest: [content; 32],
        original: vec![content; 1_000].into(),
        wav: vec![content, 0].into(),
        inspection: "{\"format\":\"wav\"}".into(),
        created_at: at(i64::from(content)),
    }
}

fn place(account: &str, id: &str) -> SoundPlace {
    SoundPlace { account: name(account), provider_id: id.into(), at: at(7) }
}

fn prompt(of: &str, greeting: &str) -> PromptRow {
    let three = |language: &str, press, never_again| PromptLanguage {
        language: name(language),
        greeting: greeting.into(),
        confirmed: "confirmed".into(),
        fallback: "fallback".into(),
        press,
        never_again,
    };
    PromptRow {
        name: name(of),
        default_language: Some(name("en")),
        changed_at: at(3),
        languages: vec![three("en", Some(Key::ONE), Key::new(9)), three("pt-br", None, None)],
    }
}

async fn a_sound_has_versions_and_the_same_file_makes_none() {
    let test = TestStore::open().await;
    for (content, expected) in [
        (1, KeptSound::New(1)),
        (1, KeptSound::Known(1)),
        (2, KeptSound::New(2)),
        // What was played once may be played again.
        (1, KeptSound::New(3)),
    ] {
        assert_eq!(test.store.keep_sound(sound("greeting", content)).await.unwrap(), expected);
    }
    test.store.keep_sound(sound("another", 2)).await.unwrap();

    let test = test.reopen().await;
    let sounds = test.store.catalogue().await.unwrap().sounds;
    let listed: Vec<_> = sounds.iter().map(|s| (s.name.as_str(), s.version, s.digest[0])).collect();
    assert_eq!(
        listed,
        [("another", 1, 2), ("greeting", 1, 1), ("greeting", 2, 2), ("greeting", 3, 1)]
    );
    assert_eq!((sounds[0].size, &*sounds[0].inspection), (1_000, "{\"format\":\"wav\"}"));
    assert_eq!(sounds[0].created_at, at(2));
    let file = |version, which| {
        let store = test.store.clone();
        async move { store.sound_file(&name("greeting"), version, which).await.unwrap() }
    };
    assert_eq!(file(2, SoundFile::Original).await, Some(vec![2; 1_000]));
    assert_eq!(file(2, SoundFile::Converted).await, Some(vec![2, 0]));
    assert_eq!(file(4, SoundFile::Converted).await, None);
}

async fn a_version_has_one_place_in_each_account() {
    let test = TestStore::open().await;
    test.store.keep_sound(sound("greeting", 1)).await.unwrap();
    let greeting = name("greeting");
    for (account, id) in [("main", "a"), ("other", "b"), ("main", "c")] {
        assert!(test.store.place_sound(&greeting, 1, place(account, id)).await.unwrap());
    }
    assert!(!test.store.place_sound(&greeting, 2, place("main", "d")).await.unwrap());
    let sounds = test.store.catalogue().await.unwrap().sounds;
    assert_eq!(sounds[0].places, [place("main", "c"), place("other", "b")]);
}

async fn a_sound_is_deleted_with_all_versions_unless_a_prompt_names_one() {
    let test = TestStore::open().await;
    test.store.keep_sound(sound("greeting", 1)).await.unwrap();
    test.store.keep_sound(sound("greeting", 2)).await.unwrap();
    test.store.keep_sound(sound("greetings", 3)).await.unwrap();
    test.store.place_sound(&name("greeting"), 1, place("main", "a")).await.unwrap();
    test.store.place_sound(&name("greeting"), 2, place("main", "b")).await.unwrap();
    test.store.put_prompt(prompt("login", "greeting@1")).await.unwrap();
    test.store.put_prompt(prompt("pay", "greeting")).await.unwrap();
    test.store.put_prompt(prompt("other", "greetings")).await.unwrap();

    let delete = || async { test.store.delete_sound(&name("greeting")).await.unwrap() };
    assert_eq!(delete().await, DeletedSound::InUse(vec![name("login"), name("pay")]));
    test.store.put_prompt(prompt("pay", "greetings")).await.unwrap();
    assert!(test.store.delete_prompt(&name("login")).await.unwrap());
    let gone = vec![place("main", "a"), place("main", "b")];
    assert_eq!(delete().await, DeletedSound::Deleted(gone));
    assert_eq!(delete().await, DeletedSound::NotFound);
    let file = test.store.sound_file(&name("greeting"), 1, SoundFile::Original).await.unwrap();
    assert_eq!(file, None);
    assert_eq!(test.store.catalogue().await.unwrap().sounds.len(), 1);
    // A name that is free again begins anew.
    let again = test.store.keep_sound(sound("greeting", 9)).await.unwrap();
    assert_eq!(again, KeptSound::New(1));
}

async fn prompts_are_replaced_as_a_whole_and_read_back() {
    let test = TestStore::open().await;
    let full = prompt("login", "greeting");
    assert!(test.store.put_prompt(full.clone()).await.unwrap());
    let mut less = PromptRow { default_language: None, ..full };
    less.languages.truncate(1);
    assert!(!test.store.put_prompt(less.clone()).await.unwrap());
    let test = test.reopen().await;
    assert_eq!(test.store.catalogue().await.unwrap().prompts, [less]);
    assert!(test.store.delete_prompt(&name("login")).await.unwrap());
    assert!(!test.store.delete_prompt(&name("login")).await.unwrap());
    assert_eq!(test.store.catalogue().await.unwrap().prompts, []);
}

async fn every_change_of_the_catalogue_is_seen_by_its_number() {
    let test = TestStore::open().await;
    assert_eq!(test.store.catalogue().await.unwrap(), CatalogueRows::default());
    let mut last = test.store.catalogue_change().await.unwrap();
    let mut grew = async |what: &str| {
        let now = test.store.catalogue_change().await.unwrap();
        assert!(now > last, "{what}");
        last = now;
    };
    test.store.keep_sound(sound("greeting", 1)).await.unwrap();
    grew("a sound").await;
    test.store.place_sound(&name("greeting"), 1, place("main", "a")).await.unwrap();
    grew("a place").await;
    test.store.put_prompt(prompt("login", "greeting")).await.unwrap();
    grew("a prompt").await;
    test.store.delete_prompt(&name("login")).await.unwrap();
    grew("a deleted prompt").await;
    test.store.delete_sound(&name("greeting")).await.unwrap();
    grew("a deleted sound").await;
    assert_eq!(test.store.catalogue().await.unwrap().change, last);
}

async fn what_is_read_beside_is_what_the_store_says() {
    let test = TestStore::open().await;
    let beside = Beside::new(&test.url).unwrap();
    assert_eq!(beside.catalogue().await.unwrap(), CatalogueRows::default());
    test.store.keep_sound(sound("greeting", 1)).await.unwrap();
    test.store.place_sound(&name("greeting"), 1, place("main", "a")).await.unwrap();
    test.store.put_prompt(prompt("pay", "greeting")).await.unwrap();
    assert_eq!(beside.catalogue().await.unwrap(), test.store.catalogue().await.unwrap());
    for (version, which) in
        [(1, SoundFile::Original), (1, SoundFile::Converted), (2, SoundFile::Converted)]
    {
        let of = name("greeting");
        let read = beside.sound_file(&of, version, which).await.unwrap();
        assert_eq!(read, test.store.sound_file(&of, version, which).await.unwrap());
        assert_eq!(read.is_some(), version == 1);
    }
    test.store.close().await;
}
