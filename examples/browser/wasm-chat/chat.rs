//! What the chat knows: who is there, which lines were seen, and which are on their way.

use std::collections::{BTreeSet, VecDeque};

use crate::hub::{Ask, Empty, Line, Told};

/// One room, as one of its members sees it.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    user: Option<String>,
    /// Where in the history of the room this is.
    position: Option<String>,
    /// The last join asked for what follows that.
    resumes: bool,
    members: BTreeSet<String>,
    /// The newest lines, by their names.
    seen: VecDeque<String>,
    /// Lines that the server has not confirmed.
    unconfirmed: VecDeque<(u64, Line)>,
    last_id: u64,
}

/// What is to be seen of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A line, of this user.
    Line { line: Line, who: String },
    /// What was missed is not to be had any more: what is shown is not all.
    Gap,
    /// Somebody came or left.
    Members,
    /// A line was not taken.
    Refused { id: String, why: String },
}

impl Chat {
    pub(crate) fn auth(&mut self, token: &str) -> (u64, String) {
        let id = self.id();
        (id, Ask::Auth { id, token }.to_json())
    }

    pub(crate) fn signed_in(&mut self, user: Option<String>) {
        self.user = user;
    }

    /// Joins the room: for what was missed, or the newest lines.
    pub(crate) fn join(&mut self) -> String {
        let id = self.id();
        let since = self.position.as_deref();
        self.resumes = since.is_some();
        let newest = since.is_none().then_some(NEWEST);
        Ask::Join { id, room: ROOM, since, newest, presence: Empty {}, watch: true }.to_json()
    }

    /// A line of this end's own, and the frame that sends it.
    pub(crate) fn say(&mut self, line: Line) -> String {
        let id = self.id();
        let frame = Ask::Publish { id, room: ROOM, data: &line }.to_json();
        self.unconfirmed.push_back((id, line));
        frame
    }

