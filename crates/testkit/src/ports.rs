//! Free loopback ports.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use socket2::{Domain, Socket, Type};

/// A port on the loopback interface that nobody listens on, reserved for the life of this process: no other call yields it, in
/// whichever process, and the system gives it to no outgoing connection. Whoever listens there with `SO_REUSEADDR`, as servers do,
/// can go and come back: while a server restarts or a [`Link`](crate::Link) is cut, its port stays its own.
///
/// # Panics
/// When the machine has no free port left.
pub fn free_port() -> u16 {
    static RESERVED: Mutex<Vec<Socket>> = Mutex::new(Vec::new());
    match reserve(0) {
        Ok((port, reservation)) => {
            RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(reservation);
            port
        }
        Err(error) => panic!("no free port on the loopback interface: {error}"),
    }
}

/// A socket that is bound (to any port for 0) and never listens: connections to it are refused. It is bound without `SO_REUSEADDR`,
/// which fails where anyone else is, another reservation included; and has it from then on, which lets a listener in.
fn reserve(port: u16) -> io::Result<(u16, Socket)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.set_reuse_address(true)?;
    let bound = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((bound.port(), socket))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_is_nobody_elses_while_its_listener_comes_and_goes() {
        let port = free_port();
        let at = (Ipv4Addr::LOCALHOST, port);
        let taken = || reserve(port).unwrap_err().kind();
        for _ in 0..2 {
            assert_eq!(taken(), io::ErrorKind::AddrInUse);
            assert_eq!(TcpStream::connect(at).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(at).unwrap();
            let client = TcpStream::connect(at).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            assert_eq!(taken(), io::ErrorKind::AddrInUse);
            // The server's side closes first, and its connection lingers.
            drop((accepted, listener, client));
        }
    }
}
