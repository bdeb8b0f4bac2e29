//! As much HTTP/1.1 as the server needs.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Act, State};

/// Answers the requests of one connection until it ends.
pub(super) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let mut buffer = Vec::new();
    while let Some((path, headers, body)) = read_request(&mut stream, &mut buffer).await {
        let busy = state.enter();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut act = state.act(&path, headers, body);
        while let Act::Slow(time, then) = act {
            tokio::time::sleep(time).await;
            act = *then;
        }
        let (bytes, goes_on) = bytes_of(act, &path);
        let written = stream.write_all(&bytes).await;
        drop(busy);
        if written.is_err() || !goes_on {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// What to send, and whether the connection goes on.
fn bytes_of(act: Act, path: &str) -> (Vec<u8>, bool) {
    match act {
        Act::Answer(text) => {
            let choice = if path.ends_with("chat/completions") {
                json!({"index": 0, "message": {"role": "assistant", "content": text},
                       "finish_reason": "stop"})
            } else {
                json!({"index": 0, "text": text, "finish_reason": "stop"})
            };
            let tokens = text.split_whitespace().count();
            let body = json!({"object": "chat.completion", "choices": [choice],
                              "usage": {"prompt_tokens": 5, "completion_tokens": tokens}});
            (response(200, &[], &body.to_string()), true)
        }
        Act::Status(status, headers, body) => (response(status, &headers, &body), true),
        Act::CutOff(body) => {
            let mut bytes = response(200, &[], &body);
            bytes.truncate(bytes.len() - body.len() / 2 - 1);
            (bytes, false)
        }
        Act::Huge(size) => {
            let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
            bytes.resize(bytes.len() + size, b' ');
            (bytes, false)
        }
        Act::Raw(bytes) => (bytes, false),
        Act::Close | Act::Slow(..) => (Vec::new(), false),
    }
}

fn response(status: u16, headers: &[(String, String)], body: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n", body.len());
    head.push_str(body);
    head.into_bytes()
}

/// The path, the headers and the body of the next request; `None` at the end.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> Option<(String, Vec<(String, String)>, Vec<u8>)> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(buffer.get(..head_end)?).into_owned();
    let path = head.split_ascii_whitespace().nth(1)?.to_owned();
    let headers: Vec<(String, String)> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer.get(head_end..head_end + length)?.to_vec();
    buffer.drain(..head_end + length);
    Some((path, headers, body))
}