    /// Everything that may not have arrived, again: on a new connection.
    pub(crate) fn say_again(&mut self) -> Vec<String> {
        let lines = std::mem::take(&mut self.unconfirmed);
        lines.into_iter().map(|(_, line)| self.say(line)).collect()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    pub(crate) fn is_me(&self, user: &str) -> bool {
        self.user.as_deref() == Some(user)
    }

    pub(crate) fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    /// Takes a frame; gives what is to be seen of it, and what is to be sent.
    pub(crate) fn told(&mut self, told: Told) -> (Option<Change>, Option<String>) {
        match told {
            Told::Joined { recovered, messages, position } => {
                if self.resumes && !recovered {
                    self.position = None;
                    self.seen.clear();
                    return (Some(Change::Gap), Some(self.join()));
                }
                if !recovered || messages == 0 {
                    self.position = position;
                }
            }
            Told::Message { position, from, data } => return (self.line(position, from, data), None),
            Told::Present { members } => {
                self.members = members.into_iter().map(|member| member.name).collect();
                return (Some(Change::Members), None);
            }
            Told::Presence { event, name } => {
                if event == "leave" {
                    self.members.remove(&name);
                } else {
                    self.members.insert(name);
                }
                return (Some(Change::Members), None);
            }
            Told::Ok { id, .. } => {
                // The line itself comes as a message, too.
                let _ = self.take(id);
            }
            Told::Error { id, message, .. } => {
                let refused = self.take(id).map(|line| Change::Refused { id: line.id, why: message });
                return (refused, None);
            }
            Told::Lost => return (None, Some(self.join())),
            Told::Welcome | Told::Other => {}
        }
        (None, None)
    }

    fn line(
        &mut self,
        position: Option<String>,
        from: Option<crate::hub::From>,
        line: Line,
    ) -> Option<Change> {
        if position.is_some() {
            self.position = position;
        }
        self.unconfirmed.retain(|(_, own)| own.id != line.id);
        if self.seen.contains(&line.id) {
            return None;
        }
        self.seen.push_back(line.id.clone());
        if self.seen.len() > MAX_SEEN {
            self.seen.pop_front();
        }
        let who = from.and_then(|from| from.user).unwrap_or_default();
        Some(Change::Line { line, who })
    }

    /// The line that was sent with this number.
    fn take(&mut self, id: Option<u64>) -> Option<Line> {
        let at = self.unconfirmed.iter().position(|(known, _)| Some(*known) == id)?;
        self.unconfirmed.remove(at).map(|(_, line)| line)
    }

    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

const ROOM: &str = "lobby";
const NEWEST: u32 = 50;
/// More than are on their way twice.
const MAX_SEEN: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(chat: &mut Chat, frame: &str) -> (Option<Change>, Option<String>) {
        chat.told(serde_json::from_str(frame).unwrap())
    }

    fn line(id: &str, text: &str) -> Line {
        Line { id: id.into(), text: text.into() }
    }

    fn message(position: u32, id: &str) -> String {
        format!(
            r#"{{"type":"message","room":"lobby","position":"p-{position}","from":{{"session":"s","user":"Ada#1"}},"data":{{"id":"{id}","text":"hi","at":1}}}}"#
        )
    }

    #[test]
    fn line_that_comes_twice_is_seen_once() {
        let mut chat = Chat::default();
        let (change, _) = told(&mut chat, &message(1, "a"));
        assert_eq!(change, Some(Change::Line { line: line("a", "hi"), who: "Ada#1".into() }));
        assert_eq!(told(&mut chat, &message(2, "a")), (None, None));
    }

    #[test]
    fn joins_go_on_from_the_last_line() {
        let mut chat = Chat::default();
        assert!(chat.join().contains(r#""newest":50"#));
        told(&mut chat, r#"{"type":"joined","recovered":true,"messages":1,"position":"p-1"}"#);
        assert!(chat.join().contains("newest"), "the line that was promised has not come");
        told(&mut chat, &message(1, "a"));
        assert!(chat.join().contains(r#""since":"p-1""#));
    }

    #[test]
    fn gap_is_told_and_the_newest_lines_are_asked_for() {
        let mut chat = Chat::default();
        told(&mut chat, &message(1, "a"));
        chat.join();
        let frame = r#"{"type":"joined","recovered":false,"messages":0,"position":"p-9"}"#;
        let (change, reply) = told(&mut chat, frame);
        assert_eq!(change, Some(Change::Gap));
        assert!(reply.unwrap().contains(r#""newest":50"#));
        assert_eq!(told(&mut chat, frame), (None, None));
        assert!(chat.join().contains(r#""since":"p-9""#));
    }

    #[test]
    fn line_is_said_again_until_it_is_confirmed() {
        let mut chat = Chat::default();
        let frame = chat.say(line("a", "hi"));
        assert_eq!(frame, r#"{"type":"publish","id":1,"room":"lobby","data":{"id":"a","text":"hi"}}"#);
        assert_eq!(chat.say_again().len(), 1);
        assert_eq!(told(&mut chat, r#"{"type":"ok","id":1}"#), (None, None), "that was the first attempt");
        assert_eq!(chat.unconfirmed(), 1);
        told(&mut chat, r#"{"type":"ok","id":2,"position":"p-1"}"#);
        assert_eq!(chat.unconfirmed(), 0);
        chat.say(line("b", "hi"));
        told(&mut chat, &message(2, "b"));
        assert!(chat.say_again().is_empty(), "it came back");
    }

    #[test]
    fn refused_line_is_not_said_again() {
        let mut chat = Chat::default();
        chat.say(line("a", ""));
        let (change, _) = told(&mut chat, r#"{"type":"error","id":1,"code":"line","message":"too short"}"#);
        assert_eq!(change, Some(Change::Refused { id: "a".into(), why: "too short".into() }));
        assert!(chat.say_again().is_empty());
    }

    #[test]
    fn members_come_and_go() {
        let mut chat = Chat::default();
        told(&mut chat, r#"{"type":"present","room":"lobby","members":[{"name":"Ada#1"},{"name":"Bob#2"}]}"#);
        told(&mut chat, r#"{"type":"presence","room":"lobby","event":"leave","name":"Ada#1"}"#);
        told(&mut chat, r#"{"type":"presence","room":"lobby","event":"join","name":"Eve#3"}"#);
        assert_eq!(chat.members().collect::<Vec<_>>(), ["Bob#2", "Eve#3"]);
    }
}
