use std::time::Duration;

use ws_wasm::{CloseCode, CloseFrame, ErrorKind, Instant, Message, UsageError};

use crate::{Outcome, Peer, holds, list, same};

list! {
    codes_of_the_page_arrive_or_are_translated
    codes_of_the_server_arrive
    normal_codes_are_the_end
    what_came_before_the_close_frame_is_read
    dropped_socket_is_closed_without_a_code
    what_was_written_goes_out_before_the_close_frame
    failure_is_told_behind_what_was_written
    cut_connection_is_lost
    server_that_answers_no_close_frame_is_given_up
    nothing_is_written_after_the_end
}

async fn codes_of_the_page_arrive_or_are_translated(peer: Peer) -> Outcome {
    let cases = [
        (Some(CloseFrame::new(1000, "bye")), "1000 bye"),
        (Some(CloseFrame::new(3000, "grüße")), "3000 grüße"),
        (Some(CloseFrame::new(4999, "x".repeat(123))), &format!("4999 {}", "x".repeat(123))),
        (Some(CloseFrame::new(1001, "away")), "1000 away"),
        (Some(CloseFrame::new(1008, "policy")), "4908 policy"),
        (Some(CloseFrame::new(1011, "")), "4911 "),
        (None, "no code"),
    ];
    for (frame, expected) in cases {
        let name = peer.name();
        let mut socket = peer.dial(&format!("/closed/{name}")).await?;
        socket.close(frame).await?;
        same!(peer.report(&name).await?, expected);
        holds!(socket.closing().is_complete() && !socket.closing().received_first());
    }
    let mut socket = peer.dial("/echo").await?;
    for frame in [CloseFrame::new(1006, ""), CloseFrame::new(1000, "x".repeat(124))] {
        holds!(socket.close(frame).await.is_err_and(|error| error.is_usage()));
    }
    socket.write_message("still open").await?;
    same!(socket.read_message().await?, Some(Message::text("still open")));
    Ok(())
}

async fn codes_of_the_server_arrive(peer: Peer) -> Outcome {
    for code in [1002, 1003, 1008, 1009, 1011, 1012, 1013, 3000, 4000, 4999] {
        let mut socket = peer.dial(&format!("/close/{code}/why")).await?;
        socket.write_message("go").await?;
        let error = socket.read_message().await.err().ok_or("read")?;
        same!(error.kind(), &ErrorKind::Closed(Some(CloseFrame::new(code, "why"))));
        holds!(socket.closing().received_first());
    }
    Ok(())
}

async fn normal_codes_are_the_end(peer: Peer) -> Outcome {
    for code in [1000, 1001, 1005] {
        let mut socket = peer.dial(&format!("/close/{code}/done")).await?;
        socket.write_message("go").await?;
        same!(socket.read_message().await?, None);
        same!(socket.closing().was_clean(), Some(true));
        socket.close(None).await?;
    }
    Ok(())
}

async fn what_came_before_the_close_frame_is_read(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/early").await?;
    ws_wasm::sleep(Duration::from_millis(100)).await;
    for number in ["0", "1", "2"] {
        same!(socket.read_message().await?, Some(Message::text(number)));
    }
    let error = socket.read_message().await.err().ok_or("read")?;
    same!(error.close_frame(), Some(&CloseFrame::new(4000, "bye")));
    Ok(())
}

async fn dropped_socket_is_closed_without_a_code(peer: Peer) -> Outcome {
    let name = peer.name();
    let mut socket = peer.dial(&format!("/closed/{name}")).await?;
    socket.write_message("hello").await?;
    drop(socket);
    same!(peer.report(&name).await?, "no code");
    Ok(())
}

async fn what_was_written_goes_out_before_the_close_frame(peer: Peer) -> Outcome {
    let name = peer.name();
    let mut socket = peer.dial(&format!("/closed/{name}")).await?;
    for _ in 0..20 {
        socket.start_send(vec![7; 100_000])?;
    }
    socket.close(CloseFrame::new(4000, "after all")).await?;
    same!(peer.report(&name).await?, "4000 after all");
    Ok(())
}

async fn failure_is_told_behind_what_was_written(peer: Peer) -> Outcome {
    let name = peer.name();
    let dialer = peer.dialer().max_message_size(50_000);
    let mut socket = dialer.dial(peer.url(&format!("/closed/{name}"))).await?;
    for _ in 0..20 {
        socket.start_send(vec![7; 100_000])?;
    }
    // The first of them comes back while others wait.
    let error = socket.read_message().await.err().ok_or("read")?;
    same!(error.kind(), &ErrorKind::TooBig { limit: 50_000 });
    same!(peer.report(&name).await?, "4909 message too big");
    Ok(())
}

async fn cut_connection_is_lost(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/cut").await?;
    socket.write_message("go").await?;
    for _ in 0..2 {
        let error = socket.read_message().await.err().ok_or("read")?;
        same!(error.kind(), &ErrorKind::ConnectionLost);
        same!(error.close_code(), Some(CloseCode::ABNORMAL_CLOSURE));
    }
    Ok(())
}

async fn server_that_answers_no_close_frame_is_given_up(peer: Peer) -> Outcome {
    let dialer = peer.dialer().close_timeout(Duration::from_millis(300));
    let mut socket = dialer.dial(peer.url("/mute")).await?;
    let began = Instant::now();
    let error = socket.close(None).await.err().ok_or("closed")?;
    same!(error.kind(), &ErrorKind::ConnectionLost);
    holds!(began.elapsed() >= Duration::from_millis(300));
    Ok(())
}

async fn nothing_is_written_after_the_end(peer: Peer) -> Outcome {
    let mut socket = peer.dial("/echo").await?;
    socket.close(None).await?;
    let error = socket.write_message("late").await.err().ok_or("written")?;
    same!(error.usage(), Some(UsageError::CloseSent));
    Ok(())
}
