//! What of a message's head crosses the proxy.

use std::net::IpAddr;

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::address::Form;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Of one connection, not of the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a page may do that shares its origin with the API: run, but with an origin of its own, so
/// that it reaches nothing that the API's pages keep in the browser.
const OPAQUE_ORIGIN: &str = "sandbox allow-scripts allow-forms allow-popups allow-modals \
                             allow-downloads";

/// Headers by which an answer changes what the browser keeps for the whole origin.
const OF_THE_ORIGIN: [HeaderName; 4] = [
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
];

/// The protocol that the sender wants to change to (or has changed to), if any.
pub fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    let protocol = headers.get(header::UPGRADE).filter(|_| wanted)?;
    // Cleartext HTTP/2 would hide all further requests of the connection from the proxy.
    let h2c = protocol.as_bytes().get(..3).is_some_and(|p| p.eq_ignore_ascii_case(b"h2c"));
    (!h2c).then(|| protocol.clone())
}

/// Makes a caller's headers those of the request to the sandbox.
pub fn to_sandbox(
    headers: &mut HeaderMap,
    form: &Form,
    scheme: &'static str,
    peer: Option<IpAddr>,
) {
    remove_hop_by_hop(headers);
    // This server has answered it when it began to read the body.
    headers.remove(header::EXPECT);
    if headers.get(header::AUTHORIZATION).is_some_and(has_our_key) {
        headers.remove(header::AUTHORIZATION);
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.insert(X_FORWARDED_HOST, host);
    }
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.remove(X_FORWARDED_PREFIX);
    if let Form::Path { prefix } = form {
        // The cookies of the API's own origin are none of the sandbox's business.
        headers.remove(header::COOKIE);
        if let Ok(prefix) = HeaderValue::from_str(prefix) {
            headers.insert(X_FORWARDED_PREFIX, prefix);
        }
    }
    if let Some(peer) = peer {
        append_forwarded_for(headers, peer);
    }
}

