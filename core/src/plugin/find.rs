//! Plugins found at run time: by a socket, or by a file that says where they are.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::address::{self, Spec};
use super::{FoundPlugin, PluginOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::name::Name;

/// The longest spec file, in KiB.
const LONGEST: u64 = 64;

/// Where the plugin `name` is: the first of its sockets that is there, else what the first of its spec files says.
///
/// # Errors
/// BadRequest when the file says nothing that can be used.
pub(crate) fn find(options: &PluginOptions, name: &Name) -> Result<Option<Spec>> {
    let Some(path) = place(options, name) else { return Ok(None) };
    address_at(&path).map(|address| Some(Spec { name: name.clone(), address, path }))
}

/// Every plugin that is there, by their names.
pub(crate) fn list(options: &PluginOptions) -> Vec<FoundPlugin> {
    let sockets = options.socket_dirs.iter().flat_map(|directory| names(directory, &["sock"]));
    let specs = options.spec_dirs.iter().flat_map(|directory| names(directory, &["spec", "json"]));
    let mut all: Vec<_> = sockets.chain(specs).collect();
    all.sort();
    all.dedup();
    let told = |name: Name| {
        let path = place(options, &name)?;
        let address = address_at(&path);
        let error = address.as_ref().err().map(ToString::to_string);
        Some(FoundPlugin { name, path, address: address.ok().map(|address| address.to_string()), error })
    };
    all.into_iter().filter_map(told).collect()
}

/// Where it was looked for, for people.
pub(crate) fn places(options: &PluginOptions) -> String {
    let all = options.socket_dirs.iter().chain(&options.spec_dirs);
    let shown: Vec<_> = all.map(|directory| directory.display().to_string()).collect();
    shown.join(", ")
}

fn place(options: &PluginOptions, name: &Name) -> Option<PathBuf> {
    let sockets = options.socket_dirs.iter().flat_map(|directory| candidates(directory, name, "sock"));
    let mut sockets =
        sockets.filter(|path| fs::metadata(path).is_ok_and(|file| file.file_type().is_socket()));
    let in_one = |directory: &PathBuf| {
        ["spec", "json"].into_iter().flat_map(|kind| candidates(directory, name, kind)).collect::<Vec<_>>()
    };
    sockets.next().or_else(|| options.spec_dirs.iter().flat_map(in_one).find(|path| path.exists()))
}

/// A file in the directory, and one in a directory of the plugin's own.
fn candidates(directory: &Path, name: &Name, kind: &str) -> [PathBuf; 2] {
    let file = format!("{name}.{kind}");
    [directory.join(&file), directory.join(name.as_str()).join(&file)]
}

/// The names that files of those kinds have in a directory; what is no [`Name`] is no plugin's.
fn names(directory: &Path, kinds: &[&str]) -> Vec<Name> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let named = |file: String| {
        let stem = kinds.iter().find_map(|kind| file.strip_suffix(kind)?.strip_suffix('.'));
        Name::new(stem.unwrap_or(&file)).ok()
    };
    files.filter_map(named).collect()
}

fn address_at(path: &Path) -> Result<address::Address> {
    let kind = path.extension().and_then(|kind| kind.to_str());
    let read = || match kind {
        Some("sock") => Ok(address::Address::Unix(path.to_owned())),
        Some("json") => address::of_json(&read(path, LONGEST)?),
        _ => address::of_spec(&read(path, LONGEST)?),
    };
    read().map_err(|error| error.within("read plugin spec", path.display()))
}

/// What a file says that may be anything: no device and no pipe is waited for, and `longest` KiB are read at most.
pub(super) fn read(path: &Path, longest: u64) -> Result<Vec<u8>> {
    let subject = path.display().to_string();
    let refuse = |cause: String| Err(Error::bad_request("read", subject.clone(), cause));
    let failed = |error| Error::from_io("read", subject.clone(), error);
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = opened.map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return refuse("it is no regular file".to_owned());
    }
    let mut text = Vec::new();
    let limit = longest << 10;
    file.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
    match text.len() as u64 > limit {
        true => refuse(format!("it is longer than {longest} KiB")),
        false => Ok(text),
    }
}

