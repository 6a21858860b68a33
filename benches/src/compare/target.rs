//! The servers that can be compared: two that the harness knows by name, and those of a TOML file.
//!
//! ```toml
//! [livekit]
//! kind = "livekit"                       # livekit, mediamtx, janus or tillside
//! url = "http://127.0.0.1:7880"
//! key = "devkey:secret"                  # livekit, tillside
//! command = ["livekit-server", "--config", "livekit.yaml"]   # or:
//! pid = 1234                             # it runs already
//! ```

use crate::peers::Peer;
use crate::peers::janus::Janus;
use crate::peers::livekit::LiveKit;
use crate::peers::mediamtx::MediaMtx;
use crate::peers::tillside::{Key, Start, Tillside, wait_until_up};
use crate::server::{Folder, Server};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A server and how to get at it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) name: String,
    how: How,
}

#[derive(Clone)]
enum How {
    /// Our own program, started for each round.
    OurNode(Option<PathBuf>),
    /// Debian's Janus, started for each round.
    DebianJanus,
    /// As a file says.
    Described(Description),
}

/// One table of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    kind: Kind,
    url: String,
    key: Option<String>,
    tenant: Option<String>,
    command: Option<Vec<String>>,
    pid: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Tillside,
    Janus,
    LiveKit,
    MediaMtx,
}

/// All that are known.
#[derive(Debug)]
pub(super) struct Targets {
    described: BTreeMap<String, Description>,
    node: Option<PathBuf>,
}

/// A target that runs.
pub(super) struct Running {
    pub(super) server: Option<Server>,
    pub(super) peer: Peer,
}

impl Targets {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// A sentence with the place of the mistake.
    pub(super) fn read(path: Option<&Path>, node: Option<PathBuf>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self { described: BTreeMap::new(), node }) };
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text, node).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str, node: Option<PathBuf>) -> Result<Self, String> {
        let described: BTreeMap<String, Description> =
            toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        for (name, target) in &described {
            let _: Url = target.url.parse().map_err(|error| format!("[{name}] url: {error}"))?;
            if target.command.is_some() == target.pid.is_some() {
                return Err(format!(
                    "[{name}] needs either `command`, to start it, or `pid`, to watch the one that runs"
                ));
            }
        }
        Ok(Self { described, node })
    }

    /// The target of this name.
    ///
    /// # Errors
    /// Lists those that are known.
    pub(super) fn find(&self, name: &str) -> Result<Target, String> {
        let how = match (self.described.get(name), name) {
            (Some(description), _) => How::Described(description.clone()),
            (None, "tillside") => How::OurNode(self.node.clone()),
            (None, "janus") => How::DebianJanus,
            (None, _) => {
                let known: Vec<&str> = self.described.keys().map(String::as_str).chain(["janus"]).collect();
                return Err(format!(
                    "no server is called {name:?}: known are {}. Describe others in a file and name it with --targets",
                    known.join(", ")
                ));
            }
        };
        Ok(Target { name: name.to_owned(), how })
    }
}

impl Target {
    /// Starts it, or finds it.
    ///
    /// # Errors
    /// It is missing, or does not come up.
    pub(super) async fn start(&self, core: Option<&str>) -> Result<Running, String> {
        match &self.how {
            How::OurNode(program) => {
                let start =
                    Start { program: program.clone(), workers: 1, cores: core.map(str::to_owned), sets: Vec::new() };
                let (server, peer) = start.run().await?;
                Ok(Running { server: Some(server), peer: Peer::Tillside(peer) })
            }
            How::DebianJanus => {
                let (server, peer) = Janus::start(core).await?;
                Ok(Running { server: Some(server), peer: Peer::Janus(peer) })
            }
            How::Described(description) => description.start(&self.name, core).await,
        }
    }
}

impl Description {
    async fn start(&self, name: &str, core: Option<&str>) -> Result<Running, String> {
        let url: Url = self.url.parse().map_err(|error| format!("[{name}] url: {error}"))?;
        let server = match (&self.command, self.pid) {
            (Some(command), _) => {
                let mut server = Server::start(command, core, Folder::new(name)?)?;
                let host = url.host_str().unwrap_or("127.0.0.1").to_owned();
                let port = url.port_or_known_default().unwrap_or(80);
                wait_until_up(&mut server, || async {
                    tokio::net::TcpStream::connect((host.as_str(), port)).await.is_ok()
                })
                .await?;
                Some(server)
            }
            (None, pid) => pid.map(Server::attach),
        };
        let key = || self.key.as_deref().ok_or_else(|| format!("[{name}] needs `key = \"ID:SECRET\"`"));
        let peer = match self.kind {
            Kind::Janus => Peer::Janus(Janus::connect(&self.url).await?),
            Kind::MediaMtx => Peer::MediaMtx(MediaMtx::new(url)?),
            Kind::LiveKit => {
                let (id, secret) = key()?.split_once(':').ok_or_else(|| format!("[{name}] key: expected ID:SECRET"))?;
                Peer::LiveKit(LiveKit::new(url, id.to_owned(), secret.to_owned())?)
            }
            Kind::Tillside => {
                let tenant = self.tenant.as_deref().unwrap_or("demo");
                let key = Key::parse(key()?, tenant).ok_or_else(|| format!("[{name}] key: expected ID:SECRET"))?;
                Peer::Tillside(Tillside::new(url, key)?)
            }
        };
        Ok(Running { server, peer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_name() {
        let file = "[livekit]\nkind = \"livekit\"\nurl = \"http://127.0.0.1:7880\"\nkey = \"a:b\"\npid = 1\n";
        let targets = Targets::parse(file, None).unwrap();
        assert!(matches!(targets.find("livekit").unwrap().how, How::Described(_)));
        assert!(matches!(targets.find("janus").unwrap().how, How::DebianJanus));
        let unknown = targets.find("lifekit").err().unwrap();
        assert!(unknown.contains("livekit, janus"), "{unknown}");
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        for (file, word) in [
            ("[x]\nkind = \"zoom\"\nurl = \"http://a\"\npid = 1\n", "zoom"),
            ("[x]\nkind = \"janus\"\nurl = \"ws://a\"\n", "pid"),
            ("[x]\nkind = \"janus\"\nurl = \"8188\"\npid = 1\n", "url"),
            ("[x]\nkind = \"janus\"\nurl = \"ws://a\"\npid = 1\nport = 3\n", "port"),
        ] {
            let error = Targets::parse(file, None).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
