//! The server by itself: how soon it answers on a database that is there, and how much memory it keeps when idle.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::measuring::{median, resident, start};

/// A question that goes to the database.
const QUESTION: &str = r#"{"query":"{ grants(first: 5) { totalCount nodes { title status } } }"}"#;
/// How long the server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Results {
    seconds_to_answer: Vec<f64>,
    idle: Vec<f64>,
}

/// Start the server on a folder that nobody else uses, and stop it, several times.
pub fn run(folder: &Path, repetitions: u64) -> anyhow::Result<Results> {
    let mut results = Results::default();
    for _ in 0..repetitions {
        let clock = start();
        let mut server = Command::new(env!("CARGO_BIN_EXE_sidebyside"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("SIDEBYSIDE_DATA", folder)
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .spawn()?;
        let answered = answer(&mut server).map(|()| clock.seconds());
        std::thread::sleep(if answered.is_ok() { IDLE } else { Duration::ZERO });
        let idle = resident(server.id());
        end(&mut server)?;
        results.seconds_to_answer.push(answered?);
        results.idle.push(idle?);
    }
    Ok(results)
}

/// What a server prints about itself when it is ready.
pub struct Announced {
    pub address: String,
    /// Signs in once.
    pub link: String,
    pub token: String,
}

/// Read where the server is from what it prints.
pub fn announced(server: &mut Child) -> anyhow::Result<Announced> {
    let output = server.stdout.take().context("the server has no output")?;
    let (mut address, mut link, mut token) = (None, None, None);
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(rest) = line.split("http://").nth(1) {
            address.get_or_insert(rest.split(['/', ' ']).next().unwrap_or_default().to_owned());
            if rest.contains("ticket=") {
                link = Some(format!("http://{rest}"));
            }
        }
        token = line.split("Bearer ").nth(1).map(str::to_owned);
        if token.is_some() {
            break;
        }
    }
    Ok(Announced {
        address: address.context("no address was printed")?,
        link: link.context("no link was printed")?,
        token: token.context("no token was printed")?,
    })
}

/// Stop a server and wait for its end.
pub fn end(server: &mut Child) -> anyhow::Result<()> {
    let process = rustix::process::Pid::from_child(server);
    rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
    server.wait()?;
    Ok(())
}

/// Ask a server that has just been started, and wait for a right answer.
fn answer(server: &mut Child) -> anyhow::Result<()> {
    let Announced { address, token, .. } = announced(server)?;
    let mut stream = TcpStream::connect(&address)?;
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{QUESTION}",
        QUESTION.len()
    )?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    if !said.starts_with("HTTP/1.1 200") || !said.contains("\"totalCount\":") {
        bail!("the server answered: {said}");
    }
    Ok(())
}

/// The table for people.
pub fn table(results: &Results) -> String {
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let row = |name: &str, values: &[f64], unit: &str, goal: &str| {
        let (middle, most) = (median(values.iter().copied()), most(values));
        format!("| {name} | {middle:.2} {unit} | {most:.2} {unit} | {goal} |\n")
    };
    format!(
        "\n| the server on that database | median | most | goal |\n|---|---|---|---|\n{}{}",
        row("start to first answer", &results.seconds_to_answer, "s", "under 2 s"),
        row("resident when idle, database aside", &results.idle, "MB", "under 60 MB"),
    )
}
