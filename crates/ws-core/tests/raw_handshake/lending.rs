//! Buffers are on loan.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, duplex};
use ws_core::{
    BufferPool, Pool,
    raw::handshake::{Dialer, Upgrader},
};

use super::support::{Request, accepting, dial, serve};

/// Counts the buffers that are out, and hands out dirty ones.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<(usize, Vec<usize>)>>);

impl Pool for Counting {
    fn take(&self, capacity: usize) -> BytesMut {
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        state.1.push(capacity);
        let mut buffer = BytesMut::with_capacity(capacity);
        buffer.extend_from_slice(b"GET /of-another HTTP/1.1\r\n\r\n");
        buffer
    }

    fn put(&self, buffer: BytesMut) {
        assert!(buffer.is_empty() && buffer.capacity() > 0);
        self.0.lock().unwrap().0 -= 1;
    }
}

impl Counting {
    fn out(&self) -> usize {
        self.0.lock().unwrap().0
    }

    fn asked(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

#[tokio::test(start_paused = true)]
async fn every_buffer_goes_back_but_the_one_with_frames_in_it() {
    let pool = Counting::default();
    let upgrader = Upgrader::new().buffer_pool(BufferPool::own(pool.clone()));
    for (input, out) in [
        (Request::new().bytes(), 0),
        ([Request::new().bytes(), vec![0x81]].concat(), 1),
        (Request::new().without("Host").bytes(), 0),
        (b"\0".to_vec(), 0),
        (vec![b'a'; 20_000], 0),
    ] {
        let before = pool.out();
        let result = serve(&upgrader, &input).await.0;
        assert_eq!(pool.out() - before, out, "{result:?}");
    }

    let before = pool.out();
    let dialer = Dialer::new().buffer_pool(BufferPool::own(pool.clone()));
    assert!(dial(&dialer, "ws://a/", |request| accepting(request).into_bytes()).await.0.is_ok());
    assert!(dial(&dialer, "ws://a/", |_| b"HTTP/1.1 404 Not Found\r\n\r\nbody".to_vec()).await.0.is_err());
    assert!(dial(&dialer, "ws://a/", |_| b"?\r\n\r\n".to_vec()).await.0.is_err());
    assert_eq!(pool.out(), before);
}

#[tokio::test(start_paused = true)]
async fn dropped_handshake_gives_its_buffers_back() {
    let pool = Counting::default();
    let upgrader = Upgrader::new().buffer_pool(BufferPool::own(pool.clone()));
    let (mut near, mut far) = duplex(4096);
    far.write_all(b"GET / HT").await.unwrap();
    {
        let mut future = pin!(upgrader.upgrade(&mut near));
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(pool.out(), 1);
    }
    assert_eq!(pool.out(), 0);
}

#[tokio::test(start_paused = true)]
async fn sizes_are_those_that_were_set_and_grow_with_the_head() {
    let pool = Counting::default();
    let base = Upgrader::new().buffer_pool(BufferPool::own(pool.clone()));
    serve(&base, &Request::new().bytes()).await.0.unwrap();
    assert_eq!(pool.asked(), [4096, 4096]);
    let upgrader = base.clone().read_buffer_size(0).write_buffer_size(300);
    serve(&upgrader, &Request::new().bytes()).await.0.unwrap();
    assert_eq!(pool.asked(), [256, 300]);
    serve(&base, &Request::new().and("A", "a".repeat(8000)).bytes()).await.0.unwrap();
    assert_eq!(pool.asked(), [4096, 16 << 10, 4096]);
    let dialer = Dialer::new()
        .buffer_pool(BufferPool::own(pool.clone()))
        .read_buffer_size(1000)
        .write_buffer_size(500);
    dial(&dialer, "ws://a/", |request| accepting(request).into_bytes()).await.0.unwrap();
    assert_eq!(pool.asked(), [500, 1000]);
}
