//! Tells a stream from any place in it: reads commits, and makes events of them.

use std::sync::Arc;

use futures::FutureExt;
use theazo_commands::Commander;
use theazo_domain::{Kind, StreamId, TaskId};
use theazo_log::live::{Live, Piece};
use theazo_log::{Commit, EventLog, Filter, Position};

use super::cursor::Cursor;
use super::feed::Feed;
use super::frame::Frame;
use super::render::{Renderer, Trouble, text_frames};
use super::script::{AgentScript, Beat, Call, TaskScript};

/// Commits of a task's beginning that are read at a time.
const BEGINNING: usize = 64;

/// What tellers are made with.
#[derive(Clone)]
pub(super) struct Scene {
    pub commander: Arc<Commander>,
    pub live: Live,
}

impl Scene {
    pub fn log(&self) -> &Arc<dyn EventLog> {
        self.commander.log()
    }
}

/// One place in one stream, and all that is needed to go on from there.
pub(super) struct Teller {
    scene: Scene,
    renderer: Renderer,
    feed: Feed,
    script: Script,
    /// The model call that is open here.
    open: Option<Call>,
    cursor: Cursor,
    /// The place in the middle of the next commit that a reader resumes at.
    within: Option<Cursor>,
}

enum Script {
    Task(TaskScript),
    Agent(Box<AgentScript>),
}

impl Teller {
    /// At `from` in the stream of `key`, up to what the log has now. Folds what is before it.
    pub async fn new(scene: Scene, key: &StreamId, from: Cursor) -> Result<Self, Trouble> {
        let renderer = Renderer { commander: scene.commander.clone(), scope: key.scope };
        let mut feed = Feed::new(scene.log().clone());
        feed.follow(key.clone(), Position::START);
        let script = Script::of(key)?;
        let cursor = Cursor::after(Position::START);
        let mut teller = Self { scene, renderer, feed, script, open: None, cursor, within: None };
        teller.wind_to(from).await?;
        teller.feed.extend_to_head().await?;
        Ok(teller)
    }

    async fn wind_to(&mut self, from: Cursor) -> Result<(), Trouble> {
        let whole = from.events == Cursor::ALL;
        let before = Position(from.commit.0.saturating_sub(1));
        self.feed.set_bound(if whole { from.commit } else { before });
        while let Some(commit) = self.feed.next().await? {
            for beat in self.play(&commit).await? {
                match beat {
                    Beat::Opens(call) => self.open = Some(call),
                    Beat::Closes { .. } | Beat::Drops => self.open = None,
                    Beat::Tells(_) => {}
                }
            }
        }
        self.stand_at(from);
        self.within = (!whole).then_some(from);
        Ok(())
    }

    /// Where it is.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether nothing will come any more.
    pub fn is_over(&self) -> bool {
        match &self.script {
            Script::Task(task) => task.is_over(),
            Script::Agent(agent) => agent.is_over(),
        }
    }

    /// The model call that is open here.
    pub fn open_call(&self) -> Option<&Call> {
        self.open.as_ref()
    }

    pub fn feed(&mut self) -> &mut Feed {
        &mut self.feed
    }

    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The events of the next commit, which may be none; `None` when all that is known was told.
    pub async fn next(&mut self) -> Result<Option<Vec<Frame>>, Trouble> {
        let Some(commit) = self.feed.next().await? else { return Ok(None) };
        let beats = self.play(&commit).await?;
        self.perform(commit.position, beats).await.map(Some)
    }

    /// Events for what the open call has said beyond this place.
    pub fn say(&mut self, pieces: &[Piece]) -> Result<Vec<Frame>, Trouble> {
        let Some(call) = &self.open else { return Ok(vec![]) };
        let frames = text_frames(call, pieces, self.cursor)?;
        if let Some(last) = frames.last() {
            self.cursor = last.end;
        }
        Ok(frames)
    }

    /// What the open call has said by now beyond this place: nothing, when none is being made in
    /// this process any more.
    pub fn hear_now(&mut self) -> Result<Vec<Frame>, Trouble> {
        let Some(call) = &self.open else { return Ok(vec![]) };
        let offset = usize::try_from(self.cursor.text).unwrap_or(usize::MAX);
        let mut watcher = self.scene.live.watch(&call.stream);
        // A task that has used up its budget would be told that nothing is there.
        let said = tokio::task::unconstrained(watcher.after(call.at, offset)).now_or_never();
        drop(watcher);
        self.say(&said.unwrap_or_default())
    }

