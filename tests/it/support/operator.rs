//! The operator's process: its start, its endpoints, its end.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};

use crate::support::cluster::{DEADLINE, poll};
use crate::support::process::dying_with_this_process;

/// With these, a start of a VM does not end by itself: its middle lasts as long as a test wants.
pub const STARTS_FOR_EVER: [&str; 2] = ["--vm-start", "1h"];

/// The operator's process, if it runs.
#[derive(Default)]
pub struct Operator {
    process: Option<Child>,
    health_port: u16,
    flags: Vec<String>,
}

impl Operator {
    /// Starts the operator on the cluster of a kubeconfig, with these flags beside.
    pub fn spawn(kubeconfig: &Path, flags: &[&str], log: File) -> anyhow::Result<Self> {
        let health_port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = dying_with_this_process(env!("CARGO_BIN_EXE_vnet"));
        command.args(["run", "--health-addr", &format!("127.0.0.1:{health_port}")]).args(flags);
        command.env("KUBECONFIG", kubeconfig);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Ok(Self { process: Some(spawn_process(command)?), health_port, flags })
    }

    /// What it answers to a GET: status line, headers and body. None if it does not serve yet.
    pub fn get(&self, path: &str) -> Option<String> {
        get(self.health_port, path)
    }

    /// Sends a signal, and waits for the end that it brings.
    pub fn end(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        poll("the operator has ended", || self.ended()).unwrap()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the operator runs").id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the operator took no signal {signal}");
    }

    /// True if it was started and has not ended.
    pub fn runs(&mut self) -> bool {
        self.process.is_some() && self.ended().is_none()
    }

    /// True if it runs as it does without flags.
    pub fn runs_plainly(&mut self) -> bool {
        self.runs() && self.flags.is_empty()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(|process| process.try_wait().ok().flatten())
    }
}

/// What an operator whose health address has this port answers to a GET: status line, headers and body.
pub fn get(health_port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", health_port)).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

impl Drop for Operator {
    /// One that a failed test leaves would go on to lead.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// True if the process ended by itself and not by a signal, with success.
pub fn ended_well(status: ExitStatus) -> bool {
    status.code() == Some(0) && status.signal().is_none()
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Starts a process from a thread that lives as long as this process; the threads of tests end before.
fn spawn_process(command: Command) -> anyhow::Result<Child> {
    static STARTER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                answer.send(command.spawn()).ok();
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    STARTER.send((command, answer))?;
    Ok(child.recv()??)
}
