//! A wire between a store and its server that can be cut at the worst moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};

/// A simple COMMIT as it goes over the wire.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Where the wire is cut when the next COMMIT comes along.
#[derive(Clone, Copy)]
pub enum Cut {
    /// Before the server hears of it.
    Question = 1,
    /// After the server has committed, before anyone hears of that.
    Answer = 2,
}

/// A socket that passes everything on to the real server, until it is told to cut.
pub struct Wire {
    folder: TempDir,
    port: u16,
    next: Arc<AtomicU8>,
    cuts: Arc<AtomicUsize>,
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<L: AsyncRead + AsyncWrite + Send + Unpin> Line for L {}

async fn server(to: &PgConnectOptions) -> Box<dyn Line> {
    match to.get_socket() {
        Some(folder) => {
            let path = folder.join(format!(".s.PGSQL.{}", to.get_port()));
            Box::new(UnixStream::connect(path).await.unwrap())
        }
        None => Box::new(TcpStream::connect((to.get_host(), to.get_port())).await.unwrap()),
    }
}

impl Wire {
    /// A wire to a server.
    pub fn to(server: &PgConnectOptions) -> Self {
        let wire = Self {
            folder: tempfile::tempdir().unwrap(),
            port: server.get_port(),
            next: Arc::default(),
            cuts: Arc::default(),
        };
        let path: PathBuf = wire.folder.path().join(format!(".s.PGSQL.{}", wire.port));
        let listener = UnixListener::bind(path).unwrap();
        let (next, cuts, to) = (Arc::clone(&wire.next), Arc::clone(&wire.cuts), server.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, to.clone(), Arc::clone(&next), Arc::clone(&cuts)));
            }
        });
        wire
    }

    /// How to connect over the wire.
    pub fn options(&self, role: &PgConnectOptions) -> PgConnectOptions {
        role.clone().socket(self.folder.path())
    }

    /// Cut when the next COMMIT comes along.
    pub fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    /// How often it was cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn pass(client: UnixStream, to: PgConnectOptions, next: Arc<AtomicU8>, cuts: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server(&to).await);
    let answers = tokio::spawn(async move {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
            if to_client.write_all(&bytes[..read]).await.is_err() {
                break;
            }
        }
        // Given back, so that the answer can be waited for when the client no longer is.
        from_server
    });
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        let is_commit = bytes[..read].ends_with(COMMIT);
        match if is_commit { next.swap(0, Ordering::SeqCst) } else { 0 } {
            0 => {
                if to_server.write_all(&bytes[..read]).await.is_err() {
                    break;
                }
            }
            cut => {
                answers.abort();
                if cut == Cut::Answer as u8 {
                    // Nobody reads the answer. The server ends the session after it has committed.
                    to_server.write_all(&bytes[..read]).await.unwrap();
                    to_server.shutdown().await.unwrap();
                }
                cuts.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
    }
    let _gone = to_server.shutdown().await;
    answers.abort();
}
