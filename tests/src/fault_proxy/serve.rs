//! Connections: requests are read whole, and each has a connection of its own to the server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

use super::deliver::{deliver, reset};
use super::fault::Fault;
use super::message::{Head, Length, body};
use super::plan::Plan;
use super::stream;

/// How long nobody listens.
const CLOSED: Duration = Duration::from_millis(20);

/// The port that clients call.
pub(super) struct Door {
    /// Bound, and never listening: the port stays ours while nobody listens on it.
    _holds_port: TcpSocket,
    address: SocketAddr,
    listener: TcpListener,
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Door {
    pub fn open() -> io::Result<Self> {
        let holds_port = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = holds_port.local_addr()?;
        let listener = bound(address)?.listen(1024)?;
        Ok(Self { _holds_port: holds_port, address, listener })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped.
    pub async fn serve(self, target: SocketAddr, plan: Arc<Plan>) {
        let mut listener = self.listener;
        let (close, mut closes) = mpsc::unbounded_channel();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let (client, _) = accepted.unwrap();
                    let (plan, close) = (plan.clone(), close.clone());
                    tokio::spawn(Connection { target, plan, close }.run(client));
                }
                _ = closes.recv() => {
                    drop(listener);
                    tokio::time::sleep(CLOSED).await;
                    listener = bound(self.address).and_then(|socket| socket.listen(1024)).unwrap();
                }
            }
        }
    }
}

struct Connection {
    target: SocketAddr,
    plan: Arc<Plan>,
    close: mpsc::UnboundedSender<()>,
}

impl Connection {
    async fn run(self, client: TcpStream) {
        // A client that leaves, or a server that does, is an end like any other.
        if let Err(error) = self.serve(client).await
            && error.kind() == io::ErrorKind::InvalidData
        {
            eprintln!("fault proxy: {error}");
        }
    }

    /// Request by request, until the client leaves or a fault has ended the connection.
    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut client = BufReader::new(client);
        while let Some(head) = Head::read(&mut client).await? {
            let content = body(&mut client, head.request_length()?).await?;
            let fate = self.plan.fate(&head);
            match fate {
                Some(fault) if fault.is_before() => {
                    if !self.before(fault, &mut client).await? {
                        return Ok(());
                    }
                }
                fate => {
                    if !self.pass(&head, &content, fate, &mut client).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Does what the server does not hear of; whether the connection goes on.
    async fn before(&self, fault: Fault, client: &mut BufReader<TcpStream>) -> io::Result<bool> {
        self.plan.has_done(fault);
        if let Some(answer) = fault.answer() {
            client.write_all(&answer).await?;
            return Ok(true);
        }
        if fault == Fault::Refused {
            self.close.send(()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        reset(client.get_ref());
        Ok(false)
    }

    /// Has the server do it; whether the connection goes on.
    async fn pass(
        &self,
        request: &Head,
        content: &[u8],
        fate: Option<Fault>,
        client: &mut BufReader<TcpStream>,
    ) -> io::Result<bool> {
        let server = TcpStream::connect(self.target).await?;
        server.set_nodelay(true)?;
        let mut server = BufReader::new(server);
        server.write_all(&request.with(Length::Exactly(content.len()))).await?;
        server.write_all(content).await?;
        let answer = Head::read(&mut server).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if answer.is_stream() {
            let fault = fate.filter(|fault| fault.is_of_streams());
            return stream::pass(&answer, &mut server, client, fault, &self.plan).await;
        }
        let content = body(&mut server, answer.answer_length(request)?).await?;
        // What is of streams cannot be done to another answer.
        let fault = fate.filter(|fault| !fault.is_of_streams());
        deliver(&answer, &content, client, fault, &self.plan).await
    }
}