    async fn play(&mut self, commit: &Commit) -> Result<Vec<Beat>, Trouble> {
        let mut beats = Vec::new();
        match &mut self.script {
            Script::Task(task) => task.play(commit, &mut beats),
            Script::Agent(agent) if commit.stream == *agent.stream() => {
                let begun = agent.begins(commit);
                agent.play(commit, &mut beats);
                if let Some(task) = begun {
                    let lifecycle = std::mem::take(&mut beats);
                    self.take_up(task, commit.position, &mut beats).await?;
                    beats.extend(lifecycle);
                }
            }
            Script::Agent(agent) => {
                if let Some(task) = &mut agent.task {
                    task.play(commit, &mut beats);
                }
            }
        }
        Ok(beats)
    }

    /// The agent works on another task from the commit at `at` on: what was committed to that one
    /// before is told as part of this commit.
    async fn take_up(
        &mut self,
        id: TaskId,
        at: Position,
        beats: &mut Vec<Beat>,
    ) -> Result<(), Trouble> {
        let Script::Agent(agent) = &mut self.script else { return Ok(()) };
        let stream = StreamId::task(agent.stream().scope, id);
        let filter = Filter::stream(stream.clone());
        let mut task = TaskScript::new(stream.clone(), id);
        let mut after = Position::START;
        loop {
            let commits = self.scene.log().read(&filter, after, BEGINNING).await?;
            let page = commits.len();
            for commit in commits.iter().take_while(|commit| commit.position < at) {
                task.play(commit, beats);
            }
            match commits.last() {
                Some(last) if page == BEGINNING && last.position < at => after = last.position,
                _ => break,
            }
        }
        if let Some(before) = agent.task.replace(task) {
            self.feed.leave(before.stream());
        }
        self.feed.follow(stream, at);
        Ok(())
    }

    /// Makes events of what the commit at `at` says.
    async fn perform(&mut self, at: Position, beats: Vec<Beat>) -> Result<Vec<Frame>, Trouble> {
        // An id that names no commit of this stream, or more events than it has, is not ours.
        let within = self.within.take().filter(|cursor| cursor.commit == at);
        let mut skip = within.map_or(0, |cursor| cursor.events);
        let is_event = |beat: &Beat| matches!(beat, Beat::Closes { .. } | Beat::Tells(_));
        let mut left = beats.iter().filter(|beat| is_event(beat)).count();
        let mut told = 0;
        let mut frames = Vec::new();
        for beat in beats {
            left -= usize::from(is_event(&beat));
            match beat {
                Beat::Opens(call) => {
                    self.open = Some(call);
                    self.cursor.text = 0;
                }
                Beat::Drops => self.close(),
                Beat::Closes { call, turn } => {
                    if skip == 0 {
                        let rest = self.renderer.rest(&call, &turn, self.cursor).await?;
                        frames.extend(rest);
                    }
                    self.close();
                }
                Beat::Tells(tell) => {
                    told += 1;
                    if skip > 0 {
                        skip -= 1;
                        if let (0, Some(within)) = (skip, within) {
                            self.stand_at(within);
                        }
                        continue;
                    }
                    let events = if left == 0 { Cursor::ALL } else { told };
                    self.cursor = Cursor { commit: at, events, ..self.cursor };
                    frames.push(self.renderer.tell(tell, self.cursor).await?);
                }
            }
        }
        self.cursor = Cursor { text: self.cursor.text, ..Cursor::after(at) };
        Ok(frames)
    }

    /// Takes a reader's word for where it is; text is only of a call that is open.
    fn stand_at(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        if self.open.is_none() {
            self.cursor.text = 0;
        }
    }

    fn close(&mut self) {
        self.open = None;
        self.cursor.text = 0;
    }
}

impl Script {
    fn of(key: &StreamId) -> Result<Self, Trouble> {
        let stream = key.clone();
        let unknown = |_| Trouble::new(format!("{key} is no agent's or task's stream"));
        Ok(match key.kind {
            Kind::Agent => {
                let id = key.key().parse().map_err(unknown)?;
                Script::Agent(Box::new(AgentScript::new(stream, id)))
            }
            _ => Script::Task(TaskScript::new(stream, key.key().parse().map_err(unknown)?)),
        })
    }
}
