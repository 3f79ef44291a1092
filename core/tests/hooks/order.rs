//! Which hooks run, in which order, and what follows when one fails.

use std::sync::{Arc, Mutex, OnceLock};

use netns::libcontainer::configs::{CommandHook, Config, FunctionHook, Hook, HookName, Hooks};
use netns::{Error, ErrorKind};
use testhost::host;

use super::{left, shell, state};

/// What the library logged, of all tests.
fn logged() -> &'static Mutex<Vec<String>> {
    struct Logger;
    static LOGGED: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

    impl log::Log for Logger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let line = format!("{} {}", record.level(), record.args());
            LOGGED.get().unwrap().lock().unwrap().push(line);
        }
        fn flush(&self) {}
    }

    LOGGED.get_or_init(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        Mutex::default()
    })
}

#[track_caller]
fn assert_logged(words: &[&str]) {
    let logged = logged().lock().unwrap();
    assert!(
        logged.iter().any(|line| words.iter().all(|word| line.contains(word))),
        "{logged:?} lacks {words:?}"
    );
}

#[test]
fn names_are_the_specifications() {
    let names = HookName::ALL.map(HookName::as_str);
    let expected =
        ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
    assert_eq!(names, expected);
    for name in HookName::ALL {
        assert_eq!(name.as_str().parse::<HookName>().unwrap(), name);
        assert_eq!(name.to_string(), name.as_str());
    }
    let error = "Prestart".parse::<HookName>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    for word in expected.iter().chain(&["\"Prestart\""]) {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn hooks_of_one_name_run_in_their_order() {
    host(|_| {
        let mut hooks = Hooks::default();
        let seen = Arc::new(Mutex::new(String::new()));
        let see = |what: &'static str| {
            let seen = seen.clone();
            FunctionHook::new(move |state| {
                assert_eq!(*state, super::state());
                seen.lock().unwrap().push_str(&format!("{what} after {:?}; ", left("order")));
                Ok(())
            })
        };
        hooks.add(HookName::CreateRuntime, see("first"));
        hooks.add(HookName::CreateRuntime, CommandHook(shell("printf a >>/run/order")));
        hooks.add(HookName::CreateRuntime, see("third"));
        hooks.add(HookName::CreateRuntime, CommandHook(shell("printf b >>/run/order")));
        hooks.add(HookName::Prestart, CommandHook(shell("printf never >>/run/order")));
        hooks.run(HookName::CreateRuntime, &state()).unwrap();
        assert_eq!(*seen.lock().unwrap(), "first after \"\"; third after \"a\"; ");
        assert_eq!(left("order"), "ab");
        hooks.run(HookName::Poststop, &state()).unwrap();
    });
}

/// Three hooks, the second and the third of which fail.
fn failing(name: HookName) -> Hooks {
    let mut hooks = Hooks::default();
    hooks.add(name, CommandHook(shell(&format!("printf a >>/run/{name}"))));
    hooks.add(name, CommandHook(shell(&format!("printf b >>/run/{name}; echo second of {name}; exit 1"))));
    let third = move |_: &_| {
        shell(&format!("printf c >>/run/{name}")).run(&state())?;
        Err(Error::new(ErrorKind::Busy, "be", "third").with_cause(format!("function of {name}")))
    };
    hooks.add(name, FunctionHook::new(third));
    hooks
}

#[test]
fn the_first_failure_ends_it_before_the_start_and_all_run_after_it() {
    logged();
    host(|_| {
        for name in HookName::ALL {
            let error = failing(name).run(name, &state()).unwrap_err();
            let is_late = matches!(name, HookName::Poststart | HookName::Poststop);
            assert_eq!(left(name.as_str()), if is_late { "abc" } else { "ab" }, "{name}");
            let words = [format!("run hooks {name} #1: run hook \"/bin/sh\""), format!("second of {name}")];
            for word in &words {
                assert!(error.to_string().contains(word), "{error} lacks {word:?}");
            }
            if is_late {
                assert_logged(&["WARN", &format!("run hooks {name} #2: be third: function of {name}")]);
            }
        }
    });
}

#[test]
fn what_is_lost_in_json_is_in_the_log() {
    logged();
    let mut config = Config::default();
    let shared: Arc<dyn Hook> = Arc::new(FunctionHook::new(|_| Ok(())));
    config.hooks.add_shared(HookName::Prestart, shared.clone());
    config.hooks.add_shared(HookName::Prestart, shared);
    config.to_json().unwrap();
    assert_logged(&["WARN", "2 hooks prestart"]);
    Config::from_json(r#"{"Hooks": {"prestrat": [{"path": "/bin/a"}]}}"#).unwrap();
    assert_logged(&["WARN", "\"prestrat\""]);
}
