# Made of theazo/_async/billing.py by tools/unasync.py: do not edit.
"""The bill: its sums, its rows, its proof."""

from __future__ import annotations

from typing import List, Literal, Optional

from .._core.page import read_page
from .._core.request import RequestOptions, get, query
from .._core.rows import KINDS
from ..errors import ArgumentError
from ..types import BillingUsage, BillVerification, DailyCost, ModelCost, UserCost
from .download import rows
from .exports import Exports
from .resource import Resource
from .stream import Stream
from .transport import Transport
from .usage import Time

_USAGE = "/v1/billing/usage"


class Billing(Resource):
    """`client.billing`. Where a period is left open it is the billing period so far."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        #: Pushes to your biller.
        self.exports = Exports(transport)

    def usage(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        options: Optional[RequestOptions] = None,
    ) -> BillingUsage:
        """What the period comes to."""
        request = get(_USAGE, query(from_=from_, until=until)).with_options(options)
        return self._transport.call(request, BillingUsage)

    def daily(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        options: Optional[RequestOptions] = None,
    ) -> List[DailyCost]:
        """The cost of each day."""
        request = get(f"{_USAGE}/daily", query(from_=from_, until=until)).with_options(options)
        return read_page(self._transport.send(request), DailyCost.from_dict).data

    def users(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        limit: Optional[int] = None,
        options: Optional[RequestOptions] = None,
    ) -> List[UserCost]:
        """What each of your users has cost, the dearest first.

        ```python
        for user in client.billing.users(limit=10):
            print(user.user_id, user.cost.amount)
        ```
        """
        asked = query(from_=from_, until=until, limit=limit)
        request = get(f"{_USAGE}/users", asked).with_options(options)
        return read_page(self._transport.send(request), UserCost.from_dict).data

    def models(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        options: Optional[RequestOptions] = None,
    ) -> List[ModelCost]:
        """What each model has cost."""
        request = get(f"{_USAGE}/models", query(from_=from_, until=until)).with_options(options)
        return read_page(self._transport.send(request), ModelCost.from_dict).data

    def export(
        self,
        format: Literal["csv", "json", "stripe"] = "csv",
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        after: Optional[str] = None,
        options: Optional[RequestOptions] = None,
    ) -> Stream[str]:
        """Every usage record of a period, row by row, of any number.

        CSV begins with a head; the rows of `json` and `stripe` are JSON. A download of `csv` or
        `json` that is cut goes on where it was; one of `stripe` raises, since its last line sums up
        the whole. `after` is the `position` of a row: only what comes after it.

        ```python
        with open("may.csv", "w") as file:
            for row in client.billing.export("csv", from_="2026-05-01"):
                file.write(row + "\\n")
        ```
        """
        if format not in KINDS:
            raise ArgumentError(f"`format` is {format!r}; it has to be one of {', '.join(KINDS)}.")
        asked = query(format=format, from_=from_, until=until, after=after)
        request = get("/v1/billing/export", asked, accept=KINDS[format]).with_options(options)
        return Stream(rows(self._transport, request, format))

    def verify(
        self,
        *,
        from_: Optional[Time] = None,
        until: Optional[Time] = None,
        stripe: Optional[bool] = None,
        options: Optional[RequestOptions] = None,
    ) -> BillVerification:
        """Adds the period up again from the log, and compares; `stripe`: with Stripe's sums too."""
        asked = query(from_=from_, until=until, stripe=stripe)
        request = get("/v1/billing/verify", asked, patience=240.0).with_options(options)
        return self._transport.call(request, BillVerification)
