//! The sandbox's network: a loopback device and nothing else.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::local::egress::{DNS_PORT, FAKE_MASK, FAKE_NET, PROXY_PORT, TRANSPARENT_PORTS};

nix::ioctl_write_ptr_bad!(set_flags, libc::SIOCSIFFLAGS, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_address, libc::SIOCSIFADDR, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_mask, libc::SIOCSIFNETMASK, libc::ifreq);

/// Brings `lo` up and makes the addresses that DNS answers local, so that a connection to one of
/// them is a connection to the host's listener here.
pub fn bring_up() -> io::Result<()> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut request = interface(b"lo");
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is complete and lives across each call.
    unsafe { set_flags(any.as_raw_fd(), &request) }?;
    let mut request = interface(b"lo:1");
    request.ifr_ifru.ifru_addr = address(FAKE_NET);
    // SAFETY: as above.
    unsafe { set_address(any.as_raw_fd(), &request) }?;
    request.ifr_ifru.ifru_addr = address(FAKE_MASK);
    // SAFETY: as above.
    unsafe { set_mask(any.as_raw_fd(), &request) }?;
    Ok(())
}

fn interface(name: &[u8]) -> libc::ifreq {
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name) {
        *to = *from as libc::c_char;
    }
    request
}

fn address(ip: Ipv4Addr) -> libc::sockaddr {
    let internet = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from(ip).to_be() },
        sin_zero: [0; 8],
    };
    // SAFETY: both are the 16 bytes of an address; the family says which.
    unsafe { std::mem::transmute(internet) }
}

/// Proxy, DNS over TCP, the transparent ports, and last DNS over UDP.
pub fn egress_sockets() -> io::Result<Vec<OwnedFd>> {
    let loopback = Ipv4Addr::LOCALHOST;
    let mut sockets = vec![listener(loopback, PROXY_PORT)?, listener(loopback, DNS_PORT)?];
    for port in TRANSPARENT_PORTS {
        sockets.push(listener(Ipv4Addr::UNSPECIFIED, port)?);
    }
    let dns = UdpSocket::bind((loopback, DNS_PORT))?;
    dns.set_nonblocking(true)?;
    sockets.push(dns.into());
    Ok(sockets)
}

fn listener(ip: Ipv4Addr, port: u16) -> io::Result<OwnedFd> {
    let listener = TcpListener::bind((ip, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener.into())
}

/// A TCP socket of this network, for the host to connect.
pub fn tcp_socket() -> Result<OwnedFd, Errno> {
    let flags = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: makes a descriptor that is ours alone.
    let fd = Errno::result(unsafe { libc::socket(libc::AF_INET, flags, 0) })?;
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
