//! An org's settings.

use std::sync::Arc;

use theazo_domain::settings::{Settings, SettingsPatch};
use theazo_domain::{Aggregate, Ctx, Kind, Scope, StreamId};

use crate::{CommandError, Commander, Done, Origin, now};

impl Commander {
    /// The settings as they are; the defaults before the first change.
    pub async fn settings(&self, scope: Scope) -> Result<Arc<Settings>, CommandError> {
        let stream = StreamId::singleton(scope, Kind::Settings);
        Ok(self.load::<Settings>(&stream).await?.state.unwrap_or_default())
    }

    pub async fn update_settings(
        &self,
        origin: &Origin,
        patch: SettingsPatch,
    ) -> Result<Done<Settings>, CommandError> {
        let stream = StreamId::singleton(origin.scope, Kind::Settings);
        let loaded = self.load::<Settings>(&stream).await?;
        // Before the first change there is nothing whose state could be answered.
        let changes = Settings::decide(None, &patch, Ctx { now: now() });
        if loaded.state.is_none() && changes.is_ok_and(|events| events.is_empty()) {
            let position = loaded.revision;
            return Ok(Done { state: Arc::default(), position, changed: false });
        }
        self.execute(origin, &stream, &patch).await
    }
}
