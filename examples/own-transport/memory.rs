//! Two pipes in memory: tests of a client without a port, a resolver, or a wait.

use crate::{Result, greet, shout};

pub(crate) async fn run() -> Result<String> {
    // How much one end may write before the other has to read.
    let (near, far) = tokio::io::duplex(16 << 10);
    let (answer, served) = tokio::join!(greet(near), shout(far));
    served?;
    answer
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn greeting_is_answered_loudly() {
        assert_eq!(super::run().await.unwrap(), "HELLO");
    }
}
