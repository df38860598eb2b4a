# One HTTP request from inside a sandbox. `REQUEST`, base64 of JSON, is set by the line before this
# one; the answer is one JSON object on stdout. Standard library only: it must run on any Python 3.8
# and later that a sandbox has. urllib takes the sandbox's proxy from its environment, for https by
# CONNECT, so that a redirect is held to the same egress rules as the first request.
import sys

# The agent's own json.py or email.py must not stand in for the standard library's.
sys.path[:] = [path for path in sys.path if path not in ('', '.', '/workspace')]

import base64
import json
import re
import signal
import socket
import zlib
from urllib import error, parse, request

# Sent on to another host by a redirect; everything else may be a credential.
HARMLESS = {'accept', 'accept-language', 'user-agent'}
MAX_HEADERS = 32 << 10


def origin(url):
    parts = parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class Redirects(request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, url):
        new = super().redirect_request(req, fp, code, msg, headers, url)
        if new is not None:
            new.method = 'HEAD' if req.get_method() == 'HEAD' else 'GET'
            if origin(new.full_url) != origin(req.full_url):
                new.headers = {k: v for k, v in new.headers.items() if k.lower() in HARMLESS}
        return new


def open_url(wanted):
    opener = request.OpenerDirector()
    handlers = [
        request.ProxyHandler(), request.UnknownHandler(), request.HTTPHandler(),
        request.HTTPDefaultErrorHandler(), Redirects(), request.HTTPErrorProcessor(),
    ]
    if hasattr(request, 'HTTPSHandler'):
        handlers.append(request.HTTPSHandler())
    for handler in handlers:
        opener.add_handler(handler)
    body = wanted.get('body')
    body = None if body is None else base64.b64decode(body)
    req = request.Request(wanted['url'], data=body, method=wanted['method'])
    for name, value in wanted['headers'].items():
        req.add_header(name, value)
    try:
        return opener.open(req, timeout=wanted['timeout'])
    except error.HTTPError as answer:
        # An answer as good as any.
        return answer


def read(response, limit):
    """Up to `limit` bytes of the body, and whether there were more."""
    parts, size = [], 0
    try:
        while size <= limit:
            part = response.read(min(65536, limit + 1 - size))
            if not part:
                break
            parts.append(part)
            size += len(part)
    except Exception:
        # What a connection that broke off had sent is better than nothing.
        if not parts:
            raise
        return b''.join(parts)[:limit], True
    return b''.join(parts)[:limit], size > limit


def inflate(data, encoding, limit):
    """The data decoded, and whether it was cut; asked for or not, some servers compress."""
    if encoding not in ('gzip', 'x-gzip', 'deflate') or not data:
        return data, False
    for window in (47, -15):
        try:
            plain = zlib.decompressobj(window).decompress(data, limit + 1)
            return plain[:limit], len(plain) > limit
        except zlib.error:
            pass
    return data, False


def text_of(data, kind):
    """The data as text, or None when it is something else."""
    kind = kind.lower()
    named = re.search(r'charset\s*=\s*["\']?([\w.:-]+)', kind)
    if named is None and ('html' in kind or not kind):
        head = data[:2048].decode('latin-1').lower()
        named = re.search(r'<meta[^>]{0,200}?charset\s*=\s*["\']?([\w.:-]+)', head)
    charsets = ([named.group(1)] if named else []) + ['utf-8-sig']
    for charset in charsets:
        # A sign that the limit cut in two is not an error: at most three bytes of it are left.
        for cut in range(4):
            try:
                text = data[:len(data) - cut].decode(charset)
                return None if '\0' in text else text
            except UnicodeError:
                pass
            except LookupError:
                break
    if re.match(r'text/|application/(json|xml|javascript|xhtml)', kind):
        return data.decode('utf-8', 'replace')
    return None


def explain(why, wanted):
    host = parse.urlsplit(wanted['url']).hostname
    if isinstance(why, error.URLError) and isinstance(why.reason, BaseException):
        why = why.reason
    said = str(why)
    if 'Tunnel connection failed: 403' in said:
        return 'the egress rules of this sandbox do not let it reach %s' % host
    if 'Tunnel connection failed' in said:
        return '%s cannot be reached (%s)' % (host, said)
    if isinstance(why, socket.gaierror):
        return 'the name %s is not found, or this sandbox may not reach it' % host
    if isinstance(why, (TimeoutError, socket.timeout)):
        return 'no answer from %s within %g s' % (host, wanted['timeout'])
    return '%s: %s' % (type(why).__name__, said) if said else type(why).__name__


def answer(wanted):
    limit = wanted['limit']
    with open_url(wanted) as response:
        data, cut = read(response, limit)
        headers, size = [], 0
        for name, value in response.headers.items():
            size += len(name) + len(value)
            if size <= MAX_HEADERS:
                headers.append([name, value])
        encoding = response.headers.get('Content-Encoding', '').strip().lower()
        data, cut_again = inflate(data, encoding, limit)
        found = {
            'status': response.status if hasattr(response, 'status') else response.code,
            'reason': response.reason or '', 'url': response.geturl(), 'headers': headers,
            'bytes': len(data), 'cut': cut or cut_again,
        }
        text = text_of(data, response.headers.get('Content-Type', ''))
    if text is not None:
        body = text.encode('utf-8', 'replace')
        if len(body) > limit:
            body, found['cut'] = body[:limit], True
        found['body'] = base64.b64encode(body).decode()
    return found


def too_late(*_):
    raise TimeoutError


def main():
    wanted = json.loads(base64.b64decode(REQUEST))
    signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, wanted['timeout'])
    try:
        found = answer(wanted)
    except Exception as why:
        found = {'error': explain(why, wanted)}
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout.write(json.dumps(found))


main()