/// The error of a plugin that is not there.
pub(crate) fn not_found(options: &PluginOptions, what: &str, name: &str, known: &str) -> Error {
    let looked = match options.enabled {
        true => format!("there is no plugin of that name in {}", places(options)),
        false => "plugins are not looked for".to_owned(),
    };
    Error::new(ErrorKind::NotFound, format!("find {what}"), format!("{name:?}"))
        .with_cause(format!("{known}, and {looked}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::super::address::Address;
    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let directory = std::env::temp_dir().join(format!("netns-find-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&directory);
            for part in ["run", "etc", "usr"] {
                fs::create_dir_all(directory.join(part)).unwrap();
            }
            Self(directory)
        }

        fn options(&self) -> PluginOptions {
            let [run, etc, usr] = ["run", "etc", "usr"].map(|part| self.0.join(part));
            PluginOptions { socket_dirs: vec![run], spec_dirs: vec![etc, usr], ..PluginOptions::default() }
        }

        fn write(&self, path: &str, text: impl AsRef<[u8]>) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn listen(&self, path: &str) -> UnixListener {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            UnixListener::bind(path).unwrap()
        }

        fn found(&self, name: &str) -> Option<String> {
            let spec = find(&self.options(), &Name::new(name).unwrap()).unwrap()?;
            Some(spec.path.strip_prefix(&self.0).unwrap().display().to_string())
        }

        fn error(&self, name: &str) -> String {
            find(&self.options(), &Name::new(name).unwrap()).unwrap_err().to_string()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn sockets_come_before_specs_and_flat_before_nested_and_spec_before_json() {
        let place = Place::new("order");
        let order = [
            "usr/wire/wire.json",
            "usr/wire.json",
            "usr/wire/wire.spec",
            "usr/wire.spec",
            "etc/wire/wire.json",
            "etc/wire.json",
            "etc/wire/wire.spec",
            "etc/wire.spec",
        ];
        assert_eq!(place.found("wire"), None);
        for path in order {
            let json = path.ends_with("json");
            place.write(path, if json { r#"{"Addr":"unix:///run/a"}"# } else { "unix:///run/a\n" });
            assert_eq!(place.found("wire").unwrap(), path);
        }
        // A file of that name is no socket.
        place.write("run/wire.sock", "");
        assert_eq!(place.found("wire").unwrap(), "etc/wire.spec");
        let _nested = place.listen("run/wire/wire.sock");
        assert_eq!(place.found("wire").unwrap(), "run/wire/wire.sock");
        fs::remove_file(place.0.join("run/wire.sock")).unwrap();
        let _flat = place.listen("run/wire.sock");
        assert_eq!(place.found("wire").unwrap(), "run/wire.sock");
    }

    #[test]
    fn a_spec_that_says_nothing_usable_says_why() {
        let place = Place::new("wrong");
        place.write("etc/empty.spec", " \n");
        place.write("etc/bare.spec", "/run/a.sock");
        place.write("etc/pipe.spec", "npipe:////./pipe/a");
        place.write("etc/bytes.spec", b"\xff\xfe");
        place.write("etc/long.spec", vec![b'a'; 65 << 10]);
        place.write("etc/short.json", "{");
        place.write("etc/none.json", "{}");
        place.write("etc/user.spec", "http://me:secret@127.0.0.1:1");
        place.write("etc/relative.spec", "unix://run/a.sock");
        fs::create_dir(place.0.join("etc/folder.spec")).unwrap();
        let causes = [
            ("empty", "it is empty"),
            ("bare", "no scheme"),
            ("pipe", "\"npipe\""),
            ("bytes", "UTF-8"),
            ("long", "longer than 64 KiB"),
            ("short", "it is no JSON"),
            ("none", "Addr"),
            ("user", "user"),
            ("relative", "absolute"),
            ("folder", "no regular file"),
        ];
        for (name, cause) in causes {
            let error = place.error(name);
            assert!(error.contains(cause) && error.contains(&format!("etc/{name}.")), "{name}: {error}");
        }
        assert!(!place.error("user").contains("secret"));
        let listed = list(&place.options());
        assert_eq!(listed.len(), causes.len());
        assert!(listed.iter().all(|own| own.error.is_some() && own.address.is_none()));
    }

    #[test]
    fn what_is_there_is_listed_once_and_hostile_names_are_not() {
        let place = Place::new("list");
        let _one = place.listen("run/one.sock");
        let _two = place.listen("run/two/two.sock");
        place.write("etc/one.spec", "tcp://127.0.0.1:1");
        place.write("etc/Three.json", r#"{"addr":"https://example.org:2","tlsconfig":{"cafile":"/ca"}}"#);
        place.write("etc/.hidden.spec", "tcp://127.0.0.1:1");
        place.write("etc/a b.spec", "tcp://127.0.0.1:1");
        place.write("etc/notes.txt", "");
        let listed = list(&place.options());
        let shown: Vec<_> =
            listed.iter().map(|own| (own.name.as_str(), own.address.as_deref().unwrap())).collect();
        let socket = |path: &str| format!("unix://{}", place.0.join(path).display());
        let (one, two) = (socket("run/one.sock"), socket("run/two/two.sock"));
        assert_eq!(shown, [("Three", "https://example.org:2"), ("one", &*one), ("two", &*two)]);
        let spec = find(&place.options(), &Name::new("Three").unwrap()).unwrap().unwrap();
        let Address::Tcp { tls: Some(tls), .. } = spec.address else { panic!("no TLS") };
        assert_eq!(tls.ca_file, "/ca");
    }
}