/// Makes a sandbox's headers those of the answer to the caller.
pub fn to_caller(headers: &mut HeaderMap, form: &Form) {
    remove_hop_by_hop(headers);
    match form {
        Form::Host => keep_cookies_at_home(headers),
        Form::Path { prefix } => {
            for name in &OF_THE_ORIGIN {
                headers.remove(name);
            }
            headers
                .append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(OPAQUE_ORIGIN));
            stay_below(prefix, headers);
        }
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        connection_options(headers).filter_map(|option| option.parse().ok()).collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Whether an `Authorization` carries a key of this API, by whatever scheme: code in a sandbox
/// must never see one.
fn has_our_key(value: &HeaderValue) -> bool {
    let text = value.as_bytes().trim_ascii();
    let credential = text.split(u8::is_ascii_whitespace).next_back().unwrap_or(text);
    credential.starts_with(b"th_")
}

fn append_forwarded_for(headers: &mut HeaderMap, peer: IpAddr) {
    let earlier = headers.get_all(&X_FORWARDED_FOR).into_iter().filter_map(|v| v.to_str().ok());
    let all: Vec<String> = earlier.map(str::to_owned).chain([peer.to_string()]).collect();
    if let Ok(value) = HeaderValue::from_str(&all.join(", ")) {
        headers.insert(X_FORWARDED_FOR, value);
    }
}

/// Without `Domain`, so that a cookie goes back to its own port only, never to its neighbours.
fn keep_cookies_at_home(headers: &mut HeaderMap) {
    let header::Entry::Occupied(cookies) = headers.entry(header::SET_COOKIE) else { return };
    let kept: Vec<HeaderValue> = cookies.iter().filter_map(without_domain).collect();
    cookies.remove_entry_mult();
    for cookie in kept {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn without_domain(cookie: &HeaderValue) -> Option<HeaderValue> {
    let is_domain = |part: &[u8]| {
        let name = part.split(|b| *b == b'=').next().unwrap_or(part);
        name.trim_ascii().eq_ignore_ascii_case(b"domain")
    };
    let mut parts = cookie.as_bytes().split(|b| *b == b';');
    // The first part is the cookie itself, which may be called anything.
    let mut kept = parts.next()?.to_vec();
    for part in parts.filter(|part| !is_domain(part)) {
        kept.push(b';');
        kept.extend_from_slice(part);
    }
    HeaderValue::from_bytes(&kept).ok()
}

/// A redirect to a path is one within the sandbox, which does not know where it is shown.
fn stay_below(prefix: &str, headers: &mut HeaderMap) {
    let Some(to) = headers.get(header::LOCATION).and_then(|to| to.to_str().ok()) else { return };
    if !to.starts_with('/') || to.starts_with("//") || to.starts_with(&format!("{prefix}/")) {
        return;
    }
    if let Ok(to) = HeaderValue::from_str(&format!("{prefix}{to}")) {
        headers.insert(header::LOCATION, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let mut map = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    fn by_path() -> Form {
        Form::Path { prefix: "/v1/ports/agt_1/80".to_owned() }
    }

    #[test]
    fn hop_by_hop_headers_and_those_that_connection_names_stay_behind() {
        let mut map = headers(&[
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic eA=="),
            ("x-kept", "1"),
        ]);
        to_caller(&mut map, &Form::Host);
        assert_eq!(map, headers(&[("x-kept", "1")]));
    }

    #[test]
    fn a_key_of_the_api_never_reaches_the_sandbox() {
        for ours in ["Bearer th_live_x", "bearer  th_test_x", "th_live_x", "Token th_live_x"] {
            let mut map = headers(&[("authorization", ours)]);
            to_sandbox(&mut map, &Form::Host, "http", None);
            assert!(!map.contains_key("authorization"), "{ours}");
        }
        let mut theirs = headers(&[("authorization", "Bearer their-own")]);
        to_sandbox(&mut theirs, &Form::Host, "http", None);
        assert_eq!(theirs["authorization"], "Bearer their-own");
    }

    #[test]
    fn the_sandbox_hears_who_asked_and_for_what() {
        let mut map = headers(&[
            ("host", "agt-1-80.localhost:7070"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-prefix", "/made-up"),
        ]);
        to_sandbox(&mut map, &Form::Host, "https", Some("198.51.100.7".parse().unwrap()));
        let expected = headers(&[
            ("host", "agt-1-80.localhost:7070"),
            ("x-forwarded-host", "agt-1-80.localhost:7070"),
            ("x-forwarded-for", "192.0.2.1, 198.51.100.7"),
            ("x-forwarded-proto", "https"),
        ]);
        assert_eq!(map, expected);
        to_sandbox(&mut map, &by_path(), "https", None);
        assert_eq!(map["x-forwarded-prefix"], "/v1/ports/agt_1/80");
    }

    #[test]
    fn a_cookie_stays_with_its_own_port() {
        let mut map = headers(&[
            ("set-cookie", "a=1; Path=/; Domain=localhost; Secure"),
            ("set-cookie", "domain=2; HttpOnly"),
        ]);
        to_caller(&mut map, &Form::Host);
        let cookies: Vec<_> = map.get_all("set-cookie").into_iter().collect();
        assert_eq!(cookies, ["a=1; Path=/; Secure", "domain=2; HttpOnly"]);
    }

    #[test]
    fn by_path_a_page_is_shut_off_from_the_origin_that_it_shares() {
        let mut answer = headers(&[
            ("set-cookie", "a=1"),
            ("clear-site-data", "\"*\""),
            ("location", "/next"),
            ("content-security-policy", "default-src 'self'"),
        ]);
        to_caller(&mut answer, &by_path());
        let expected = headers(&[
            ("location", "/v1/ports/agt_1/80/next"),
            ("content-security-policy", "default-src 'self'"),
            ("content-security-policy", OPAQUE_ORIGIN),
        ]);
        assert_eq!(answer, expected);

        let mut request = headers(&[("cookie", "session=of-the-dashboard")]);
        to_sandbox(&mut request, &by_path(), "http", None);
        assert!(!request.contains_key("cookie"));
    }

    #[test]
    fn redirects_to_elsewhere_are_left_as_they_are() {
        for to in ["https://example.com/", "//example.com", "next", "/v1/ports/agt_1/80/x"] {
            let mut map = headers(&[("location", to)]);
            to_caller(&mut map, &by_path());
            assert_eq!(map["location"], to);
        }
    }

    #[test]
    fn an_upgrade_needs_both_headers_and_is_never_http2() {
        let websocket = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(upgrade_of(&websocket).unwrap(), "websocket");
        assert_eq!(upgrade_of(&headers(&[("upgrade", "websocket")])), None);
        let h2c = headers(&[("connection", "upgrade"), ("upgrade", "h2c")]);
        assert_eq!(upgrade_of(&h2c), None);
    }
}
