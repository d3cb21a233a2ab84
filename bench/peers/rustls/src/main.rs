// SPDX-License-Identifier: MIT

//! An echo server over rustls and a level-triggered epoll(7): rustls-echo ADDRESS CERTIFICATE KEY
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{Error, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::{collections::HashMap, sync::Arc};

type Peer = (TcpStream, ServerConnection);

/// Everything that has arrived, back; whether the connection goes on.
fn echo((socket, tls): &mut Peer, data: &mut [u8]) -> Result<bool> {
    let end = tls.read_tls(socket)? == 0;
    let state = tls.process_new_packets().map_err(Error::other)?;
    let mut left = state.plaintext_bytes_to_read();
    while left > 0 {
        let n = tls.reader().read(data)?;
        tls.writer().write_all(&data[..n])?;
        left -= n;
    }
    if state.peer_has_closed() {
        tls.send_close_notify();
    }
    while tls.wants_write() {
        tls.write_tls(socket)?;
    }
    Ok(!end && !state.peer_has_closed())
}

fn watch(epoll: i32, fd: i32) {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd as u64 };
    assert_eq!(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) }, 0);
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let chain = CertificateDer::pem_file_iter(&words[2]).unwrap().map(|c| c.unwrap()).collect();
    let key = PrivateKeyDer::from_pem_file(&words[3]).unwrap();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    config.send_tls13_tickets = 1;
    let config = Arc::new(config);
    let listener = TcpListener::bind(&words[1]).unwrap();
    let epoll = unsafe { libc::epoll_create1(0) };
    watch(epoll, listener.as_raw_fd());
    let mut peers: HashMap<i32, Peer> = HashMap::new();
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 128];
    let mut data = vec![0; 64 * 1024];
    loop {
        let n = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 128, -1) };
        for event in &events[..n.max(0) as usize] {
            let fd = event.u64 as i32;
            if fd == listener.as_raw_fd() {
                let (socket, _) = listener.accept().unwrap();
                socket.set_nodelay(true).unwrap();
                watch(epoll, socket.as_raw_fd());
                let mut tls = ServerConnection::new(config.clone()).unwrap();
                tls.set_buffer_limit(None);
                peers.insert(socket.as_raw_fd(), (socket, tls));
            } else if !echo(peers.get_mut(&fd).unwrap(), &mut data).unwrap_or(false) {
                peers.remove(&fd);
            }
        }
    }
}
