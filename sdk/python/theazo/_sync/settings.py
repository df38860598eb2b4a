# Made of theazo/_async/settings.py by tools/unasync.py: do not edit.
"""The settings of the platform."""

from __future__ import annotations

from typing import Optional

from .._core.request import Request, RequestOptions, body, get
from ..types import (
    AgentModelConfigParam,
    BillingParam,
    ComputeParam,
    UpdateSettingsParam,
    WebhookSecret,
)
from ..types import Settings as SettingsData
from .resource import Resource

_PATH = "/v1/settings"


class Settings(Resource):
    """`client.settings`: what holds where no session and no agent says otherwise."""

    def get(self, *, options: Optional[RequestOptions] = None) -> SettingsData:
        """The settings as they are."""
        return self._transport.call(get(_PATH).with_options(options), SettingsData)

    def update(
        self,
        *,
        model: Optional[AgentModelConfigParam] = None,
        compute: Optional[ComputeParam] = None,
        billing_day: Optional[int] = None,
        billing: Optional[BillingParam] = None,
        options: Optional[RequestOptions] = None,
    ) -> SettingsData:
        """Changes what is given.

        ```python
        client.settings.update(model="anthropic/claude-sonnet", billing_day=1)
        ```
        """
        content = body(
            UpdateSettingsParam,
            model=model,
            compute=compute,
            billing_day=billing_day,
            billing=billing,
        )
        request = Request("PATCH", _PATH, body=content).with_options(options)
        return self._transport.call(request, SettingsData)

    def webhook_secret(self, *, options: Optional[RequestOptions] = None) -> str:
        """What webhooks are signed with: give it to `webhooks.unwrap`."""
        request = get(f"{_PATH}/webhook-secret").with_options(options)
        return self._transport.call(request, WebhookSecret).secret
