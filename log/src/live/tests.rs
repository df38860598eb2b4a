mod across;

use futures::FutureExt;

use super::*;
use crate::conformance::fixtures::{scope, session};

fn stream() -> StreamId {
    session(scope(0), 1)
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

#[test]
fn a_watcher_reads_from_any_offset() {
    let live = Live::new();
    let speaker = live.speak(&stream(), Position(7));
    speaker.say(Voice::Reasoning, "hm ");
    speaker.say(Voice::Text, "one ");
    speaker.say(Voice::Text, "two");
    let mut watcher = live.watch(&stream());
    let all = watcher.after(Position(7), 0).now_or_never().unwrap();
    assert_eq!(all.len(), 2, "a voice's stretch is one piece");
    assert_eq!(joined(&all), "hm one two");
    let some = watcher.after(Position(7), 5).now_or_never().unwrap();
    assert_eq!(some, [Piece { voice: Voice::Text, text: "e two".to_owned() }]);
    assert!(watcher.after(Position(7), 10).now_or_never().is_none());
    assert!(watcher.after(Position(8), 0).now_or_never().is_none(), "another call");
}

#[test]
fn an_overtaken_speaker_says_nothing_more() {
    let live = Live::new();
    let old = live.speak(&stream(), Position(1));
    let new = live.speak(&stream(), Position(2));
    old.say(Voice::Text, "old");
    drop(old);
    new.say(Voice::Text, "new");
    let mut watcher = live.watch(&stream());
    let heard = watcher.after(Position(2), 0).now_or_never().unwrap();
    assert_eq!(joined(&heard), "new");
}

#[test]
fn nothing_is_kept_when_all_have_gone() {
    let live = Live::new();
    let watcher = live.watch(&stream());
    drop(live.speak(&stream(), Position(1)));
    assert_eq!(live.streams(), 1);
    drop(watcher);
    assert_eq!(live.streams(), 0);
    drop(live.speak(&stream(), Position(1)));
    assert_eq!(live.streams(), 0);
}
