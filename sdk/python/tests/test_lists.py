"""Lists go over all of their pages, and downloads over all of their rows."""

from __future__ import annotations

import json
from typing import Any, List

import pytest

from theazo import APIConnectionError

from .conftest import Side
from .scripted import Asked, Reply, Server, answer, cut, dropped
from .shapes import SESSION


def page(asked: Asked) -> Reply:
    """Three pages of two sessions each."""
    at = int(asked.path.split("cursor=cur_")[1]) if "cursor=" in asked.path else 0
    data = [{**SESSION, "id": f"ses_{at * 2 + n}"} for n in range(2)]
    more = {"nextCursor": f"cur_{at + 1}"} if at < 2 else {}
    return answer({"data": data, "hasMore": at < 2, **more})


def test_a_list_goes_over_all_pages(side: Side, server: Server) -> None:
    server.replies = [page]
    sessions = side.all(side.client().sessions.list(status="active", limit=2))
    assert [session.id for session in sessions] == [f"ses_{n}" for n in range(6)]
    assert [asked.path for asked in server.asked] == [
        "/v1/sessions?status=active&limit=2",
        "/v1/sessions?status=active&limit=2&cursor=cur_1",
        "/v1/sessions?status=active&limit=2&cursor=cur_2",
    ]


def test_a_page_that_is_lost_is_asked_for_again(side: Side, server: Server) -> None:
    server.replies = [page, dropped(), lambda asked: cut(page(asked)), page]
    sessions = side.all(side.client().sessions.list())
    assert [session.id for session in sessions] == [f"ses_{n}" for n in range(6)]


def test_a_list_is_read_no_further_than_needed(side: Side, server: Server) -> None:
    server.replies = [page]
    listed = side.client().sessions.list()
    assert server.asked == []
    first = side.do(listed.page())
    assert (len(first), first.has_more, first.next_cursor) == (2, True, "cur_1")
    assert len(side.do(listed.all(limit=3))) == 3
    assert len(server.asked) == 3


def test_a_list_can_begin_anywhere(side: Side, server: Server) -> None:
    server.replies = [page]
    sessions = side.do(side.client().sessions.list(cursor="cur_2").all())
    assert [session.id for session in sessions] == ["ses_4", "ses_5"]


HEAD = "position,id,userId"
ROWS = [f'{n}~0,use_{n},"user\n{n}"' for n in range(6)]


def csv(asked: Asked) -> str:
    after = (
        int(asked.path.split("after=")[1].split("%7E")[0].split("~")[0]) + 1
        if "after=" in asked.path
        else 0
    )
    return "".join(f"{row}\n" for row in [HEAD, *ROWS[after:]])


def download(content: str, kind: str, share: float = 1.0) -> Reply:
    return cut(answer(content.encode(), kind=kind), share)


def test_a_download_goes_on_where_it_was_cut(side: Side, server: Server) -> None:
    server.replies = [
        lambda asked: download(csv(asked), "text/csv", 0.8),
        lambda asked: download(csv(asked), "text/csv", 0.9),
        dropped(),
        lambda asked: download(csv(asked), "text/csv"),
    ]
    rows = side.all(side.client().billing.export("csv", from_="2026-05-01"))
    assert rows == [HEAD, *ROWS]
    assert server.asked[0].path == "/v1/billing/export?format=csv&from=2026-05-01"
    assert "after=" in server.asked[-1].path


def test_a_download_of_json_lines(side: Side, server: Server) -> None:
    lines = [json.dumps({"position": f"{n}~0", "id": n}) for n in range(3)]
    whole = "".join(f"{line}\n" for line in lines)
    server.replies = [
        download(whole, "application/x-ndjson", 0.95),
        download(lines[2] + "\n", "application/x-ndjson"),
    ]
    assert side.all(side.client().billing.export("json")) == lines


def test_a_download_for_stripe_is_whole_or_an_error(side: Side, server: Server) -> None:
    server.replies = [download('{"position":"1~0"}\n{"summary":{}}\n', "application/x-ndjson", 0.9)]
    with pytest.raises(APIConnectionError):
        side.all(side.client().billing.export("stripe"))
    assert len(server.asked) == 1


def test_a_download_that_never_goes_on_is_given_up(side: Side, server: Server) -> None:
    server.replies = [download(f"{HEAD}\n{ROWS[0]}\n", "text/csv", 0.7)]
    seen: List[Any] = []
    with pytest.raises(APIConnectionError):
        seen += side.all(side.client(max_retries=2).billing.export("csv"))
    assert len(server.asked) == 3
