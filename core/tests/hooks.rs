//! Hooks run when and as they should, and those that misbehave are ended with an error that says what they said.

#[path = "hooks/failure.rs"]
mod failure;
#[path = "hooks/order.rs"]
mod order;
#[path = "hooks/program.rs"]
mod program;

use std::fs;

use netns::libcontainer::configs::{Command, State, Status};

fn state() -> State {
    let mut state = State::new("web", Status::Creating);
    state.pid = 4711;
    state.bundle = "/run/bundle".to_owned();
    state.annotations.insert("a".to_owned(), "<b>".to_owned());
    state
}

/// A hook that runs a script of the shell.
fn shell(script: &str) -> Command {
    let args = ["sh", "-c", script].map(str::to_owned).to_vec();
    let env = vec!["PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned()];
    Command { args, env, ..Command::new("/bin/sh") }
}

/// What a hook left in `/run`, which is a test's own.
fn left(name: &str) -> String {
    fs::read_to_string(format!("/run/{name}")).unwrap_or_default()
}

/// An executable file. Another process writes it: a program that a thread is starting meanwhile would have it open
/// for a moment, and what is open to be written cannot be executed.
fn script(path: &str, text: &str) {
    let write = shell("printf %s \"$2\" >\"$1\"; chmod 755 \"$1\"");
    let args = [path, text].map(str::to_owned);
    let args = write.args.into_iter().chain(["sh".to_owned()]).chain(args).collect();
    Command { args, ..shell("") }.run(&state()).unwrap();
}
